// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader that looks, keeps what it has seen in pipes and takes its time, while
 * the sender uses its buffer for what comes next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vst.h"

/* What a pipe takes */
#define PIPE	65536

static void from_pipe(int fd, uint64_t off, uint8_t *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	for (; done < len; done += n) {
		n = read(fd, buf + done, len - done);
		if (n <= 0)
			die_errno("read from a pipe");
	}
	check(opt.seed, off, buf, len);
}

/* Into a pipe, and to another from there; then what the two have. */
static size_t through_pipes(int fd, uint64_t off, uint8_t *buf)
{
	int first[2], second[2];
	ssize_t n, m;

	if (pipe(first) || pipe(second))
		die_errno("pipe");
	n = splice(fd, NULL, first[1], NULL, PIPE, 0);
	if (n <= 0)
		die_errno("splice");
	m = tee(first[0], second[1], n, 0);
	if (m <= 0)
		die_errno("tee");
	sleep_ms(opt.slow);
	from_pipe(second[0], off, buf, m);
	from_pipe(first[0], off, buf, n);
	close(first[0]);
	close(first[1]);
	close(second[0]);
	close(second[1]);
	return n;
}

/* count= messages: what is seen twice is the same, and right */
void role_holder(int fd)
{
	size_t most = opt.max > opt.chunk ? opt.max : opt.chunk, len;
	uint8_t *buf = malloc(most > PIPE ? most : PIPE);
	uint64_t off = 0, total = 0, k, seen = 0;
	ssize_t n;

	for (k = 0; k < opt.count; k++)
		total += msg_len(opt.seed, k);
	for (k = 0; off < total; k++, off += len) {
		n = recv(fd, buf, most, MSG_PEEK);
		if (n <= 0)
			die_errno("recv, MSG_PEEK");
		check(opt.seed, off, buf, n);
		seen += n;
		sleep_ms(opt.slow);
		if (opt.type == SOCK_STREAM && k % 2) {
			len = through_pipes(fd, off, buf);
			continue;
		}
		n = recv(fd, buf, most, 0);
		if (n <= 0)
			die_errno("recv");
		check(opt.seed, off, buf, n);
		if (opt.type == SOCK_SEQPACKET && (size_t)n != msg_len(opt.seed, k))
			die("message %llu has %zd bytes", (unsigned long long)k, n);
		len = n;
	}
	expect_eof(fd);
	write_all(fd, "K", 1);
	say("received %llu bytes, looked at %llu", (unsigned long long)off,
	    (unsigned long long)seen);
	free(buf);
}
