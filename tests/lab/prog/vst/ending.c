// SPDX-License-Identifier: GPL-2.0-only
/* How connections end: half-close, unread data, a peer that is gone. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vst.h"

/* Send, shut down, and still receive what the peer sends after that. */
void role_half_first(int fd)
{
	char c = 0;

	send_messages(fd, opt.seed);
	if (send(fd, &c, 1, MSG_NOSIGNAL) >= 0 || errno != EPIPE)
		die("send after shutdown: EPIPE expected");
	recv_messages(fd, opt.seed + 1);
	expect_eof(fd);
	say("received all after shutdown(SHUT_WR)");
}

void role_half_second(int fd)
{
	recv_messages(fd, opt.seed);
	expect_eof(fd);
	if (opt.delay)
		sleep_ms(opt.delay);
	send_messages(fd, opt.seed + 1);
	wait_readable(fd);
	expect_eof(fd);
}

/* Never read and never close: the peer's sends fill the window. */
void role_hold(int fd)
{
	(void)fd;
	say("RUNNING");
	pause();
}

/* Say count= times that no more will be read, once go= exists, and stay. */
void role_shut(int fd)
{
	uint64_t i;

	say("RUNNING");
	while (opt.go && access(opt.go, F_OK))
		sleep_ms(10);
	for (i = 0; i < opt.count; i++)
		if (shutdown(fd, SHUT_RD))
			die_errno("shutdown");
	say("DONE");
	pause();
}

/* Read one byte, wait delay= and close with the rest unread. */
void role_quit(int fd)
{
	char c;

	read_all(fd, &c, 1);
	sleep_ms(opt.delay);
	close(fd);
}

/* Receive until the connection ends, which has to be as expect= says. */
void role_drain(int fd)
{
	uint8_t *buf = malloc(opt.chunk);
	uint64_t off = 0;
	ssize_t n;

	while ((n = recv(fd, buf, opt.chunk, 0)) > 0) {
		check(opt.seed, off, buf, n);
		if (!off)
			say("RUNNING");
		off += n;
	}
	expect_errno("recv", n ? errno : 0);
	free(buf);
}

/*
 * Send until the connection ends. RUNNING says that 64 messages went out or,
 * where the peer does not read, that the window is full. From then on with a pause of
 * slow= ms.
 */
void role_flood(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	uint8_t *buf = malloc(opt.max);
	uint64_t k, off = 0;
	bool ready = false;
	ssize_t n;

	for (k = 0;; k++, off += n) {
		if (!ready && (k == 64 || !poll(&pfd, 1, 300))) {
			ready = true;
			say("RUNNING");
		}
		if (ready && opt.slow)
			sleep_ms(opt.slow);
		fill(opt.seed, off, buf, opt.max);
		n = send(fd, buf, opt.max, MSG_NOSIGNAL);
		if (n < 0)
			break;
	}
	expect_errno("send", errno);
	free(buf);
}
