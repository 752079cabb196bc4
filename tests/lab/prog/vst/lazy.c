// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends after which the program calls nothing more: the transport itself has
 * to see to it that they leave, and in few hypercalls.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vst.h"

static int epoll_on(int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die_errno("epoll");
	return ep;
}

/* count= messages, delay= after the peer's go, then sleep on an empty list. */
void role_idle(int fd)
{
	uint8_t *buf = malloc(opt.max);
	struct epoll_event ev;
	uint64_t i;
	char go;
	int ep;

	read_all(fd, &go, 1);
	ep = epoll_on(fd, EPOLLIN | EPOLLET);
	fill(opt.seed, 0, buf, opt.max);
	sleep_ms(opt.delay);
	for (i = 0; i < opt.count; i++)
		write_all(fd, buf, opt.max);
	if (epoll_wait(ep, &ev, 1, -1) != 1)
		die_errno("epoll_wait");
	expect_eof(fd);
	free(buf);
}

/* When is the last of them there, after the delay? It cannot be before that. */
void role_idle_peer(int fd)
{
	uint8_t *buf = malloc(opt.max);
	int64_t late;
	uint64_t t, i;

	t = now_us();
	write_all(fd, "G", 1);
	for (i = 0; i < opt.count; i++) {
		read_all(fd, buf, opt.max);
		check(opt.seed, 0, buf, opt.max);
	}
	late = (int64_t)(now_us() - t) - opt.delay * 1000ll;
	say("arrived after %lld us", (long long)late);
	if (late < -20000)
		die("%lld us too early", (long long)-late);
	free(buf);
}

/* n= sockets, then one message on each, back to back, then nothing. */
void cmd_burst(void)
{
	int *fd = calloc(opt.n, sizeof(*fd));
	uint8_t *buf = malloc(opt.max);
	unsigned int i;
	char go;

	for (i = 0; i < opt.n; i++)
		fd[i] = vst_connect();
	read_all(fd[0], &go, 1);
	fill(opt.seed, 0, buf, opt.max);
	sleep_ms(opt.delay);
	for (i = 0; i < opt.n; i++)
		write_all(fd[i], buf, opt.max);
	for (i = 0; i < opt.n; i++)
		expect_eof(fd[i]);
	free(buf);
	free(fd);
}

/* Counts the hypercalls from just before the burst until all of it is here. */
void cmd_burst_server(void)
{
	int *fd = calloc(opt.n, sizeof(*fd));
	uint8_t *buf = malloc(opt.max);
	struct epoll_event ev;
	int64_t before;
	unsigned int i;
	int lfd, ep;

	lfd = vst_listen();
	for (i = 0; i < opt.n; i++)
		fd[i] = vst_accept(lfd);
	ep = epoll_on(fd[0], EPOLLIN);
	write_all(fd[0], "G", 1);
	do {
		before = counter();
	} while (!epoll_wait(ep, &ev, 1, 20));
	for (i = 0; i < opt.n; i++) {
		read_all(fd[i], buf, opt.max);
		check(opt.seed, 0, buf, opt.max);
	}
	sleep_ms(5);
	if (opt.counter)
		say("hypercalls %lld", (long long)(counter() - before));
	say("received %u messages", opt.n);
	free(buf);
	free(fd);
}
