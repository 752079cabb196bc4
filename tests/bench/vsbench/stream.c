// SPDX-License-Identifier: GPL-2.0-only
/*
 * One connection, blocking calls: a sender that sends messages until its time
 * is up, then a NUL; a receiver that reads and compares until the NUL.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "vsbench.h"

static char buf[CHUNK + 1] __attribute__((aligned(4096)));

static void send_message(struct side *s, const char *p, size_t len)
{
	ssize_t n;

	do {
		if (s->req.zerocopy)
			n = zerocopy_send(s, s->fd[0], p, len);
		else
			n = send(s->fd[0], p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("send");
		p += n;
		len -= n;
	} while (len);
}

void source(struct side *s, unsigned int usecs)
{
	uint32_t size = s->req.size, pos = s->pos[0];
	uint64_t count = 0;

	phase_timer(usecs);
	while (!time_is_up) {
		send_message(s, text + pos, size);
		pos = text_next(pos, size);
		count++;
	}
	if (s->req.zerocopy)
		zerocopy_wait(s, s->fd[0]);
	put_all(s->fd[0], "", 1);
	s->pos[0] = pos;
	s->done.messages = count;
	s->done.bytes = count * size;
}

void sink(struct side *s)
{
	bool seq = s->req.type == SOCK_SEQPACKET;
	uint64_t bytes = 0, calls = 0;
	ssize_t n;

	for (;;) {
		n = recv(s->fd[0], buf, CHUNK, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("recv");
		if (!n)
			fail_with("unexpected end", EPIPE);
		calls++;
		bytes += n;
		if (text_check(&s->pos[0], buf, n))
			break;
		if (seq && n != s->req.size)
			fail_with("a message of another length", EMSGSIZE);
	}
	s->done.bytes = bytes - 1;
	s->done.messages = (bytes - 1) / s->req.size;
	s->done.calls = calls;
}
