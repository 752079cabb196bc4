// SPDX-License-Identifier: GPL-2.0-only
/* poll(), epoll and select() in every state of a socket. */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "groups.h"

#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

/*
 * What all three say, or -1: the state may have changed between them. select()
 * has one bit for several of the others.
 */
static int state(int fd)
{
	struct epoll_event ev = { .events = ALL }, got = {};
	struct timeval now = {};
	int mask = wait_for(fd, ALL, 0);
	int ep = NEED(epoll_create1(0));
	fd_set in, out;

	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	NEED(epoll_wait(ep, &got, 1, 0));
	close(ep);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	NEED(select(fd + 1, &in, &out, NULL, &now));
	if ((int)got.events != mask ||
	    !FD_ISSET(fd, &in) != !(mask & (POLLIN | POLLHUP | POLLERR)) ||
	    !FD_ISSET(fd, &out) != !(mask & (POLLOUT | POLLERR)))
		return -1;
	return mask;
}

#define STATE(fd, must) \
	do { \
		int state_is, state_must = (must); \
		uint64_t state_end = now_ms() + 10000; \
		HERE(); \
		while ((state_is = state(fd)) != state_must && now_ms() < state_end) \
			nap(5); \
		HERE(); \
		if (state_is != state_must) \
			report_fail("poll says %#x, expected %#x", state_is, \
				    state_must); \
	} while (0)

static void fresh(void)
{
	STATE(sock_new(), POLLOUT);
	STATE(listen_new(), 0);
}

static void states_subject(void)
{
	int fd = pair();

	STATE(fd, POLLOUT);
	meet();
	/* The peer sends. */
	meet();
	STATE(fd, POLLIN | POLLOUT);
	recv_all(fd, 0, 100);
	STATE(fd, POLLOUT);
	/* The window is full. */
	tell(fill_up(fd, 4096));
	STATE(fd, 0);
	meet();
	/* The peer has read all. */
	meet();
	STATE(fd, POLLOUT);
	/* The peer sends no more. */
	meet();
	meet();
	STATE(fd, POLLIN | POLLOUT | POLLRDHUP);
	send_all(fd, 7, 100);
	NEED(shutdown(fd, SHUT_WR));
	STATE(fd, POLLIN | POLLRDHUP | POLLHUP);
	expect_eof(fd);
	meet();
}

static void states_helper(void)
{
	int fd = pair();
	uint64_t len;

	meet();
	send_all(fd, 0, 100);
	meet();
	len = hear();
	meet();
	drain(fd, 0, len);
	meet();
	meet();
	NEED(shutdown(fd, SHUT_WR));
	meet();
	recv_all(fd, 7, 100);
	expect_eof(fd);
	meet();
	STATE(fd, POLLIN | POLLRDHUP | POLLHUP);
}

static void pending_subject(void)
{
	int fd = sock_new();

	NEED(connect_to(fd, hear()));
	meet();
	meet();
	/* The peer has closed; writing is what tells. */
	STATE(fd, POLLIN | POLLOUT | POLLRDHUP);
	expect_eof(fd);
	REFUSED(EPIPE, send(fd, "x", 1, MSG_NOSIGNAL));
}

static void pending_helper(void)
{
	int lfd = listen_new(), fd;

	STATE(lfd, 0);
	tell(sock_port(lfd));
	STATE(lfd, POLLIN);
	meet();
	fd = NEED(accept(lfd, NULL, NULL));
	STATE(lfd, 0);
	STATE(fd, POLLOUT);
	close(fd);
	meet();
}

static void own_shutdown(void)
{
	int fd = pair();

	if (me.subject) {
		NEED(shutdown(fd, SHUT_RD));
		STATE(fd, POLLIN | POLLRDHUP | POLLOUT);
		NEED(shutdown(fd, SHUT_WR));
		STATE(fd, POLLIN | POLLRDHUP | POLLHUP);
	}
	meet();
}

/* Edge-triggered: each change is told once, and none is missed. */
static void edge_subject(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;
	int fd = pair(), ep = NEED(epoll_create1(0)), i;
	char buf[64];

	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	EQUAL(NEED(epoll_wait(ep, &got, 1, 0)), 0);
	for (i = 0; i < 100; i++) {
		meet();
		EQUAL(NEED(epoll_wait(ep, &got, 1, 10000)), 1);
		TRUE(got.events & EPOLLIN);
		/* Read less than there is: no new edge for the rest. */
		if (me.type == SOCK_STREAM) {
			EQUAL(NEED(recv(fd, buf, 1, 0)), 1);
			EQUAL(NEED(epoll_wait(ep, &got, 1, 0)), 0);
			EQUAL(NEED(recv(fd, buf, sizeof(buf), 0)), 9);
		} else {
			EQUAL(NEED(recv(fd, buf, sizeof(buf), 0)), 10);
		}
		REFUSED(EAGAIN, recv(fd, buf, 1, MSG_DONTWAIT));
	}
	meet();
	EQUAL(NEED(epoll_wait(ep, &got, 1, 10000)), 1);
	expect_eof(fd);
}

static void edge_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 100; i++) {
		meet();
		send_all(fd, i, 10);
	}
	meet();
	close(fd);
}

/* A writer in epoll, edge-triggered, woken whenever the window opens. */
static void writer_subject(void)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET }, got;
	int fd = pair(), ep = NEED(epoll_create1(0));
	uint8_t *buf = big_buf(4096);
	uint64_t off = 0;
	ssize_t n;

	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	while (off < 2 << 20) {
		fill(off, buf, 4096);
		n = send(fd, buf, 4096, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			off += n;
			continue;
		}
		EQUAL(errno, EAGAIN);
		EQUAL(NEED(epoll_wait(ep, &got, 1, 15000)), 1);
	}
	tell(off);
	meet();
}

static void writer_helper(void)
{
	int fd = pair();
	uint8_t buf[30000];
	uint64_t off = 0;
	ssize_t n;

	/* Read as it comes, as the end is not known yet. */
	while (off < 2 << 20) {
		n = NEED(recv(fd, buf, sizeof(buf), 0));
		check(off, buf, n);
		off += n;
	}
	drain(fd, off, hear() - off);
	meet();
}

const struct vsapi_test poll_tests[] = {
	{ "fresh", BOTH, fresh, NULL },
	{ "states", BOTH, states_subject, states_helper },
	{ "pending", BOTH, pending_subject, pending_helper },
	{ "own-shutdown", BOTH, own_shutdown, own_shutdown },
	{ "edge", BOTH, edge_subject, edge_helper },
	{ "writer", BOTH, writer_subject, writer_helper },
	{}
};
