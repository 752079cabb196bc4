// SPDX-License-Identifier: GPL-2.0-only
/* Pseudo-random content that both halves know, sent and checked. */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "vsapi.h"

#define CHUNK (1 << 20)

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

void nap(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&ts, NULL);
}

/* A number between @min and @max */
size_t rnd(uint64_t *state, size_t min, size_t max)
{
	*state = mix(*state);
	return min + *state % (max - min + 1);
}

/* Content of a stream from byte @off on */
void fill(uint64_t off, void *buf, size_t len)
{
	content_fill(0, off, buf, len);
}

void check(uint64_t off, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint8_t want;
	size_t i = content_differs(0, off, buf, len, &want);

	if (i < len)
		report_fail("content differs at byte %llu: %02x, expected %02x",
			    (unsigned long long)(off + i), p[i], want);
}

/* Page-aligned; for the rest of the half's life */
uint8_t *big_buf(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	TRUE(p != MAP_FAILED);
	return p;
}

/* Memory with a hole behind @good bytes */
uint8_t *holed(size_t good)
{
	size_t pages = (good + 4095) / 4096 * 4096;
	uint8_t *p = big_buf(pages + 8192);

	NEED(mprotect(p + pages, 8192, PROT_NONE));
	return p + pages - good;
}

static uint8_t *work_buf(void)
{
	static uint8_t *buf;

	if (!buf)
		buf = big_buf(CHUNK);
	return buf;
}

/* One send() call for up to 1 MiB, however many a stream takes */
void send_all(int fd, uint64_t off, size_t len)
{
	uint8_t *buf = work_buf();
	ssize_t n;

	for (; len; len -= n, off += n) {
		size_t want = len < CHUNK ? len : CHUNK;

		fill(off, buf, want);
		n = send(fd, buf, want, MSG_NOSIGNAL);
		if (n <= 0)
			report_fail("send at %llu: %zd %s",
				    (unsigned long long)off, n,
				    strerrorname_np(errno));
	}
}

/* A stream's bytes, or one message */
void recv_all(int fd, uint64_t off, size_t len)
{
	uint8_t *buf = work_buf();
	ssize_t n;

	for (; len; len -= n, off += n) {
		n = recv(fd, buf, len < CHUNK ? len : CHUNK, 0);
		if (n <= 0)
			report_fail("recv at %llu, %zu missing: %zd %s",
				    (unsigned long long)off, len, n,
				    n ? strerrorname_np(errno) : "end of file");
		check(off, buf, n);
		if (me.type == SOCK_SEQPACKET && (size_t)n != len)
			report_fail("a message of %zd, expected %zu", n, len);
	}
}

/* @total bytes in sends of 1 to @max; both halves know the lengths */
uint64_t send_pieces(int fd, uint64_t off, size_t total, size_t max)
{
	uint64_t state = off + total;

	while (total) {
		size_t n = rnd(&state, 1, max < total ? max : total);

		send_all(fd, off, n);
		off += n;
		total -= n;
	}
	return off;
}

void recv_pieces(int fd, uint64_t off, size_t total, size_t max)
{
	uint64_t state = off + total;

	while (total) {
		size_t n = rnd(&state, 1, max < total ? max : total);

		recv_all(fd, off, n);
		off += n;
		total -= n;
	}
}

/* Whatever comes, in pieces of any size, is @total bytes. */
void drain(int fd, uint64_t off, uint64_t total)
{
	uint8_t *buf = work_buf();
	uint64_t end = off + total;
	ssize_t n;

	while (off < end) {
		n = recv(fd, buf, CHUNK, 0);
		if (n <= 0)
			report_fail("recv: %llu of %llu missing: %s",
				    (unsigned long long)(end - off),
				    (unsigned long long)total,
				    n ? strerrorname_np(errno) : "end of file");
		if (off + n > end)
			report_fail("%llu bytes too many",
				    (unsigned long long)(off + n - end));
		check(off, buf, n);
		off += n;
	}
}

/* Send from offset 0 on, until it would block; how much was taken */
uint64_t fill_up(int fd, size_t piece)
{
	uint8_t *buf = work_buf();
	uint64_t off = 0;
	ssize_t n;

	for (;;) {
		fill(off, buf, piece);
		n = send(fd, buf, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			off += n;
			continue;
		}
		if (!n || errno != EAGAIN)
			report_fail("send at %llu: %zd %s",
				    (unsigned long long)off, n,
				    strerrorname_np(errno));
		/* Credit may be on its way. */
		if (!wait_for(fd, POLLOUT, 200))
			return off;
	}
}

void expect_eof(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	if (n)
		report_fail("%zd %s, expected the end of file", n,
			    n < 0 ? strerrorname_np(errno) : "bytes");
}
