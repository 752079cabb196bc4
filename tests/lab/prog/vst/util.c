// SPDX-License-Identifier: GPL-2.0-only
/* Messages, errors, time, and whether content is right. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vst.h"

void die(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL: vst: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

void die_errno(const char *what)
{
	die("%s: %s", what, strerrorname_np(errno));
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

/* The error must be one of expect=A,B; without expect= any one will do. */
void expect_errno(const char *what, int err)
{
	const char *name = err ? strerrorname_np(err) : "success";
	size_t len = strlen(name);
	struct timespec now;
	const char *p;

	/* As /proc/uptime has it */
	clock_gettime(CLOCK_BOOTTIME, &now);
	say("%s: %s", what, name);
	say("ended at %lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
	if (!opt.expect) {
		if (!err)
			die("%s: an error was expected", what);
		return;
	}
	for (p = opt.expect; (p = strstr(p, name)); p += len)
		if ((p == opt.expect || p[-1] == ',') &&
		    (p[len] == ',' || !p[len]))
			return;
	die("%s: %s, expected %s", what, name, opt.expect);
}

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&ts, NULL);
}

/* Length of message k. */
size_t msg_len(uint64_t seed, uint64_t k)
{
	if (opt.min == opt.max)
		return opt.min;
	return opt.min + mix(seed * 31 + k) % (opt.max - opt.min + 1);
}

/* Content of a stream from byte off on. */
void fill(uint64_t seed, uint64_t off, uint8_t *buf, size_t len)
{
	content_fill(seed, off, buf, len);
}

void check(uint64_t seed, uint64_t off, const uint8_t *buf, size_t len)
{
	uint8_t want;
	size_t i = content_differs(seed, off, buf, len, &want);

	if (i < len)
		die("content differs at byte %llu: got %02x, want %02x",
		    (unsigned long long)(off + i), buf[i], want);
}

/* KVM's own count of hypercalls, -1 without counter=. */
int64_t counter(void)
{
	char text[32] = "";
	int fd;

	if (!opt.counter)
		return -1;
	fd = open(opt.counter, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		die_errno(opt.counter);
	close(fd);
	return strtoll(text, NULL, 0);
}
