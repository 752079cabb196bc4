// SPDX-License-Identifier: GPL-2.0-only
/*
 * bait: programs of the host for a guest that keeps to no rule. Eight ports from
 * port= on, four of streams and then four of messages: one that echoes, one that
 * reads, one that never does, one that closes after its first read. And one
 * connect() after the other to cid=. Whatever happens to a connection ends that
 * connection; what would block is left alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vst.h"

#define PORTS	8
#define CONNS	256	/* open ones; then the oldest is closed */
#define HELLO	1000	/* bytes, to whoever connects */

enum habit { ECHO, SINK, NEVER, ONCE, LISTENER, CALLER, CLOCK };

static struct conn {
	int fd;
	enum habit habit;
	unsigned int port;
} conns[CONNS], listeners[PORTS], ticks = { .habit = CLOCK };

static uint64_t accepted, connected, refused, ended, bytes;
static unsigned int next;
static int epfd;
static char buf[65536];

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLET, .data.ptr = c };

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev))
		die_errno("epoll_ctl");
}

static void end(struct conn *c)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	c->fd = -1;
	ended++;
}

static void add(int fd, enum habit habit)
{
	struct conn *c = &conns[next++ % CONNS];

	end(c);
	c->fd = fd;
	c->habit = habit;
	set_nonblock(fd);
	watch(c, EPOLLIN | EPOLLOUT);
}

static void take(struct conn *l)
{
	int fd;

	for (;;) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0 && errno != ECONNRESET)
			die_errno("accept");
		if (fd < 0)
			continue;
		accepted++;
		add(fd, l->port % 4);
		/* To one that lies about its credit, perhaps */
		if (send(fd, buf, HELLO, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			refused++;
	}
}

static void use(struct conn *c)
{
	ssize_t n;

	if (c->habit == NEVER)
		return;
	while ((n = recv(c->fd, buf, sizeof(buf), 0)) > 0) {
		bytes += n;
		if (c->habit == ONCE)
			break;
		if (c->habit == ECHO && send(c->fd, buf, n, MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN && errno != EMSGSIZE) {
			refused++;
			break;
		}
	}
	if (n < 0 && (errno == EAGAIN || (errno == ENOTCONN && c->habit == CALLER)))
		return;
	end(c);
}

/* One attempt each time: it ends by itself, or as the oldest one. */
static void call(void)
{
	int fd;

	opt.port = 100 + accepted % 16;
	opt.type = accepted % 2 ? SOCK_STREAM : SOCK_SEQPACKET;
	fd = vst_socket();
	set_nonblock(fd);
	if (!vst_try_connect(fd) || errno == EINPROGRESS) {
		connected++;
		add(fd, CALLER);
	} else {
		refused++;
		close(fd);
	}
}

static void tick(void)
{
	static uint64_t said;
	uint64_t n;

	if (read(ticks.fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		die_errno("timerfd");
	call();
	if (accepted / 1000 != said / 1000)
		say("%llu accepted, %llu asked, %llu refused, %llu ended, %llu bytes",
		    (unsigned long long)accepted, (unsigned long long)connected,
		    (unsigned long long)refused, (unsigned long long)ended,
		    (unsigned long long)bytes);
	said = accepted;
}

static void event(struct conn *c)
{
	switch (c->habit) {
	case LISTENER:
		return take(c);
	case CLOCK:
		return tick();
	default:
		if (c->fd >= 0)
			use(c);
	}
}

void cmd_bait(void)
{
	struct itimerspec often = {
		.it_interval = { .tv_nsec = 20000000 },
		.it_value = { .tv_nsec = 20000000 },
	};
	unsigned int first = opt.port, i;
	struct epoll_event ev[64];
	int n, j;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < CONNS; i++)
		conns[i].fd = -1;
	for (i = 0; i < PORTS; i++) {
		opt.port = first + i;
		opt.type = i < PORTS / 2 ? SOCK_STREAM : SOCK_SEQPACKET;
		listeners[i] = (struct conn){ vst_socket(), LISTENER, i };
		vst_bind_listen(listeners[i].fd);
		set_nonblock(listeners[i].fd);
		watch(&listeners[i], EPOLLIN);
	}
	ticks.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (ticks.fd < 0 || timerfd_settime(ticks.fd, 0, &often, NULL))
		die_errno("timerfd");
	set_nonblock(ticks.fd);
	watch(&ticks, EPOLLIN);
	say("READY");
	for (;;) {
		n = epoll_wait(epfd, ev, 64, -1);
		for (j = 0; j < n; j++)
			event(ev[j].data.ptr);
	}
}
