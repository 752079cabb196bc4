// SPDX-License-Identifier: GPL-2.0-only
/* Many connections in one thread: epoll and calls that do not block. */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "vsbench.h"

#define EVENTS	64
#define BURST	16	/* messages of one connection before the next one */

int epfd = -1;
static char buf[CHUNK + 1] __attribute__((aligned(4096)));
static uint32_t left[MAX_CONNS];	/* of a message that was cut */

/* Once for each side: the phases use it again. */
void make_epoll(struct side *s, uint32_t events, bool nonblock)
{
	struct epoll_event ev = { .events = events };
	unsigned int i;

	if (epfd >= 0)
		return;
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		fail("epoll_create1");
	for (i = 0; i < s->req.n; i++) {
		ev.data.u32 = i;
		if (nonblock && fcntl(s->fd[i], F_SETFL, O_NONBLOCK))
			fail("fcntl");
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd[i], &ev))
			fail("epoll_ctl");
	}
}

/* Messages until it would block; counts what was taken. */
static void send_burst(struct side *s, unsigned int i)
{
	uint32_t size = s->req.size, len;
	unsigned int k;
	ssize_t n;

	for (k = 0; k < BURST && !time_is_up; k++) {
		len = left[i] ? left[i] : size;
		n = send(s->fd[i], text + s->pos[i], len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			fail("send");
		s->pos[i] = text_next(s->pos[i], n);
		s->done.bytes += n;
		left[i] = len - n;
		s->done.messages += !left[i];
	}
}

static void send_end(struct side *s, unsigned int i)
{
	fcntl(s->fd[i], F_SETFL, 0);
	if (left[i])
		put_all(s->fd[i], text + s->pos[i], left[i]);
	s->pos[i] = text_next(s->pos[i], left[i]);
	s->done.bytes += left[i];
	left[i] = 0;
	put_all(s->fd[i], "", 1);
	fcntl(s->fd[i], F_SETFL, O_NONBLOCK);
}

void source_multi(struct side *s, unsigned int usecs)
{
	struct epoll_event ev[EVENTS];
	unsigned int i;
	int k, n;

	make_epoll(s, EPOLLOUT, true);
	s->done.bytes = 0;
	s->done.messages = 0;
	phase_timer(usecs);
	while (!time_is_up) {
		n = epoll_wait(epfd, ev, EVENTS, -1);
		for (k = 0; k < n && !time_is_up; k++)
			send_burst(s, ev[k].data.u32);
	}
	for (i = 0; i < s->req.n; i++)
		send_end(s, i);
}

void sink_multi(struct side *s)
{
	struct epoll_event ev[EVENTS];
	unsigned int open = s->req.n, i;
	ssize_t len;
	int k, n;

	make_epoll(s, EPOLLIN, true);
	s->done.bytes = 0;
	s->done.calls = 0;
	while (open) {
		n = epoll_wait(epfd, ev, EVENTS, -1);
		for (k = 0; k < n; k++) {
			i = ev[k].data.u32;
			len = recv(s->fd[i], buf, CHUNK, 0);
			if (len < 0 && (errno == EAGAIN || errno == EINTR))
				continue;
			if (len < 0)
				fail("recv");
			if (!len)
				fail_with("unexpected end", EPIPE);
			s->done.calls++;
			s->done.bytes += len;
			open -= text_check(&s->pos[i], buf, len);
		}
	}
	s->done.bytes -= s->req.n;
	s->done.messages = s->done.bytes / s->req.size;
}
