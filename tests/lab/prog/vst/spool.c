// SPDX-License-Identifier: GPL-2.0-only
/*
 * spool: fills n= connections with all that they take while nobody reads, ends
 * them as end= says, and tells how much each took. late: accepts them, reads
 * once the file go= exists (slow=1: accepts only then), and tells how much it
 * got.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

static void report(unsigned int i, uint64_t bytes, uint64_t messages)
{
	say("conn %u bytes %llu messages %llu", i, (unsigned long long)bytes,
	    (unsigned long long)messages);
}

static void fill_up(int fd, unsigned int i)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	uint8_t *buf = malloc(opt.max);
	uint64_t k, off = 0;
	size_t len, done;
	ssize_t n;

	for (k = 0; k < opt.count; k++) {
		len = msg_len(opt.seed + i, k);
		fill(opt.seed + i, off, buf, len);
		for (done = 0; done < len; done += n) {
			n = send(fd, buf + done, len - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n >= 0)
				continue;
			if (errno != EAGAIN)
				die_errno("send");
			if (!poll(&pfd, 1, 100))
				goto out;
			n = 0;
		}
		off += len;
	}
	done = 0;
out:
	report(i, off + done, k);
	free(buf);
}

void cmd_spool(void)
{
	int *fd = calloc(opt.n, sizeof(*fd));
	unsigned int i;

	for (i = 0; i < opt.n; i++) {
		fd[i] = vst_connect();
		fill_up(fd[i], i);
	}
	for (i = 0; i < opt.n; i++) {
		if (!strcmp(opt.end, "half") && shutdown(fd[i], SHUT_WR))
			die_errno("shutdown");
		if (!strcmp(opt.end, "close"))
			close(fd[i]);
	}
	/* Where they stay open, somebody keeps them; the case goes on. */
	if (strcmp(opt.end, "close") && !fork()) {
		for (i = 0; i < 3; i++)
			close(i);
		pause();
	}
	free(fd);
}

static void read_late(int fd, unsigned int i)
{
	uint8_t *buf = malloc(opt.chunk);
	uint64_t k = 0, off = 0, last = 0;
	ssize_t n;

	while ((n = recv(fd, buf, opt.chunk, 0)) > 0) {
		check(opt.seed + i, off, buf, n);
		off += n;
		if (opt.type == SOCK_SEQPACKET &&
		    (size_t)n != msg_len(opt.seed + i, k))
			die("message %llu has %zd bytes", (unsigned long long)k, n);
		/* Whole messages; what is behind them is a part of one. */
		while (last + msg_len(opt.seed + i, k) <= off)
			last += msg_len(opt.seed + i, k++);
	}
	report(i, off, k);
	expect_errno("recv", n ? errno : 0);
	/* It stays so. */
	n = recv(fd, buf, opt.chunk, 0);
	expect_errno("recv", n ? errno : 0);
	free(buf);
}

void cmd_late(void)
{
	int *fd = calloc(opt.n, sizeof(*fd));
	unsigned int i;
	int lfd;

	lfd = vst_listen();
	/* Later still: it has not even accepted them. */
	if (opt.slow) {
		say("RUNNING");
		wait_go();
	}
	for (i = 0; i < opt.n; i++)
		fd[i] = vst_accept(lfd);
	close(lfd);
	if (!opt.slow)
		say("RUNNING");
	wait_go();
	for (i = 0; i < opt.n; i++) {
		read_late(fd[i], i);
		close(fd[i]);
	}
	say("READ");
	free(fd);
}
