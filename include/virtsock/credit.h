/* SPDX-License-Identifier: GPL-2.0-only */
/* Credit of one connection beside the bytes that the common code counts */
#ifndef _VIRTSOCK_CREDIT_H
#define _VIRTSOCK_CREDIT_H

#include <linux/types.h>

/* A receiver whose kernel has no rule for entries announces this much room */
#define VIRTSOCK_CREDIT_NO_RULE	0x40000000U

/**
 * struct virtsock_credit - records sent and admitted, both directions
 * @tx_recs: records with payload sent on this connection, cumulative
 * @tx_limit: the peer admits records up to this count, cumulative
 * @rx_recs: records with payload put into the socket's queue, cumulative
 * @rx_limit: the limit announced last; it never goes back
 * @fwd_cnt: newest fwd_cnt seen from the peer
 * @buf_alloc: buf_alloc that came with it
 * @seen: a header of the peer was seen, so the two above are valid
 *
 * The caller serialises; all counters wrap at 2^32 and are compared signed.
 */
struct virtsock_credit {
	u32 tx_recs;
	u32 tx_limit;
	u32 rx_recs;
	u32 rx_limit;
	u32 fwd_cnt;
	u32 buf_alloc;
	bool seen;
};

/* tx_limit starts at 1: the smallest buffer admits one record */
void virtsock_credit_init(struct virtsock_credit *c);

/* may one more message be sent (it may take as many records as it needs)? */
bool virtsock_credit_may_send(const struct virtsock_credit *c);

/* forward only; true if this opened a closed window */
bool virtsock_credit_update_limit(struct virtsock_credit *c, u32 limit);

/*
 * Receiver: the limit to announce. @max: entries the queue may hold by the
 * kernel's rule (VIRTSOCK_CREDIT_NO_RULE if it has none), @queued: entries it
 * holds, @slack: records that one message may take beyond the first. Never
 * moves back; an empty queue always admits one more.
 */
u32 virtsock_credit_rx_limit(struct virtsock_credit *c, u32 max, u32 queued,
			     u32 slack);

/*
 * The peer's fwd_cnt and buf_alloc, of a packet that may be late: both are
 * replaced by the newest known where the packet's are older (fwd_cnt advances
 * only if (s32)(new - old) > 0; with an equal fwd_cnt the buf_alloc given is
 * taken, it was sent last as packets of one connection keep their order).
 */
void virtsock_credit_bytes(struct virtsock_credit *c, u32 *fwd_cnt,
			   u32 *buf_alloc);

#endif
