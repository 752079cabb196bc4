// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sending end of a flood, in a thread of its own: blocking, with poll, or
 * with edge-triggered epoll, where nothing but an edge makes it go on.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"
#include "vst.h"

/* Nobody but the other end can make the socket writable again. */
static void wait_for_room(struct flood_sender *s, int ep)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLOUT };
	struct epoll_event ev;
	int n;

	if (s->c->writer == WRITE_EDGE)
		n = epoll_wait(ep, &ev, 1, -1);
	else
		n = poll(&pfd, 1, -1);
	if (n != 1)
		die_errno("waiting for room");
}

static void *writer(void *arg)
{
	struct flood_sender *s = arg;
	const struct flood_case *c = s->c;
	uint8_t *buf = malloc(c->max);
	uint64_t k = 0;
	size_t len, done;
	ssize_t n;
	int ep = -1;

	if (c->writer != WRITE_BLOCKING)
		set_nonblock(s->fd);
	if (c->writer == WRITE_EDGE) {
		struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };

		ep = epoll_create1(EPOLL_CLOEXEC);
		if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev))
			die_errno("epoll");
	}
	for (; k < atomic_load(&s->goal); k++) {
		len = flood_len(c, s->seed, k);
		fill(s->seed, s->bytes, buf, len);
		for (done = 0; done < len; done += n) {
			n = send(s->fd, buf + done, len - done, MSG_NOSIGNAL);
			if (n < 0 && errno == EAGAIN && c->writer != WRITE_BLOCKING) {
				wait_for_room(s, ep);
				n = 0;
				continue;
			}
			if (n < 0)
				die("send %llu: %s", (unsigned long long)k,
				    strerrorname_np(errno));
			if (c->type == SOCK_SEQPACKET && (size_t)n != len)
				die("sent %zd of a message of %zu", n, len);
		}
		s->bytes += len;
		atomic_fetch_add(&s->sent, 1);
	}
	if (shutdown(s->fd, SHUT_WR))
		die_errno("shutdown");
	if (ep >= 0)
		close(ep);
	free(buf);
	atomic_store(&s->done, true);
	return NULL;
}

void flood_start(struct flood_sender *s)
{
	atomic_store(&s->goal, s->c->late ? UINT64_MAX : s->c->count);
	if (pthread_create(&s->thread, NULL, writer, s))
		die_errno("pthread_create");
}

static bool writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	if (poll(&pfd, 1, 0) < 0)
		die_errno("poll");
	if (pfd.revents & ~POLLOUT)
		die("poll says %#x of a socket that should be full", pfd.revents);
	return pfd.revents;
}

/*
 * Wait until the writer is blocked: poll agrees, and nothing more is sent.
 * Then let it send @count more. Return: messages that went unread.
 */
uint64_t flood_blocked(struct flood_sender *s)
{
	uint64_t sent, before = UINT64_MAX, moved = now_us();
	int still = 0;

	while (still < 3) {
		sleep_ms(10);
		sent = atomic_load(&s->sent);
		if (sent != before)
			moved = now_us();
		else if (now_us() - moved > FLOOD_STUCK_MS * 1000ull)
			die("nothing more is sent after %llu messages, but poll says writable",
			    (unsigned long long)sent);
		still = sent == before && !writable(s->fd) ? still + 1 : 0;
		before = sent;
	}
	/* A longer message of a stream may be sent in part. */
	if (!sent && (s->c->type == SOCK_SEQPACKET || s->c->max == 1))
		die("blocked before the first message");
	atomic_store(&s->goal, sent + s->c->count);
	return sent;
}

/* Wait until the writer is done; it must not stand still for long. */
void flood_finish(struct flood_sender *s)
{
	uint64_t sent, before = 0, moved = now_us();

	while (!atomic_load(&s->done)) {
		sleep_ms(2);
		sent = atomic_load(&s->sent);
		if (sent != before)
			moved = now_us();
		else if (now_us() - moved > FLOOD_STUCK_MS * 1000ull)
			flood_stuck(s->c, s->fd, "the writer", sent);
		before = sent;
	}
	pthread_join(s->thread, NULL);
}
