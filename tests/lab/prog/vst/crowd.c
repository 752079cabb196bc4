// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd, crowd-server: n= sockets flood at once, by edge-triggered epoll, until
 * each is blocked. Then one half is read to its end while the other half stays
 * full, and the other half after that: no connection stops another.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"
#include "vst.h"

#define STUCK_MS 30000

struct member {
	int fd;
	uint64_t sent, goal;
	bool done;
};

/* What the client tells the server; all of one size */
struct crowd_case {
	uint32_t type, from, end;
	uint64_t buf;
};

static int ctl;

/* Send single bytes until it blocks or the goal is reached. */
static void push(struct member *m, uint64_t seed)
{
	uint8_t b;

	while (m->sent < m->goal) {
		fill(seed, m->sent, &b, 1);
		if (send(m->fd, &b, 1, MSG_NOSIGNAL) != 1) {
			if (errno != EAGAIN)
				die_errno("send");
			return;
		}
		m->sent++;
	}
	if (shutdown(m->fd, SHUT_WR))
		die_errno("shutdown");
	m->done = true;
}

static void send_crowd(const struct crowd_case *c, struct member *all)
{
	struct epoll_event ev[64];
	unsigned int i, done = 0;
	uint64_t seed;
	int ep, j, k;
	char go = 'B';

	ep = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < opt.n; i++) {
		struct epoll_event one = {
			.events = EPOLLOUT | EPOLLET, .data.u32 = i,
		};

		all[i].goal = UINT64_MAX;
		set_nonblock(all[i].fd);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &one))
			die_errno("epoll_ctl");
	}
	/* Nobody reads: a while without an edge, and all are full. */
	while ((k = epoll_wait(ep, ev, 64, 100)))
		for (j = 0; j < k; j++) {
			i = ev[j].data.u32;
			push(&all[i], opt.seed + i);
		}
	for (i = 0; i < opt.n; i++) {
		if (!all[i].sent)
			die("socket %u took nothing", i);
		all[i].goal = all[i].sent + opt.count;
	}
	write_all(ctl, &go, 1);
	while (done < opt.n) {
		k = epoll_wait(ep, ev, 64, STUCK_MS);
		if (!k)
			die("no edge for %d ms, %u of %u done, buf %llu, type %u",
			    STUCK_MS, done, opt.n, (unsigned long long)c->buf,
			    c->type);
		for (j = 0; j < k; j++) {
			i = ev[j].data.u32;
			seed = opt.seed + i;
			if (!all[i].done) {
				push(&all[i], seed);
				done += all[i].done;
			}
		}
	}
	close(ep);
	for (i = 0; i < opt.n; i++)
		write_all(ctl, &all[i].sent, sizeof(all[i].sent));
}

static void recv_half(struct member *all, unsigned int half)
{
	struct epoll_event ev[64];
	unsigned int i, left = 0;
	uint8_t buf[512];
	ssize_t n;
	int ep, j, k;

	ep = epoll_create1(EPOLL_CLOEXEC);
	for (i = half; i < opt.n; i += 2) {
		struct epoll_event one = { .events = EPOLLIN, .data.u32 = i };

		left++;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &one))
			die_errno("epoll_ctl");
	}
	while (left) {
		k = epoll_wait(ep, ev, 64, STUCK_MS);
		if (!k)
			die("nothing to read for %d ms, %u of half %u left",
			    STUCK_MS, left, half);
		for (j = 0; j < k; j++) {
			i = ev[j].data.u32;
			n = recv(all[i].fd, buf, sizeof(buf), 0);
			if (n < 0)
				die_errno("recv");
			check(opt.seed + i, all[i].sent, buf, n);
			all[i].sent += n;
			if (n)
				continue;
			left--;
			if (epoll_ctl(ep, EPOLL_CTL_DEL, all[i].fd, NULL))
				die_errno("epoll_ctl");
		}
	}
	close(ep);
}

static void recv_crowd(struct member *all)
{
	uint64_t sent;
	unsigned int i;
	char go;

	read_all(ctl, &go, 1);
	recv_half(all, 0);
	recv_half(all, 1);
	for (i = 0; i < opt.n; i++) {
		read_all(ctl, &sent, sizeof(sent));
		if (sent != all[i].sent)
			die("socket %u: sent %llu, received %llu", i,
			    (unsigned long long)sent,
			    (unsigned long long)all[i].sent);
	}
}

static void crowd(const struct crowd_case *c, struct member *all,
		  enum flood_end me)
{
	unsigned int i;
	char ok = 'K';

	if (c->from == me)
		send_crowd(c, all);
	else
		recv_crowd(all);
	/* Nobody closes before both are through. */
	write_all(ctl, &ok, 1);
	read_all(ctl, &ok, 1);
	for (i = 0; i < opt.n; i++)
		close(all[i].fd);
	free(all);
}

void cmd_crowd_server(void)
{
	struct crowd_case c;
	struct member *all;
	unsigned int i;
	int lfd;

	ctl = vst_accept(vst_listen());
	opt.port++;
	for (;;) {
		read_all(ctl, &c, sizeof(c));
		if (c.end)
			return;
		opt.type = c.type;
		lfd = vst_socket();
		flood_resize(lfd, c.buf);
		vst_bind_listen(lfd);
		write_all(ctl, "R", 1);
		all = calloc(opt.n, sizeof(*all));
		for (i = 0; i < opt.n; i++)
			all[i].fd = vst_accept(lfd);
		crowd(&c, all, END_SERVER);
		close(lfd);
	}
}

void cmd_crowd(void)
{
	static const uint64_t bufs[] = { 128, 4096 };
	struct crowd_case c = { .end = 1 };
	struct member *all;
	uint64_t t;
	unsigned int k, i;
	char go;

	ctl = vst_connect();
	for (k = 0; k < 8; k++) {
		t = now_us();
		c.end = 0;
		c.type = k % 2 ? SOCK_STREAM : SOCK_SEQPACKET;
		c.from = k / 2 % 2 ? END_CLIENT : END_SERVER;
		c.buf = bufs[k / 4];
		write_all(ctl, &c, sizeof(c));
		read_all(ctl, &go, 1);
		opt.port++;
		opt.type = c.type;
		all = calloc(opt.n, sizeof(*all));
		for (i = 0; i < opt.n; i++) {
			all[i].fd = vst_socket();
			flood_resize(all[i].fd, c.buf);
			vst_patient(all[i].fd);
			if (vst_try_connect(all[i].fd))
				die_errno("connect");
		}
		opt.port--;
		crowd(&c, all, END_CLIENT);
		say("%s from %s, buffers of %llu: %llu ms",
		    c.type == SOCK_STREAM ? "stream" : "seqpacket",
		    c.from == END_CLIENT ? "client" : "server",
		    (unsigned long long)c.buf,
		    (unsigned long long)(now_us() - t) / 1000);
	}
	c.end = 1;
	write_all(ctl, &c, sizeof(c));
	expect_eof(ctl);
}
