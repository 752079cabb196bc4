// SPDX-License-Identifier: GPL-2.0-only
/*
 * SO_RCVTIMEO and SO_SNDTIMEO: the time, and what was done until then. The time may be
 * shorter by as much as the kernel's tick was late when it began: half of it is asked for.
 */
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "groups.h"

static void set_timeo(int fd, int name, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	NEED(setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)));
}

static void recv_subject(void)
{
	uint64_t began;
	int fd = pair();
	char buf[100];

	set_timeo(fd, SO_RCVTIMEO, 200);
	began = now_ms();
	REFUSED(EAGAIN, recv(fd, buf, sizeof(buf), 0));
	TRUE(now_ms() - began >= 100);
	meet();
	/* 40 bytes come: a stream has them in spite of MSG_WAITALL. */
	meet();
	began = now_ms();
	EQUAL(NEED(recv(fd, buf, sizeof(buf), MSG_WAITALL)), 40);
	check(0, buf, 40);
	if (me.type == SOCK_STREAM)
		TRUE(now_ms() - began >= 100);
	set_timeo(fd, SO_RCVTIMEO, 0);
	meet();
	recv_all(fd, 40, 60);
	meet();
}

static void recv_helper(void)
{
	int fd = pair();

	meet();
	send_all(fd, 0, 40);
	meet();
	meet();
	nap(300);
	send_all(fd, 40, 60);
	meet();
}

/* accept() has the time of the listener. */
static void accept_time(void)
{
	int lfd = listen_new();
	uint64_t began = now_ms();

	set_timeo(lfd, SO_RCVTIMEO, 150);
	REFUSED(EAGAIN, accept(lfd, NULL, NULL));
	TRUE(now_ms() - began >= 75);
}

/*
 * Blocked by credit: as much as was told was sent, not a byte more. Messages
 * have a length that the window is a multiple of, since the core begins one
 * that does not fit.
 */
static void send_subject(void)
{
	size_t piece = me.type == SOCK_STREAM ? 600001 : 4096;
	uint8_t *buf = big_buf(piece);
	uint64_t off = 0, began, took = 0;
	int fd = pair(), blocked = 0;
	ssize_t n;

	set_timeo(fd, SO_SNDTIMEO, 250);
	while (blocked < 2) {
		fill(off, buf, piece);
		began = now_ms();
		n = send(fd, buf, piece, MSG_NOSIGNAL);
		took = now_ms() - began;
		if (n > 0) {
			off += n;
			TRUE((size_t)n == piece || took >= 125);
			continue;
		}
		EQUAL(n, -1);
		EQUAL(errno, EAGAIN);
		TRUE(took >= 125);
		blocked++;
	}
	tell(off);
	meet();
	/* It goes on where it stopped. */
	set_timeo(fd, SO_SNDTIMEO, 0);
	send_pieces(fd, off, 500000, me.type == SOCK_STREAM ? 70000 : 4096);
	meet();
}

static void send_helper(void)
{
	int fd = pair();
	uint64_t off = hear();

	drain(fd, 0, off);
	meet();
	recv_pieces(fd, off, 500000, me.type == SOCK_STREAM ? 70000 : 4096);
	meet();
}

/* The window opens in time: the whole of it was sent. */
static void in_time_subject(void)
{
	int fd = pair();
	uint64_t off;

	off = fill_up(fd, 4096);
	tell(off);
	set_timeo(fd, SO_SNDTIMEO, 20000);
	send_all(fd, off, me.type == SOCK_STREAM ? 700000 : 4096);
	meet();
}

static void in_time_helper(void)
{
	int fd = pair();
	uint64_t off = hear();

	nap(200);
	drain(fd, 0, off);
	recv_all(fd, off, me.type == SOCK_STREAM ? 700000 : 4096);
	meet();
}

/*
 * The reader takes one message, and then does something else for long: the one that
 * waits has room, and is told in time.
 */
#define PROGRESS_LEN	30000

/*
 * Who is never told goes on when the guest looks for its host, once a second, so the
 * time of these is shorter. The machine may stand still for as long, but not each time.
 */
#define TOLD_MS		600
#define TRIES		3

