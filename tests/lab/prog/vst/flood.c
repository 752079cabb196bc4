// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood, flood-server: many connections one after the other, each a flood of
 * small messages with its own buffers, writer and reader. One more connection
 * carries what the two ends say about it, and so goes on while others are full.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "flood.h"
#include "vst.h"

static int ctl;
static unsigned int cases, stalls, longest;
static atomic_uint ticks;

static const char * const writers[] = { "blocking", "poll", "edge" };
static const char * const readers[] = { "much", "slow", "byte" };
static const char * const ends[] = { "", "client", "server", "both" };

static void *tick(void *arg)
{
	for (;; ticks++)
		sleep_ms(10);
	return arg;
}

static void start_ticks(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, tick, NULL))
		die("pthread_create");
}

/* One each 10 ms in which this machine ran */
unsigned int flood_ticks(void)
{
	return ticks;
}

size_t flood_len(const struct flood_case *c, uint64_t seed, uint64_t k)
{
	if (c->min == c->max)
		return c->min;
	return c->min + mix(seed * 31 + k) % (c->max - c->min + 1);
}

void flood_describe(const struct flood_case *c, char *text, size_t size)
{
	snprintf(text, size, "%s from %s, %s writer, %s%s reader, buf %llu at %s, size %u-%u, resize %llu, %llu",
		 c->type == SOCK_STREAM ? "stream" : "seqpacket", ends[c->from],
		 writers[c->writer], c->late ? "late " : "", readers[c->reader],
		 (unsigned long long)c->buf, ends[c->sized], c->min, c->max,
		 (unsigned long long)c->resize, (unsigned long long)c->again);
}

_Noreturn void flood_stuck(const struct flood_case *c, int fd, const char *who,
			   uint64_t msgs)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	int in = -1, out = -1;
	char text[256];

	flood_describe(c, text, sizeof(text));
	ioctl(fd, SIOCINQ, &in);
	ioctl(fd, SIOCOUTQ, &out);
	poll(&pfd, 1, 0);
	die("%s is stuck after %llu messages; poll %#x, %d bytes in, %d out: %s",
	    who, (unsigned long long)msgs, pfd.revents, in, out, text);
}

static void buffer(int fd, const struct flood_case *c, enum flood_end me)
{
	if (c->buf && c->sized & me)
		flood_resize(fd, c->buf);
}

/* One byte there and back on a connection of its own. */
static void third(const struct flood_case *c, int lfd)
{
	char b = 'x';
	int fd;

	if (!c->third)
		return;
	if (lfd < 0) {
		opt.port++;
		fd = vst_connect();
		opt.port--;
		write_all(fd, &b, 1);
		read_all(fd, &b, 1);
		expect_eof(fd);
	} else {
		fd = vst_accept(lfd);
		read_all(fd, &b, 1);
		write_all(fd, &b, 1);
	}
	close(fd);
}

/* One end of a case, connected. @lfd: the server's listener, -1 for a client */
static void run_case(const struct flood_case *c, int fd, int lfd)
{
	enum flood_end me = lfd < 0 ? END_CLIENT : END_SERVER;
	bool sends = c->from & me, reads = c->from & ~me;
	struct flood_sender s = {
		.fd = fd,
		.c = c,
		.seed = c->seed + me,
	};
	struct flood_pos got, sent = {};
	uint64_t unread = 0;
	char text[256];

	if (sends)
		flood_start(&s);
	if (c->late) {
		if (sends)
			unread = flood_blocked(&s);
		write_all(ctl, &unread, sizeof(unread));
		read_all(ctl, &sent.msgs, sizeof(sent.msgs));
		third(c, lfd);
		if (!unread)
			unread = sent.msgs;
	}
	if (reads)
		got = flood_read(fd, c, c->seed + (END_BOTH ^ me));
	if (sends) {
		flood_finish(&s);
		sent.msgs = s.sent;
		sent.bytes = s.bytes;
		write_all(ctl, &sent, sizeof(sent));
	}
	if (reads) {
		read_all(ctl, &sent, sizeof(sent));
		if (got.bytes != sent.bytes ||
		    (c->type == SOCK_SEQPACKET && got.msgs != sent.msgs))
			die("sent %llu messages, %llu bytes; received %llu, %llu",
			    (unsigned long long)sent.msgs, (unsigned long long)sent.bytes,
			    (unsigned long long)got.msgs, (unsigned long long)got.bytes);
		stalls += got.stalls;
		longest = got.longest > longest ? got.longest : longest;
		if (got.stalls) {
			flood_describe(c, text, sizeof(text));
			say("stalled %u times, %u ms: %s", got.stalls, got.longest, text);
		}
	}
	if (opt.verbose && c->late && sends) {
		flood_describe(c, text, sizeof(text));
		say("%llu unread: %s", (unsigned long long)unread, text);
	}
}

