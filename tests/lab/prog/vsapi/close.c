// SPDX-License-Identifier: GPL-2.0-only
/* shutdown(), close() and SO_LINGER with data on its way. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "groups.h"

static void linger(int fd, int on, int secs)
{
	struct linger l = { .l_onoff = on, .l_linger = secs };

	NEED(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
}

/* Both directions end one after the other. */
static void half_subject(void)
{
	int fd = pair();

	send_all(fd, 0, 60000);
	NEED(shutdown(fd, SHUT_WR));
	REFUSED(EPIPE, send(fd, "x", 1, MSG_NOSIGNAL));
	recv_all(fd, 9, 50000);
	expect_eof(fd);
	expect_eof(fd);
}

static void half_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 60000);
	expect_eof(fd);
	expect_eof(fd);
	send_all(fd, 9, 50000);
}

/* A reader that reads no more: its peer may not write. */
static void read_end_subject(void)
{
	int fd = pair();

	meet();
	NEED(shutdown(fd, SHUT_RD));
	expect_eof(fd);
	send_all(fd, 0, 10000);
	meet();
	meet();
}

static void read_end_helper(void)
{
	int fd = pair();

	send_all(fd, 0, 100);
	meet();
	recv_all(fd, 0, 10000);
	meet();
	UNTIL(send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	EQUAL(errno, EPIPE);
	meet();
}

/* A reader that sleeps and a writer that is blocked learn of the end. */
static void wakes_subject(void)
{
	int fd = pair();
	uint8_t *buf = big_buf(1 << 20);
	ssize_t n;
	char c;

	EQUAL(recv(fd, &c, 1, 0), 0);
	meet();
	for (;;) {
		n = send(fd, buf, 1 << 18, MSG_NOSIGNAL);
		if (n < 0)
			break;
	}
	TRUE(errno == EPIPE || errno == ECONNRESET);
}

static void wakes_helper(void)
{
	int fd = pair();

	nap(50);
	NEED(shutdown(fd, SHUT_WR));
	meet();
	nap(100);
	close(fd);
}

/* close() with a lot on its way: it arrives, in order, and then the end. */
static void order(int on, int secs)
{
	size_t len = me.type == SOCK_STREAM ? 1000000 : 60000, i;
	int rounds = me.type == SOCK_STREAM ? 3 : 20, r, fd;
	int lfd = me.subject ? -1 : listen_new();

	if (!me.subject)
		tell(sock_port(lfd));
	i = me.subject ? hear() : 0;
	for (r = 0; r < rounds; r++) {
		if (me.subject) {
			fd = sock_new();
			NEED(connect_to(fd, i));
			if (on)
				linger(fd, 1, secs);
			send_all(fd, r, len);
		} else {
			fd = NEED(accept(lfd, NULL, NULL));
			/* What is in the window is all that is there. */
			if (r % 2)
				nap(30);
			recv_all(fd, r, len);
			expect_eof(fd);
		}
		close(fd);
	}
	meet();
}

static void order_plain(void)
{
	order(0, 0);
}

static void order_linger(void)
{
	order(1, 5);
}

static void order_linger_0(void)
{
	order(1, 0);
}

/* The time of SO_LINGER bounds close(), even if nobody reads. */
static void linger_time_subject(void)
{
	int fd = pair();
	uint64_t began, took;

	linger(fd, 1, 1);
	tell(fill_up(fd, 8192));
	began = now_ms();
	close(fd);
	took = now_ms() - began;
	report_say("close() took %llu ms", (unsigned long long)took);
	TRUE(took < 9000);
	meet();
}

static void linger_time_helper(void)
{
	int fd = pair();
	uint64_t len = hear();

	meet();
	drain(fd, 0, len);
	expect_eof(fd);
}

/* Data that nobody read: the peer learns of the end, and does not hang. */
static void unread_subject(void)
{
	int fd = pair();
	ssize_t n;
	char c;

	send_all(fd, 0, 40000);
	meet();
	TRUE(wait_for(fd, POLLIN, 12000) & POLLIN);
	n = recv(fd, &c, 1, 0);
	TRUE(!n || (n < 0 && errno == ECONNRESET));
	UNTIL(send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	TRUE(errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN);
}

static void unread_helper(void)
{
	int fd = pair();

	meet();
	TRUE(wait_for(fd, POLLIN, 10000) & POLLIN);
	close(fd);
}

/* Both at once, again and again; with data on the way in one of two. */
static void both_ends(void)
{
	int lfd = me.subject ? -1 : listen_new(), fd, i;
	uint64_t port = me.subject ? hear() : 0;

	if (!me.subject)
		tell(sock_port(lfd));
	for (i = 0; i < 30; i++) {
		if (me.subject) {
			fd = sock_new();
			NEED(connect_to(fd, port));
		} else {
			fd = NEED(accept(lfd, NULL, NULL));
		}
		if (i % 2)
			send_all(fd, i, 1000 + i * 100);
		meet();
		close(fd);
	}
	meet();
}

static bool at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

/* However often a program says it, and though nobody is there to answer */
static void again_subject(void)
{
	int fd = pair(), i;

	for (i = 0; i < 20; i++) {
		NEED(shutdown(fd, i % 2 ? SHUT_WR : SHUT_RDWR));
		UNTIL(at_end(fd));
		REFUSED(EPIPE, send(fd, "x", 1, MSG_NOSIGNAL));
		if (i == 5)
			meet();
		nap(5);
	}
}

static void again_helper(void)
{
	int fd = pair();

	expect_eof(fd);
	close(fd);
	meet();
}

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void sigpipe_subject(void)
{
	int fd = pair();

	signal(SIGPIPE, on_pipe);
	NEED(shutdown(fd, SHUT_WR));
	REFUSED(EPIPE, send(fd, "x", 1, MSG_NOSIGNAL));
	EQUAL(pipes, 0);
	REFUSED(EPIPE, send(fd, "x", 1, 0));
	/* The core signals for streams only, and not in older kernels. */
	EQUAL(pipes, me.type == SOCK_STREAM && !kernel_before(6, 12));
	meet();
}

static void sigpipe_helper(void)
{
	int fd = pair();

	expect_eof(fd);
	meet();
}

const struct vsapi_test close_tests[] = {
	{ "half", BOTH, half_subject, half_helper },
	{ "read-end", BOTH, read_end_subject, read_end_helper },
	{ "wakes", BOTH, wakes_subject, wakes_helper },
	{ "order", BOTH, order_plain, order_plain },
	{ "order-linger", BOTH, order_linger, order_linger },
	{ "order-linger-0", BOTH, order_linger_0, order_linger_0 },
	{ "linger-time", BOTH, linger_time_subject, linger_time_helper },
	{ "unread", BOTH, unread_subject, unread_helper },
	{ "both-ends", BOTH, both_ends, both_ends },
	{ "again", BOTH, again_subject, again_helper },
	{ "sigpipe", BOTH, sigpipe_subject, sigpipe_helper },
	{}
};
