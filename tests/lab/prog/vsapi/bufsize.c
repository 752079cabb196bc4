// SPDX-License-Identifier: GPL-2.0-only
/*
 * SO_VM_SOCKETS_BUFFER_SIZE and its limits at odd values. The wire has 32
 * bits for a buffer, the option 64; and whatever the size is, data flows.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "groups.h"

static const uint64_t sizes[] = {
	1, 2, 127, 128, 577, 1151, 4095, 65537, 262144,
	1ull << 31, (1ull << 32) - 1, 1ull << 32, 1ull << 40, ~0ull,
};

#define NR_SIZES ((int)(sizeof(sizes) / sizeof(*sizes)))

static void set_size(int fd, uint64_t size)
{
	if (size < 128)
		set_u64(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, size);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, size);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, size);
}

/* Data both ways, one after the other, as much as such a window can bear */
static void exchange(int fd, uint64_t size)
{
	size_t total = size < 1000 ? 20 + 4 * size : 150000;
	size_t max = size < 50000 ? size : 50000;

	if (me.type == SOCK_STREAM)
		max *= 3;
	if (me.subject) {
		send_pieces(fd, 1, total, max);
		recv_pieces(fd, 2, total, max);
	} else {
		recv_pieces(fd, 1, total, max);
		send_pieces(fd, 2, total, max);
	}
	meet();
}

/* @both: on either side; or the subject's alone */
static void before(bool both)
{
	uint64_t must, is;
	int i, fd;

	/* A stream's reader wants more than one byte of buffer: the core. */
	for (i = me.type == SOCK_STREAM; i < NR_SIZES; i++) {
		fd = sock_new();
		report_say("size %llu", (unsigned long long)sizes[i]);
		if (me.subject || both)
			set_size(fd, sizes[i]);
		fd = pair_from(fd);
		if (me.subject || both) {
			must = sizes[i];
			if (must > UINT32_MAX)
				must = UINT32_MAX;
			is = get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE);
			EQUAL(is, must);
		}
		exchange(fd, sizes[i]);
		close(fd);
	}
}

static void before_both(void)
{
	before(true);
}

static void before_one(void)
{
	before(false);
}

/* While connected, and with traffic after each change */
static void connected(void)
{
	int least = me.type == SOCK_STREAM, fd = pair(), i;

	for (i = least; i < NR_SIZES; i++) {
		set_size(fd, sizes[i]);
		meet();
		exchange(fd, sizes[i]);
	}
	/* And down again */
	for (i = NR_SIZES - 1; i >= least; i--) {
		set_u64(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, 1);
		set_size(fd, sizes[i]);
		meet();
		exchange(fd, sizes[i]);
	}
}

/* No buffer at all: messages go one by one, a stream's reader is told. */
static void no_buffer(int fd)
{
	char c;

	if (me.type == SOCK_STREAM)
		REFUSED(ENOMEM, recv(fd, &c, 1, 0));
	else
		exchange(fd, 1);
	meet();
}

static void zero(void)
{
	int fd = sock_new();

	set_size(fd, 0);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), 0);
	no_buffer(pair_from(fd));
}

static void zero_connected(void)
{
	int fd = pair();

	set_size(fd, 0);
	meet();
	no_buffer(fd);
}

/* The three options, and what they do to each other */
static void limits(void)
{
	int fd = sock_new();
	uint32_t half = 5;

	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), 262144);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE), 128);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, 1);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), 128);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, 1 << 20);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), 262144);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, 1000);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), 1000);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, ~0ull);
	set_u64(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, 5000);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), 5000);
	REFUSED(EINVAL, setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE,
				   &half, sizeof(half)));
	REFUSED(EFAULT, setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE,
				   (void *)8, 8));
	REFUSED(ENOPROTOOPT, setsockopt(fd, AF_VSOCK, 99, &half, sizeof(half)));
}

/* A writer that is blocked goes on when its reader grows the buffer. */
static void grow(void)
{
	int fd = sock_new();
	uint64_t len;

	/* What may be sent is bounded by one's own buffer, too. */
	if (me.subject)
		set_size(fd, 1 << 20);
	fd = pair_from(fd);
	if (me.subject) {
		len = fill_up(fd, 4096);
		tell(len);
		send_all(fd, len, 100000);
		meet();
		meet();
		return;
	}
	len = hear();
	set_size(fd, 1 << 20);
	/* Nothing was read: the new room alone lets the writer go on. */
	meet();
	drain(fd, 0, len + 100000);
	meet();
}

/* Smaller than what is queued already: that stays, and the rest follows. */
static void shrink(void)
{
	int fd = pair();
	uint64_t len;

	if (me.subject) {
		len = fill_up(fd, 4096);
		tell(len);
		meet();
		send_pieces(fd, len, 50000, 500);
		meet();
		return;
	}
	len = hear();
	/* All of it is here. */
	set_int(fd, SO_RCVLOWAT, 1);
	nap(300);
	set_size(fd, 600);
	meet();
	drain(fd, 0, len);
	recv_pieces(fd, len, 50000, 500);
	meet();
}

/* The reader changes its mind all the time while data flows. */
#define FLOW 500

static void flow(void)
{
	int fd = pair(), i;

	for (i = 0; i < FLOW; i++) {
		if (me.subject) {
			send_all(fd, i * 1000, 1000);
			continue;
		}
		if (i % 5 == 0)
			set_size(fd, i % 2 ? 262144 : 1500);
		recv_all(fd, i * 1000, 1000);
	}
	meet();
}

/*
 * A connection that moves much may have more on the way, until the program says
 * how much. What it knows of its buffer stays as it was.
 */
#define KNOWN	262144
#define ROUNDS	5

static void fill_rounds(int fd, bool grows)
{
	uint64_t len = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (!me.subject) {
			drain(fd, 0, hear());
			meet();
			continue;
		}
		len = fill_up(fd, 8192);
		report_say("round %d: %llu bytes", i, (unsigned long long)len);
		/* Nothing was read so far. */
		if (!i || !grows)
			TRUE(len <= KNOWN);
		tell(len);
		meet();
	}
	if (me.subject && grows)
		TRUE(len > 2 * KNOWN);
}

static void grown(void)
{
	static char msg[KNOWN + 1];
	int fd = pair();

	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), KNOWN);
	fill_rounds(fd, true);
	EQUAL(get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE), KNOWN);
	if (me.subject && me.type == SOCK_SEQPACKET)
		REFUSED(core_errno(EMSGSIZE),
			send(fd, msg, sizeof(msg), MSG_NOSIGNAL));
	meet();
	/* And it is what the program says from now on. */
	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, KNOWN - 4096);
	meet();
	if (me.subject)
		send_all(fd, 0, 1);
	else
		recv_all(fd, 0, 1);
	meet();
	fill_rounds(fd, false);
}

/* Who has said so before keeps it from the beginning. */
static void kept(void)
{
	int fd = sock_new();

	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, KNOWN - 4096);
	fill_rounds(pair_from(fd), false);
}

const struct vsapi_test bufsize_tests[] = {
	{ "limits", BOTH, limits, NULL },
	{ "before", BOTH, before_both, before_both },
	{ "before-one", BOTH, before_one, before_one },
	{ "connected", BOTH, connected, connected },
	{ "zero", BOTH, zero, zero },
	{ "zero-connected", BOTH, zero_connected, zero_connected },
	{ "grow", STREAM, grow, grow },
	{ "shrink", BOTH, shrink, shrink },
	{ "flow", BOTH, flow, flow },
	{ "grown", BOTH, grown, grown },
	{ "kept", BOTH, kept, kept },
	{}
};