static void try_case(struct flood_case c)
{
	char go, text[256];
	uint64_t t = now_us();
	int fd;

	c.seed = opt.seed + 4 * ++cases;
	write_all(ctl, &c, sizeof(c));
	read_all(ctl, &go, 1);
	opt.type = c.type;
	opt.port++;
	fd = vst_socket();
	buffer(fd, &c, END_CLIENT);
	vst_patient(fd);
	if (vst_try_connect(fd))
		die_errno("connect");
	opt.port--;
	run_case(&c, fd, -1);
	read_all(ctl, &go, 1);
	close(fd);
	if (opt.verbose) {
		flood_describe(&c, text, sizeof(text));
		say("%llu ms: %s", (unsigned long long)(now_us() - t) / 1000, text);
	}
}

/*
 * Whoever is not woken goes on when the guest looks for its host, which it does
 * once a second. One such wait may still be the machine's.
 */
static void no_stalls(void)
{
	if (stalls > 1)
		die("%u waits of more than %u ms", stalls, FLOOD_STALL_MS);
}

void cmd_flood_server(void)
{
	struct flood_case c;
	int lfd, fd;

	start_ticks();
	ctl = vst_accept(vst_listen());
	opt.port++;
	for (;;) {
		read_all(ctl, &c, sizeof(c));
		if (c.end)
			break;
		opt.type = c.type;
		lfd = vst_socket();
		buffer(lfd, &c, END_SERVER);
		vst_bind_listen(lfd);
		write_all(ctl, "R", 1);
		fd = vst_accept(lfd);
		run_case(&c, fd, lfd);
		write_all(ctl, "D", 1);
		close(fd);
		close(lfd);
	}
	say("stalls %u, the longest wait %u ms", stalls, longest);
	no_stalls();
}

static const uint64_t bufs[] = { 128, 1024, 4096, 262144, 1048576 };
static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* How many single bytes to send beyond what fits unread */
static uint64_t some(const struct flood_case *c)
{
	/* A tiny buffer holds a message or two: each is a round trip. */
	if (c->buf && c->buf <= 1024)
		return 40;
	return 1500;
}

/* One of @n, by what is left of the number of a case */
static unsigned int pick(unsigned int *left, unsigned int n)
{
	unsigned int one = *left % n;

	*left /= n;
	return one;
}

/* Single bytes, every buffer size at either end, every writer and reader. */
static void set_buffers(void)
{
	unsigned int i, k, n = 2 * 2 * 3 * ARRAY_SIZE(bufs) * WRITERS * READERS;
	struct flood_case c = { .min = 1, .max = 1 };

	/* One of seven: prime to all the numbers of choices */
	for (i = 0; i < n; i += opt.full ? 1 : 7) {
		k = i;
		c.sized = END_CLIENT + pick(&k, 3);
		c.reader = pick(&k, READERS);
		c.writer = pick(&k, WRITERS);
		c.from = END_CLIENT + pick(&k, 2);
		c.buf = bufs[pick(&k, ARRAY_SIZE(bufs))];
		c.type = types[pick(&k, 2)];
		c.late = c.reader == READ_MUCH || c.buf < 262144;
		c.count = some(&c);
		/* Filling much with single bytes takes its time. */
		if (!opt.full && c.type == SOCK_STREAM && c.buf >= 262144)
			c.late = 0;
		try_case(c);
	}
	if (opt.full)
		return;
	c.reader = READ_MUCH;
	c.writer = WRITE_EDGE;
	c.type = SOCK_STREAM;
	c.buf = 262144;
	c.sized = END_BOTH;
	c.late = 1;
	for (c.from = END_CLIENT; c.from <= END_SERVER; c.from++)
		try_case(c);
}

/*
 * Packets that are read in part, in buffers for very few of them: the kernel
 * cannot merge those.
 */
static void set_partial(void)
{
	static const uint64_t tiny[] = { 128, 1024, 4096 };
	struct flood_case c = {
		.type = SOCK_STREAM, .sized = END_BOTH, .min = 1, .max = 400,
		.count = 60,
	};
	unsigned int i, k;

	for (i = 0; i < 2 * ARRAY_SIZE(tiny) * WRITERS * 2 * 2; i++) {
		k = i;
		c.from = END_CLIENT + pick(&k, 2);
		c.buf = tiny[pick(&k, ARRAY_SIZE(tiny))];
		c.writer = pick(&k, WRITERS);
		c.reader = READ_SLOW + pick(&k, 2);
		c.late = pick(&k, 2);
		try_case(c);
	}
}

