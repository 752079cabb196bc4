// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receiving end of a flood: every byte and, of a seqpacket socket, every
 * message as it was sent; much at once, slowly, or byte by byte.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/vm_sockets.h>

#include "flood.h"
#include "vst.h"

/* Reads after which a reader with @again resizes once more */
#define AGAIN_AFTER 32

void flood_resize(int fd, uint64_t size)
{
	uint64_t got = 0;
	socklen_t len = sizeof(got);

	if (size < 128 && setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MIN_SIZE,
				     &size, sizeof(size)))
		die_errno("SO_VM_SOCKETS_BUFFER_MIN_SIZE");
	if (size > 262144 && setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE,
					&size, sizeof(size)))
		die_errno("SO_VM_SOCKETS_BUFFER_MAX_SIZE");
	if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size)))
		die_errno("SO_VM_SOCKETS_BUFFER_SIZE");
	if (getsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &got, &len))
		die_errno("SO_VM_SOCKETS_BUFFER_SIZE");
	if (got != size)
		die("the buffer size is %llu, %llu was set",
		    (unsigned long long)got, (unsigned long long)size);
}

static size_t chunk_of(const struct flood_case *c)
{
	if (c->type == SOCK_SEQPACKET)
		return c->max + 1;
	switch (c->reader) {
	case READ_BYTE:	return 1;
	case READ_SLOW:	return 61;
	default:	return 65536;
	}
}

struct flood_pos flood_read(int fd, const struct flood_case *c, uint64_t seed)
{
	struct timeval tv = { .tv_sec = FLOOD_STUCK_MS / 1000 };
	size_t chunk = chunk_of(c), want;
	uint8_t *buf = malloc(chunk);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct flood_pos pos = {};
	uint64_t reads = 0, since = 0;
	unsigned int ms, ticks = 0;
	ssize_t n;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		die_errno("SO_RCVTIMEO");
	if (c->resize)
		flood_resize(fd, c->resize);
	for (;; reads++) {
		if (c->again && reads == AGAIN_AFTER)
			flood_resize(fd, c->again);
		if (c->reader == READ_SLOW && reads % 16 == 15)
			sleep_ms(1);
		if (!since) {
			since = now_us();
			ticks = flood_ticks();
		}
		n = recv(fd, buf, chunk, 0);
		/* The writer of this end may have set O_NONBLOCK. */
		if (n < 0 && errno == EAGAIN) {
			if (poll(&pfd, 1, FLOOD_STUCK_MS) != 1)
				flood_stuck(c, fd, "the reader", pos.msgs);
			continue;
		}
		if (n < 0)
			die("recv after %llu bytes: %s",
			    (unsigned long long)pos.bytes, strerrorname_np(errno));
		ms = (now_us() - since) / 1000;
		since = 0;
		if (ms > pos.longest)
			pos.longest = ms;
		pos.stalls += ms > FLOOD_STALL_MS &&
			      flood_ticks() - ticks >= FLOOD_STALL_TICKS;
		if (!n)
			break;
		if (c->type == SOCK_SEQPACKET) {
			want = flood_len(c, seed, pos.msgs);
			if ((size_t)n != want)
				die("message %llu: length %zd, want %zu",
				    (unsigned long long)pos.msgs, n, want);
		}
		check(seed, pos.bytes, buf, n);
		pos.bytes += n;
		pos.msgs++;
	}
	free(buf);
	return pos;
}
