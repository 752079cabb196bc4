// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credit of a connection: in records, which the common code does not count,
 * and in bytes as far as a late packet must not move it back. Everything here
 * only moves forward; counters wrap, so they are compared by signed distance.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <virtsock/credit.h>

/* a comes after b */
static bool after(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

/**
 * virtsock_credit_init() - start of a connection
 * @c: the connection's credit
 *
 * Both sides start with one record admitted, before anything was announced:
 * the smallest buffer takes one.
 *
 * Context: any; nobody else uses @c yet.
 */
void virtsock_credit_init(struct virtsock_credit *c)
{
	*c = (struct virtsock_credit){ .tx_limit = 1, .rx_limit = 1 };
}
EXPORT_SYMBOL_GPL(virtsock_credit_init);

/**
 * virtsock_credit_may_send() - may one more message be sent?
 * @c: the connection's credit
 *
 * A message that was begun is sent as a whole, in as many records as it
 * takes: tx_recs may pass the limit by what the receiver left as slack.
 *
 * Context: any; the caller serialises sends. The limit may move meanwhile,
 * forward.
 * Return: true if the peer admits it.
 */
bool virtsock_credit_may_send(const struct virtsock_credit *c)
{
	return after(READ_ONCE(c->tx_limit), c->tx_recs);
}
EXPORT_SYMBOL_GPL(virtsock_credit_may_send);

/**
 * virtsock_credit_update_limit() - a limit came with a header of the peer
 * @c: the connection's credit
 * @limit: records that the peer admits, cumulative
 *
 * Late or repeated limits change nothing.
 *
 * Context: any; the caller serialises.
 * Return: true if the window was closed and is open now: wake the writer.
 */
bool virtsock_credit_update_limit(struct virtsock_credit *c, u32 limit)
{
	bool closed = !virtsock_credit_may_send(c);

	if (!after(limit, c->tx_limit))
		return false;
	WRITE_ONCE(c->tx_limit, limit);
	return closed && virtsock_credit_may_send(c);
}
EXPORT_SYMBOL_GPL(virtsock_credit_update_limit);

/**
 * virtsock_credit_rx_limit() - the limit to announce
 * @c: the connection's credit
 * @max: entries that the receive queue may hold, or VIRTSOCK_CREDIT_NO_RULE
 * @queued: entries that it holds
 * @slack: records that one message may take beyond its first
 *
 * Room for a last message of 1 + @slack records is kept, as the sender looks
 * at the limit only before a message. What was announced stays announced,
 * and an empty queue admits one message however small the buffer is.
 *
 * Context: any; the caller serialises.
 * Return: records admitted, cumulative.
 */
u32 virtsock_credit_rx_limit(struct virtsock_credit *c, u32 max, u32 queued,
			     u32 slack)
{
	u64 used = (u64)queued + slack;
	u32 room = min(max, VIRTSOCK_CREDIT_NO_RULE);

	room = used < room ? room - used : 0;
	if (!room && !queued)
		room = 1;
	if (after(c->rx_recs + room, c->rx_limit))
		c->rx_limit = c->rx_recs + room;
	return c->rx_limit;
}
EXPORT_SYMBOL_GPL(virtsock_credit_rx_limit);

/**
 * virtsock_credit_bytes() - keep a packet from moving byte credit back
 * @c: the connection's credit
 * @fwd_cnt: in: the packet's; out: the newest known
 * @buf_alloc: in: the packet's; out: the one that came with the newest fwd_cnt
 *
 * To be called for each packet of the peer, in the order they came, and again
 * for a packet that was put aside, right before the common code sees it. With
 * equal fwd_cnt the packet's buf_alloc counts.
 *
 * Context: any; the caller serialises.
 */
void virtsock_credit_bytes(struct virtsock_credit *c, u32 *fwd_cnt,
			   u32 *buf_alloc)
{
	if (c->seen && after(c->fwd_cnt, *fwd_cnt)) {
		*fwd_cnt = c->fwd_cnt;
		*buf_alloc = c->buf_alloc;
		return;
	}
	c->fwd_cnt = *fwd_cnt;
	c->buf_alloc = *buf_alloc;
	c->seen = true;
}
EXPORT_SYMBOL_GPL(virtsock_credit_bytes);