/* Messages until the sender blocks; then all of them arrive. */
static void set_unread(void)
{
	static const uint64_t sizes[] = { 1, 64, 4096, 1000 };
	static const uint64_t unread_bufs[] = { 0, 4096, 65536, 1048576 };
	struct flood_case c = {
		.type = SOCK_SEQPACKET, .late = 1, .third = 1, .sized = END_BOTH,
		.count = 300,
	};
	unsigned int i, k;

	for (i = 0; i < 2 * WRITERS * ARRAY_SIZE(sizes) * ARRAY_SIZE(unread_bufs); i++) {
		k = i;
		c.from = END_CLIENT + pick(&k, 2);
		c.writer = pick(&k, WRITERS);
		c.max = sizes[pick(&k, ARRAY_SIZE(sizes))];
		c.buf = unread_bufs[pick(&k, ARRAY_SIZE(unread_bufs))];
		c.min = c.max;
		/* These do not divide the buffer: none may be sent in part. */
		if (c.max == 1000)
			c.min = 1;
		try_case(c);
	}
}

/* Both ends send and neither reads, until both are blocked. */
static void set_both(void)
{
	static const uint64_t both_bufs[] = { 128, 4096, 65536 };
	struct flood_case c = {
		.from = END_BOTH, .late = 1, .third = 1, .sized = END_BOTH,
		.min = 1, .max = 1,
	};
	unsigned int i, k;

	for (i = 0; i < 2 * ARRAY_SIZE(both_bufs) * WRITERS * READERS; i += opt.full ? 1 : 2) {
		k = i;
		c.reader = pick(&k, READERS);
		c.writer = pick(&k, WRITERS);
		c.buf = both_bufs[pick(&k, ARRAY_SIZE(both_bufs))];
		c.type = types[pick(&k, 2)];
		c.count = some(&c);
		try_case(c);
	}
}

/* Buffers that shrink below what is queued, or grow, while both ends use it. */
static void set_resize(void)
{
	static const uint64_t sizes[][3] = {
		{ 65536, 4096, 0 }, { 65536, 128, 0 }, { 65536, 128, 65536 },
		{ 4096, 65536, 0 }, { 128, 65536, 1024 }, { 1024, 262144, 128 },
	};
	static const unsigned int lens[][2] = { { 1, 1 }, { 1, 64 }, { 512, 512 } };
	struct flood_case c = { .sized = END_BOTH };
	unsigned int i, k, s, len;

	for (i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(lens) * WRITERS * 2 * 2 * 3;
	     i += opt.full ? 1 : 5) {
		k = i;
		c.from = END_CLIENT + pick(&k, 3);
		c.late = pick(&k, 2);
		c.writer = pick(&k, WRITERS);
		c.reader = c.writer;
		len = pick(&k, ARRAY_SIZE(lens));
		c.min = lens[len][0];
		c.max = lens[len][1];
		c.type = types[pick(&k, 2)];
		s = pick(&k, ARRAY_SIZE(sizes));
		c.buf = sizes[s][0];
		c.resize = sizes[s][1];
		c.again = sizes[s][2];
		/* A message longer than the buffer would be refused. */
		if (c.type == SOCK_SEQPACKET && c.max > 64)
			continue;
		c.count = c.max > 64 ? 300 : 1000;
		if (c.buf < 4096 || c.resize < 4096)
			c.count = 100;
		try_case(c);
	}
}

void cmd_flood(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} sets[] = {
		{ "buffers", set_buffers },
		{ "partial", set_partial },
		{ "unread", set_unread },
		{ "both", set_both },
		{ "resize", set_resize },
	};
	struct flood_case end = { .end = 1 };
	uint64_t t = now_us();
	size_t i;

	if (!opt.set)
		die("set= is missing");
	opt.type = SOCK_STREAM;
	start_ticks();
	ctl = vst_connect();
	for (i = 0; i < ARRAY_SIZE(sets); i++)
		if (!strcmp(sets[i].name, opt.set))
			sets[i].run();
	write_all(ctl, &end, sizeof(end));
	expect_eof(ctl);
	if (!cases)
		die("no set %s", opt.set);
	say("%u connections in %llu ms; stalls %u, the longest wait %u ms", cases,
	    (unsigned long long)(now_us() - t) / 1000, stalls, longest);
	no_stalls();
}
