// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of a storm. Each carries its number and a piece of a table that both
 * ends make alike, chosen by connection and number, so a byte that is lost,
 * doubled, out of order or somebody else's is seen.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "storm.h"
#include "vst.h"

#define TABLE (1u << 17)

static uint8_t table[TABLE + STORM_MSG_MAX];

void storm_io_init(void)
{
	fill(77, 0, table, sizeof(table));
}

/* Mostly small, some of several pages, a few larger than a packet */
static uint32_t length(uint64_t seed, uint32_t nr)
{
	uint64_t h = mix(seed + nr * 3ull);
	uint32_t dice = h % 1000, max;

	h >>= 16;
	if (dice < 850)
		max = 120;
	else if (dice < 970)
		max = 2000;
	else if (dice < 995)
		max = 10000;
	else
		max = STORM_MSG_MAX - sizeof(struct storm_head);
	if (max > opt.max)
		max = opt.max;
	return sizeof(struct storm_head) + h % (max + 1);
}

static const uint8_t *content(uint64_t seed, uint32_t nr)
{
	return table + mix(seed ^ (nr * 0x10001ull)) % TABLE;
}

/*
 * A call failed. True if it may: the other end broke off as planned, or the
 * link ended and chaos=1 says so.
 */
bool storm_error(struct storm_conn *c, const char *what, int err)
{
	switch (err) {
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
	case ESHUTDOWN:
		if (c->plan.end != END_FULL || opt.chaos)
			return true;
		break;
	case ENODEV:
	case ETIMEDOUT:
		if (opt.chaos)
			return true;
		break;
	}
	die("%s %s, plan %u, seed %llx: %s: %s after %u sent, %u received",
	    c->server ? "server" : "client", c->type == SOCK_STREAM ? "stream" : "seq",
	    c->plan.end, (unsigned long long)c->plan.seed, what,
	    strerrorname_np(err), c->sent, c->rcvd);
}

void storm_moved(struct storm_conn *c, const char *doing)
{
	c->moved = now_us() / 1000;
	c->doing = doing;
}

/* Return: 0, or what poll() said of the socket besides @events */
int storm_wait(struct storm_conn *c, short events)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };

	if (poll(&pfd, 1, -1) < 0)
		die_errno("poll");
	return pfd.revents & ~events;
}

static bool send_one(struct storm_conn *c, const uint8_t *buf, size_t len, int flags)
{
	ssize_t n;

	while (len) {
		n = send(c->fd, buf, len, MSG_NOSIGNAL | flags);
		if (n < 0 && errno == EAGAIN && c->plan.nonblock) {
			storm_wait(c, POLLOUT);
			continue;
		}
		if (n < 0) {
			storm_error(c, "send", errno);
			return false;
		}
		if (c->type == SOCK_SEQPACKET && (size_t)n != len)
			die("%zd of a message of %zu sent", n, len);
		storm_count.out += n;
		buf += n;
		len -= n;
	}
	return true;
}

/* Send messages of @seed. False if the connection ended before the last. */
bool storm_send(struct storm_conn *c, uint64_t seed, uint32_t count)
{
	static __thread uint8_t buf[STORM_MSG_MAX];
	struct storm_head head = { .seed = seed };
	uint32_t nr;

	for (nr = 0; nr < count && !c->ending; nr++) {
		bool more = c->type == SOCK_STREAM && mix(seed + nr) % 16 == 0;

		head.len = length(seed, nr);
		head.nr = nr;
		memcpy(buf, &head, sizeof(head));
		memcpy(buf + sizeof(head), content(seed, nr), head.len - sizeof(head));
		if (!send_one(c, buf, head.len, more && nr + 1 < count ? MSG_MORE : 0))
			return false;
		c->sent++;
		storm_count.sent++;
		storm_moved(c, "send");
	}
	return nr == count;
}

/* @have bytes of the message @nr are in @buf. Return: its length if all are. */
static uint32_t check_one(struct storm_conn *c, const uint8_t *buf, size_t have,
			  uint64_t seed, uint32_t nr)
{
	struct storm_head head;

	if (have < sizeof(head))
		return 0;
	memcpy(&head, buf, sizeof(head));
	if (head.seed != seed || head.nr != nr || head.len != length(seed, nr))
		die("%s %s, seed %llx: message %u of %u bytes expected, got %u of %u, seed %llx",
		    c->server ? "server" : "client",
		    c->type == SOCK_STREAM ? "stream" : "seq",
		    (unsigned long long)seed, nr, length(seed, nr),
		    head.nr, head.len, (unsigned long long)head.seed);
	if (have < head.len)
		return 0;
	if (memcmp(buf + sizeof(head), content(seed, nr), head.len - sizeof(head)))
		die("seed %llx, message %u: content differs",
		    (unsigned long long)seed, nr);
	return head.len;
}

/* More bytes into @buf. Return: how many, 0 at the end, -1 if it broke off. */
static ssize_t recv_some(struct storm_conn *c, uint8_t *buf, size_t room)
{
	ssize_t n;

	for (;;) {
		n = recv(c->fd, buf, room, 0);
		if (n >= 0) {
			storm_count.in += n;
			return n;
		}
		if (errno == EAGAIN && c->plan.nonblock) {
			storm_wait(c, POLLIN);
			continue;
		}
		storm_error(c, "recv", errno);
		return -1;
	}
}

/*
 * Receive messages of @seed up to the end of the stream, and no more than
 * @count. False if the connection ended before.
 */
bool storm_recv(struct storm_conn *c, uint64_t seed, uint32_t count)
{
	static __thread uint8_t buf[2 * STORM_MSG_MAX];
	size_t have = 0, off, len;
	uint32_t nr = 0;
	ssize_t n;

	for (;;) {
		if (c->plan.end != END_FULL && nr == count)
			return true;
		n = recv_some(c, buf + have, STORM_MSG_MAX);
		if (n < 0)
			return false;
		if (!n)
			break;
		have += n;
		for (off = 0; nr < count; off += len, nr++) {
			len = check_one(c, buf + off, have - off, seed, nr);
			if (!len)
				break;
			c->rcvd++;
			storm_count.rcvd++;
			storm_count.bytes += len;
		}
		if (c->type == SOCK_SEQPACKET && off != have)
			die("message %u has %zu bytes too few or too many", nr, have - off);
		have -= off;
		memmove(buf, buf + off, have);
		if (nr == count && have)
			die("%zu bytes behind the last message", have);
		storm_moved(c, "recv");
	}
	if (nr == count)
		return true;
	if (c->plan.end == END_FULL)
		die("%s %s, seed %llx: end of file after %u of %u messages",
		    c->server ? "server" : "client",
		    c->type == SOCK_STREAM ? "stream" : "seq",
		    (unsigned long long)seed, nr, count);
	return false;
}
