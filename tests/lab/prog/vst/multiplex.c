// SPDX-License-Identifier: GPL-2.0-only
/*
 * multiplex, multiplex-server: one thread has n= connections in a level
 * triggered epoll, as most servers do; on each of them count= requests of size=,
 * each after the answer to the one before.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vst.h"

#define EVENTS 64

static int epoll_all(const int *fd)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	unsigned int i;

	if (ep < 0)
		die_errno("epoll_create1");
	for (i = 0; i < opt.n; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev))
			die_errno("epoll_ctl");
	}
	return ep;
}

static int wait_some(int ep, struct epoll_event *ev)
{
	int n = epoll_wait(ep, ev, EVENTS, 30000);

	if (n < 0)
		die_errno("epoll_wait");
	if (!n)
		die("nothing within 30 s");
	return n;
}

/* How often this program has slept */
static long sleeps(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_nvcsw;
}

static void say_counts(int64_t before, long slept)
{
	say("sleeps %ld", sleeps() - slept);
	if (opt.counter)
		say("hypercalls %lld", (long long)(counter() - before));
}

void cmd_multiplex(void)
{
	int *fd = calloc(opt.n, sizeof(*fd)), ep, k, events;
	uint64_t *round = calloc(opt.n, sizeof(*round));
	uint8_t *buf = malloc(opt.max);
	struct epoll_event ev[EVENTS];
	unsigned int i, open = opt.n;
	int64_t before;
	long slept;

	for (i = 0; i < opt.n; i++)
		fd[i] = vst_connect();
	ep = epoll_all(fd);
	/* The server has all of them: it answers when it does. */
	read_all(fd[opt.n - 1], buf, 1);
	before = opt.counter ? counter() : 0;
	slept = sleeps();
	for (i = 0; i < opt.n; i++) {
		fill(opt.seed + i, 0, buf, opt.max);
		write_all(fd[i], buf, opt.max);
	}
	while (open) {
		events = wait_some(ep, ev);
		for (k = 0; k < events; k++) {
			i = ev[k].data.u32;
			read_all(fd[i], buf, opt.max);
			check(opt.seed + i, round[i] * opt.max, buf, opt.max);
			if (++round[i] == opt.count) {
				open--;
				continue;
			}
			fill(opt.seed + i, round[i] * opt.max, buf, opt.max);
			write_all(fd[i], buf, opt.max);
		}
	}
	say_counts(before, slept);
	for (i = 0; i < opt.n; i++)
		close(fd[i]);
	say("%u connections, %llu rounds each", opt.n, (unsigned long long)opt.count);
}

void cmd_multiplex_server(void)
{
	int *fd = calloc(opt.n, sizeof(*fd)), ep, k, events, lfd = vst_listen();
	uint64_t left = opt.n * opt.count;
	uint8_t *buf = malloc(opt.max);
	struct epoll_event ev[EVENTS];
	int64_t before;
	long slept;
	unsigned int i;

	for (i = 0; i < opt.n; i++)
		fd[i] = vst_accept(lfd);
	ep = epoll_all(fd);
	before = opt.counter ? counter() : 0;
	slept = sleeps();
	write_all(fd[opt.n - 1], "G", 1);
	while (left) {
		events = wait_some(ep, ev);
		for (k = 0; k < events && left; k++, left--) {
			i = ev[k].data.u32;
			read_all(fd[i], buf, opt.max);
			write_all(fd[i], buf, opt.max);
		}
	}
	say_counts(before, slept);
	for (i = 0; i < opt.n; i++)
		expect_eof(fd[i]);
}