/* Was it told in time, in the @try counted from 0? If not in the last one, it fails. */
static bool told(int fd, const uint8_t *buf, size_t len, int try)
{
	ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

	if (try < TRIES - 1 && (n >= 0 ? (size_t)n < len : errno == EAGAIN)) {
		report_say("try %d: not in time", try + 1);
		return false;
	}
	EQUAL(NEED(n), len);
	return true;
}

static bool progress_try(int try)
{
	uint8_t *buf = big_buf(PROGRESS_LEN);
	int fd = pair(), i;
	uint64_t off;

	off = fill_up(fd, PROGRESS_LEN);
	set_timeo(fd, SO_SNDTIMEO, TOLD_MS);
	for (i = 0; i < 4; i++) {
		tell(off);
		fill(off, buf, PROGRESS_LEN);
		if (!told(fd, buf, PROGRESS_LEN, try)) {
			tell(0);
			close(fd);
			return false;
		}
		off += PROGRESS_LEN;
	}
	tell(off);
	meet();
	return true;
}

static void progress_subject(void)
{
	int try = 0;

	while (!progress_try(try))
		try++;
}

/* False: there is another try. */
static bool progress_read(int fd)
{
	uint64_t off = hear();
	int i;

	for (i = 0; i < 4 && off; i++) {
		/* By then the other half waits. */
		nap(100);
		recv_all(fd, i * PROGRESS_LEN, PROGRESS_LEN);
		off = hear();
	}
	if (!off) {
		close(fd);
		return false;
	}
	drain(fd, i * PROGRESS_LEN, off - i * PROGRESS_LEN);
	meet();
	return true;
}

static void progress_helper(void)
{
	while (!progress_read(pair()))
		;
}

/*
 * The reader of a stream takes a quarter of its buffer, which is a packet at least,
 * and then does something else.
 */
#define STOPS_AFTER	70000

static void stops_subject(void)
{
	uint8_t *buf = big_buf(1000);
	bool sent = false;
	uint64_t off;
	int fd, try;

	for (try = 0; !sent; try++) {
		fd = pair();
		off = fill_up(fd, 4096);
		set_timeo(fd, SO_SNDTIMEO, TOLD_MS);
		tell(off);
		fill(off, buf, 1000);
		sent = told(fd, buf, 1000, try);
		tell(sent);
		if (!sent)
			close(fd);
	}
}

static void stops_helper(void)
{
	uint64_t off;
	int fd;

	for (;;) {
		fd = pair();
		off = hear();
		/* By then the other half waits. */
		nap(100);
		recv_all(fd, 0, STOPS_AFTER);
		if (hear())
			break;
		close(fd);
	}
	drain(fd, STOPS_AFTER, off + 1000 - STOPS_AFTER);
}

/*
 * A stream that was fast, so that buffers may have grown, and then has a reader who
 * takes 64 KiB every 0.3 s.
 */
#define FAST	(8 << 20)
#define SLOW	65536

static void slow_subject(void)
{
	uint8_t *buf = big_buf(SLOW);
	int fd = pair();
	uint64_t off;
	ssize_t n;

	send_all(fd, 0, FAST);
	meet();
	off = FAST + fill_up(fd, SLOW);
	set_timeo(fd, SO_SNDTIMEO, 2500);
	tell(off);
	fill(off - FAST, buf, SLOW);
	n = NEED(send(fd, buf, SLOW, MSG_NOSIGNAL));
	tell(off + n);
	meet();
}

static void slow_helper(void)
{
	uint64_t off = 0, end;
	int fd = pair(), i;

	recv_all(fd, 0, FAST);
	meet();
	end = hear() - FAST;
	for (i = 0; i < 12 && off + SLOW <= end; i++, off += SLOW) {
		recv_all(fd, off, SLOW);
		nap(300);
	}
	end = hear() - FAST;
	drain(fd, off, end - off);
	meet();
}

const struct vsapi_test timeo_tests[] = {
	{ "recv", BOTH, recv_subject, recv_helper },
	{ "accept", BOTH, accept_time, NULL },
	{ "send", BOTH, send_subject, send_helper },
	{ "in-time", BOTH, in_time_subject, in_time_helper },
	{ "progress", SEQ, progress_subject, progress_helper },
	{ "stops", STREAM, stops_subject, stops_helper },
	{ "slow", STREAM, slow_subject, slow_helper },
	{}
};
