// SPDX-License-Identifier: GPL-2.0-only
/*
 * conns, conns-server: n= connections open at the same time, each sending
 * size= checked bytes that come back on the same connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vst.h"

#define BLOCK 4096

struct conn {
	int fd;
	bool up, done;
	size_t sent, rcvd;	/* client: progress */
	size_t have, wrote;	/* server: the block that is being echoed */
	uint8_t block[BLOCK];
};

static int epfd;

static void watch(struct conn *c)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c,
	};

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev))
		die_errno("epoll_ctl");
}

static bool again(ssize_t n, const char *what)
{
	if (n >= 0)
		return false;
	if (errno != EAGAIN)
		die_errno(what);
	return true;
}

/* Echo what arrived; true once the peer has closed. */
static bool serve(struct conn *c)
{
	ssize_t n;

	for (;;) {
		while (c->wrote < c->have) {
			n = send(c->fd, c->block + c->wrote,
				 c->have - c->wrote, MSG_NOSIGNAL);
			if (again(n, "send"))
				return false;
			c->wrote += n;
		}
		n = recv(c->fd, c->block, BLOCK, 0);
		if (again(n, "recv"))
			return false;
		if (!n)
			return true;
		c->have = n;
		c->wrote = 0;
	}
}

void cmd_conns_server(void)
{
	unsigned int open = 0, closed = 0, peak = 0;
	struct epoll_event ev[64];
	struct conn *c, *listener;
	int i, n;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	listener = calloc(1, sizeof(*listener));
	listener->fd = vst_listen();
	set_nonblock(listener->fd);
	watch(listener);
	while (closed < opt.n) {
		n = epoll_wait(epfd, ev, 64, -1);
		for (i = 0; i < n; i++) {
			c = ev[i].data.ptr;
			if (c != listener) {
				if (!serve(c))
					continue;
				close(c->fd);
				free(c);
				closed++;
				continue;
			}
			for (;;) {
				int fd = accept(listener->fd, NULL, NULL);

				if (again(fd, "accept"))
					break;
				c = calloc(1, sizeof(*c));
				c->fd = fd;
				set_nonblock(fd);
				watch(c);
				open++;
				if (open - closed > peak)
					peak = open - closed;
			}
		}
	}
	say("served %u connections, %u at once", closed, peak);
	if (peak != opt.n)
		die("%u at once, expected %u", peak, opt.n);
}

static void client_io(struct conn *c, uint64_t seed)
{
	uint8_t buf[BLOCK];
	size_t len;
	ssize_t n;

	while (c->sent < opt.max) {
		len = opt.max - c->sent < BLOCK ? opt.max - c->sent : BLOCK;
		fill(seed, c->sent, buf, len);
		n = send(c->fd, buf, len, MSG_NOSIGNAL);
		if (again(n, "send"))
			break;
		c->sent += n;
	}
	while (c->rcvd < opt.max) {
		n = recv(c->fd, buf, BLOCK, 0);
		if (again(n, "recv"))
			return;
		if (!n)
			die("end of file after %zu of %zu", c->rcvd, opt.max);
		check(seed, c->rcvd, buf, n);
		c->rcvd += n;
	}
	c->done = true;
}

static void connect_all(struct conn *conns)
{
	unsigned int i, up = 0;
	struct epoll_event ev[64];
	struct conn *c;
	socklen_t len;
	int j, n, err;

	for (i = 0; i < opt.n; i++) {
		c = &conns[i];
		c->fd = vst_socket();
		set_nonblock(c->fd);
		if (vst_try_connect(c->fd) && errno != EINPROGRESS)
			die_errno("connect");
		watch(c);
	}
	while (up < opt.n) {
		n = epoll_wait(epfd, ev, 64, 30000);
		if (!n)
			die("%u of %u connected within 30 s", up, opt.n);
		for (j = 0; j < n; j++) {
			c = ev[j].data.ptr;
			if (c->up || !(ev[j].events & ~EPOLLIN))
				continue;
			err = 0;
			len = sizeof(err);
			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
			errno = err;
			if (err)
				die_errno("connect");
			c->up = true;
			up++;
		}
	}
}

void cmd_conns(void)
{
	struct conn *conns = calloc(opt.n, sizeof(*conns)), *c;
	struct epoll_event ev[64];
	unsigned int i, done = 0;
	int j, n;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	connect_all(conns);
	for (i = 0; i < opt.n; i++) {
		client_io(&conns[i], opt.seed + i);
		done += conns[i].done;
	}
	while (done < opt.n) {
		n = epoll_wait(epfd, ev, 64, 30000);
		if (!n)
			die("nothing within 30 s, %u of %u done", done, opt.n);
		for (j = 0; j < n; j++) {
			c = ev[j].data.ptr;
			if (c->done)
				continue;
			client_io(c, opt.seed + (c - conns));
			done += c->done;
		}
	}
	for (i = 0; i < opt.n; i++)
		shutdown(conns[i].fd, SHUT_WR);
	for (i = 0; i < opt.n; i++) {
		wait_readable(conns[i].fd);
		expect_eof(conns[i].fd);
		close(conns[i].fd);
	}
	say("%u connections, %zu bytes there and back on each", opt.n, opt.max);
}
