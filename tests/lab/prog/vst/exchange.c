// SPDX-License-Identifier: GPL-2.0-only
/* ping, echo; talk, answer: request and response on one connection. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "vst.h"

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* count= rounds of size= bytes, content checked. */
void role_ping(int fd)
{
	uint32_t *lat = calloc(opt.count, sizeof(*lat));
	uint8_t *buf = malloc(opt.max);
	uint64_t i, t;

	for (i = 0; i < opt.count; i++) {
		fill(opt.seed, i * opt.max, buf, opt.max);
		t = now_us();
		write_all(fd, buf, opt.max);
		read_all(fd, buf, opt.max);
		lat[i] = now_us() - t;
		check(opt.seed, i * opt.max, buf, opt.max);
	}
	shutdown(fd, SHUT_WR);
	expect_eof(fd);
	qsort(lat, opt.count, sizeof(*lat), by_value);
	say("rounds %llu size %zu us: p50 %u p90 %u p99 %u max %u",
	    (unsigned long long)opt.count, opt.max, lat[opt.count / 2],
	    lat[opt.count * 9 / 10], lat[opt.count * 99 / 100],
	    lat[opt.count - 1]);
	free(buf);
	free(lat);
}

/*
 * With counter=: all hypercalls, and in how many windows of so many rounds there
 * was one for each. Where an emulated CPU had to stop for others, the answer was
 * late and took two: that spoils a window, and says nothing of the others.
 */
#define WINDOW	10

void role_echo(int fd)
{
	uint8_t *buf = malloc(opt.chunk);
	unsigned int rounds = 0, windows = 0, exact = 0;
	int64_t calls = -1, last = -1, now;
	struct rusage usage;
	ssize_t n;

	while ((n = recv(fd, buf, opt.chunk, 0)) > 0) {
		if (opt.counter && rounds++ % WINDOW == 0) {
			now = counter();
			if (calls < 0) {
				calls = now;
			} else {
				windows++;
				exact += now - last == WINDOW;
			}
			last = now;
		}
		write_all(fd, buf, n);
	}
	if (n < 0 && opt.expect)
		expect_errno("recv", errno);
	else if (n < 0)
		die_errno("recv");
	if (opt.counter) {
		say("hypercalls %lld", (long long)(counter() - calls));
		say("windows %u exact %u", windows, exact);
		getrusage(RUSAGE_SELF, &usage);
		say("sleeps %ld", usage.ru_nvcsw);
	}
	free(buf);
}

#define PIECES 3

/* count= requests in pieces of size= each: a poll before each of them. */
void role_talk(int fd)
{
	struct pollfd pfd = { .fd = fd };
	uint8_t *buf = malloc(opt.max);
	uint64_t round, off = 0;
	unsigned int i;

	for (round = 0; round < opt.count; round++) {
		for (i = 0; i < PIECES; i++, off += opt.max) {
			pfd.events = POLLOUT;
			if (poll(&pfd, 1, 30000) != 1)
				die_errno("poll for room");
			fill(opt.seed, off, buf, opt.max);
			write_all(fd, buf, opt.max);
		}
		pfd.events = POLLIN;
		if (poll(&pfd, 1, 30000) != 1)
			die_errno("poll for the answer");
		read_all(fd, buf, 1);
	}
	shutdown(fd, SHUT_WR);
	expect_eof(fd);
	free(buf);
}

/* Their answers: a byte for each request, once all of it is here. */
void role_answer(int fd)
{
	uint8_t *buf = malloc(opt.max);
	uint64_t round, off = 0;
	unsigned int i;

	for (round = 0; round < opt.count; round++) {
		for (i = 0; i < PIECES; i++, off += opt.max) {
			read_all(fd, buf, opt.max);
			check(opt.seed, off, buf, opt.max);
		}
		write_all(fd, "A", 1);
	}
	expect_eof(fd);
	free(buf);
}
