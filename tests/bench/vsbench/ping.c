// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and answers of equal size, one under way for each connection. Every
 * time is kept; the answer is compared after it was timed. A NUL ends a phase.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "vsbench.h"

#define EVENTS	64

static char buf[CHUNK + 1] __attribute__((aligned(4096)));
static uint64_t sent_at[MAX_CONNS];
static uint32_t got[MAX_CONNS];

/* Read a whole message, or a NUL in its place: then false. */
static bool get_message(struct side *s, unsigned int i)
{
	uint32_t have = 0, size = s->req.size;
	ssize_t n;

	while (have < size) {
		n = recv(s->fd[i], buf + have, size - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("recv");
		if (!n)
			fail_with("unexpected end", EPIPE);
		have += n;
		if (!buf[have - 1])
			return false;
	}
	return true;
}

static void compare(struct side *s, unsigned int i)
{
	if (text_check(&s->pos[i], buf, s->req.size))
		fail_with("the answer differs", EBADMSG);
}

static void sample(struct side *s, uint64_t ns)
{
	s->sample[s->done.samples++] = ns > UINT32_MAX ? UINT32_MAX : ns;
}

void ping(struct side *s, unsigned int usecs)
{
	uint64_t t, next = now_ns(), every = s->req.every_us * 1000ull;
	uint32_t size = s->req.size;

	s->done.samples = 0;
	phase_timer(usecs);
	while (!time_is_up && s->done.samples < s->req.rounds) {
		if (every) {
			sleep_until(next);
			next += every;
		}
		t = now_ns();
		put_all(s->fd[0], text + s->pos[0], size);
		if (!get_message(s, 0))
			fail_with("the answer ended", EBADMSG);
		sample(s, now_ns() - t);
		compare(s, 0);
	}
	put_all(s->fd[0], "", 1);
	s->done.messages = s->done.samples;
	s->done.bytes = (uint64_t)s->done.samples * size;
}

void echo(struct side *s)
{
	uint64_t count = 0;

	while (get_message(s, 0)) {
		put_all(s->fd[0], buf, s->req.size);
		count++;
	}
	s->done.messages = count;
	s->done.bytes = count * s->req.size;
}

static void request(struct side *s, unsigned int i)
{
	got[i] = 0;
	sent_at[i] = now_ns();
	put_all(s->fd[i], text + s->pos[i], s->req.size);
}

/* The answer, perhaps in pieces: true once it is complete. */
static bool take(struct side *s, unsigned int i)
{
	ssize_t n = recv(s->fd[i], buf, s->req.size - got[i], 0);

	if (n < 0 && errno == EINTR)
		return false;
	if (n < 0)
		fail("recv");
	if (!n)
		fail_with("unexpected end", EPIPE);
	got[i] += n;
	if (got[i] < s->req.size) {
		text_check(&s->pos[i], buf, n);
		return false;
	}
	sample(s, now_ns() - sent_at[i]);
	if (text_check(&s->pos[i], buf, n))
		fail_with("the answer ended", EBADMSG);
	return true;
}

void ping_multi(struct side *s, unsigned int usecs)
{
	unsigned int i, waiting = s->req.n;
	struct epoll_event ev[EVENTS];
	int k, n;

	make_epoll(s, EPOLLIN, false);
	s->done.samples = 0;
	phase_timer(usecs);
	for (i = 0; i < s->req.n; i++)
		request(s, i);
	while (waiting) {
		n = epoll_wait(epfd, ev, EVENTS, -1);
		for (k = 0; k < n; k++) {
			i = ev[k].data.u32;
			if (!take(s, i))
				continue;
			if (time_is_up || s->done.samples + s->req.n > s->req.rounds)
				waiting--;
			else
				request(s, i);
		}
	}
	for (i = 0; i < s->req.n; i++)
		put_all(s->fd[i], "", 1);
	s->done.messages = s->done.samples;
	s->done.bytes = (uint64_t)s->done.samples * s->req.size;
}

void echo_multi(struct side *s)
{
	unsigned int i, open = s->req.n;
	struct epoll_event ev[EVENTS];
	int k, n;

	make_epoll(s, EPOLLIN, false);
	s->done.messages = 0;
	while (open) {
		n = epoll_wait(epfd, ev, EVENTS, -1);
		for (k = 0; k < n; k++) {
			i = ev[k].data.u32;
			if (!get_message(s, i)) {
				open--;
				continue;
			}
			put_all(s->fd[i], buf, s->req.size);
			s->done.messages++;
		}
	}
	s->done.bytes = s->done.messages * s->req.size;
}
