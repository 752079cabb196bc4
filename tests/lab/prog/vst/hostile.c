// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs of a host that mean harm to a guest, each with nothing but sockets,
 * and what a program of the guest notices of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

/* Everybody may have as many as the hard limit says; that is root's to raise. */
static void many_files(rlim_t most)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		die_errno("getrlimit");
	if (lim.rlim_max < most)
		lim.rlim_max = most;
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim))
		die_errno("setrlimit");
}

/* n epolls, each of which has the socket under n numbers */
static void crowd_of_epolls(int fd, unsigned int n, uint32_t events)
{
	struct epoll_event ev = { .events = events };
	int *copy = calloc(n, sizeof(*copy)), ep;
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		copy[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (copy[i] < 0)
			die_errno("dup");
	}
	for (j = 0; j < n; j++) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		for (i = 0; i < n; i++)
			if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, copy[i], &ev))
				die_errno("epoll");
	}
	free(copy);
}

/*
 * One epoll, which a process waits for n times. It waits for what does not come,
 * so it goes on to wait, but is asked each time.
 */
static pid_t crowd_behind_epoll(int fd, unsigned int n)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct pollfd *polls = calloc(n, sizeof(*polls));
	unsigned int i;
	pid_t pid;

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die_errno("epoll");
	many_files(n + 64);
	for (i = 0; i < n; i++)
		polls[i].fd = ep;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		poll(polls, n, -1);
		die_errno("poll came back");
	}
	wait_asleep(pid, "poll");
	free(polls);
	return pid;
}

/*
 * So many watch a socket that chunk= x chunk= are to be woken for each message,
 * by itself or, with set=behind, by what watches it. All arrives.
 */
void role_audience(int fd)
{
	unsigned int n = opt.chunk;
	pid_t pid = 0;

	if (opt.set) {
		pid = crowd_behind_epoll(fd, n * n);
	} else {
		many_files(2 * n + 64);
		crowd_of_epolls(fd, n, EPOLLIN);
	}
	write_all(fd, "G", 1);
	recv_messages(fd, opt.seed);
	say("%u were asked each time", n * n);
	if (pid)
		kill(pid, SIGKILL);
}

/* Sends to it, once all of them watch. */
void role_perform(int fd)
{
	char go;

	read_all(fd, &go, 1);
	send_messages(fd, opt.seed);
}

/*
 * n= connections, full before any of it has left (go= says when to begin), and
 * chunk= x chunk= that wait for room on each. There is room for all in the end.
 */
void cmd_crowds(void)
{
	struct pollfd *polls = calloc(opt.n, sizeof(*polls));
	uint8_t *buf = calloc(1, 4096);
	unsigned long long bytes = 0;
	unsigned int i, left = opt.n;
	ssize_t n;

	many_files(opt.n * (2 * opt.chunk + 1) + 64);
	for (i = 0; i < opt.n; i++) {
		polls[i].fd = vst_connect();
		polls[i].events = POLLOUT;
		set_nonblock(polls[i].fd);
	}
	say("RUNNING");
	wait_go();
	for (i = 0; i < opt.n; i++) {
		while ((n = send(polls[i].fd, buf, 4096, MSG_NOSIGNAL)) > 0)
			bytes += n;
		if (errno != EAGAIN)
			die_errno("send");
		crowd_of_epolls(polls[i].fd, opt.chunk, EPOLLOUT);
	}
	say("FULL");
	while (left) {
		if (poll(polls, opt.n, opt.within) <= 0)
			die("no room in %u of them after %u ms", left, opt.within);
		for (i = 0; i < opt.n; i++) {
			if (polls[i].revents) {
				shutdown(polls[i].fd, SHUT_WR);
				polls[i].fd = -1;
				left--;
			}
		}
	}
	say("%llu bytes", bytes);
	free(polls);
	free(buf);
}

/* The other end of n= of those: reads them to their ends. */
void cmd_drain(void)
{
	struct pollfd *polls = calloc(opt.n, sizeof(*polls));
	int lfd = vst_listen();
	unsigned long long bytes = 0;
	unsigned int i, left = opt.n;
	char some[4096];
	ssize_t n;

	for (i = 0; i < opt.n; i++) {
		polls[i].fd = vst_accept(lfd);
		polls[i].events = POLLIN;
	}
	while (left) {
		if (poll(polls, opt.n, -1) < 0)
			die_errno("poll");
		for (i = 0; i < opt.n; i++) {
			if (!polls[i].revents)
				continue;
			n = recv(polls[i].fd, some, sizeof(some), 0);
			if (n < 0)
				die_errno("recv");
			bytes += n;
			if (!n) {
				polls[i].fd = -1;
				left--;
			}
		}
	}
	say("%llu bytes", bytes);
	free(polls);
}

/*
 * n= connects that do not block; each second one is closed at once, the others
 * wait until they have an answer, within= ms at most. nonblock=1: they do not
 * wait, but until go= exists.
 */
void cmd_half_open(void)
{
	struct timeval patience = { .tv_sec = 100 };
	unsigned int i, open = 0, left = 0, at_once = 0;
	struct epoll_event ev[256];
	unsigned int results[200] = {};
	int ep = epoll_create1(EPOLL_CLOEXEC), fd, n, j, err;
	uint64_t end;

	many_files(opt.n + 64);
	for (i = 0; i < opt.n; i++) {
		fd = vst_socket();
		if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience,
			       sizeof(patience)))
			die_errno("setsockopt");
		set_nonblock(fd);
		if (!vst_try_connect(fd) || errno != EINPROGRESS) {
			at_once++;
			close(fd);
			continue;
		}
		/* With go= all of them are there at once. */
		if (i % 2 && !opt.nonblock) {
			close(fd);
			continue;
		}
		ev[0].events = EPOLLOUT | EPOLLONESHOT;
		ev[0].data.fd = fd;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev[0]))
			die_errno("epoll");
		open++;
	}
	say("RUNNING");
	if (opt.nonblock)
		wait_go();
	end = now_us() + opt.within * 1000ull;
	for (left = open; left && now_us() < end; left -= n > 0 ? n : 0) {
		n = epoll_wait(ep, ev, 256, 100);
		for (j = 0; j < n; j++) {
			socklen_t len = sizeof(err);

			if (getsockopt(ev[j].data.fd, SOL_SOCKET, SO_ERROR, &err, &len))
				die_errno("getsockopt");
			results[err < 200 ? err : 199]++;
		}
	}
	say("%u not in progress, %u of %u without an answer", at_once, left, open);
	for (i = 0; i < 200; i++)
		if (results[i])
			say("%u: %s", results[i], i ? strerrorname_np(i) : "connected");
	if (at_once)
		die("%u connects did not wait", at_once);
	if (left)
		die("no answer within %u ms", opt.within);
}

/* A program that dies while it sends what its peer has no room for */
static void die_sending(const uint8_t *buf)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		die_errno("fork");
	if (!pid) {
		fd = vst_connect();
		for (;;)
			if (send(fd, buf, 200000, MSG_NOSIGNAL) < 0)
				_exit(0);
	}
	sleep_ms(10);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void cut_once(const uint8_t *buf, uint64_t r)
{
	struct linger reset = { .l_onoff = 1 };
	char some[3000];
	int fd = vst_connect();

	set_nonblock(fd);
	while (send(fd, buf, 1 + r % 200000, MSG_NOSIGNAL) > 0 && r % 3)
		;
	if (r >> 20 & 1) {
		wait_readable(fd);
		recv(fd, some, 1 + (r >> 21) % sizeof(some), 0);
	}
	if (r >> 40 & 1)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (r >> 41 & 1)
		shutdown(fd, r >> 42 & 1 ? SHUT_RD : SHUT_WR);
	close(fd);
}

/* For within= ms: connections that end in the middle of messages, both ways */
void cmd_cut(void)
{
	uint64_t end = now_us() + opt.within * 1000ull;
	uint8_t *buf = calloc(1, 200000);
	unsigned int i;

	for (i = 0; now_us() < end; i++) {
		if (i % 16 == 15)
			die_sending(buf);
		else
			cut_once(buf, mix(opt.seed * 31 + i));
	}
	say("%u were cut", i);
	free(buf);
}

/* One of them, at the other end: some of each direction. False: it has ended. */
static bool serve_cut(int fd, const uint8_t *buf)
{
	char some[5000];
	ssize_t n;

	n = send(fd, buf, 30000, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN)
		return false;
	n = recv(fd, some, sizeof(some), MSG_DONTWAIT);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Talks to whoever connects, for within= ms. */
void cmd_cut_server(void)
{
	uint64_t end = now_us() + opt.within * 1000ull;
	int lfd = vst_listen(), ep = epoll_create1(EPOLL_CLOEXEC), i, n;
	struct epoll_event ev[64] = { { .events = EPOLLIN, .data.fd = lfd } };
	uint8_t *buf = calloc(1, 30000);
	unsigned int served = 0;

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &ev[0]))
		die_errno("epoll");
	while (now_us() < end) {
		n = epoll_wait(ep, ev, 64, 100);
		for (i = 0; i < n; i++) {
			int fd = ev[i].data.fd;

			if (fd != lfd) {
				if (!serve_cut(fd, buf))
					close(fd);
				continue;
			}
			/* It may be gone by now. */
			fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			served++;
			ev[i].events = EPOLLIN | EPOLLOUT;
			ev[i].data.fd = fd;
			if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev[i]))
				die_errno("epoll");
		}
	}
	say("%u were served", served);
	free(buf);
}

/*
 * Wants to be woken each ms, for within= ms: how late was it? Whether that is too
 * late is for the case to say, as of each clock.
 */
void cmd_tick(void)
{
	uint64_t start = now_us(), late, longest = 0, slow = 0, n = 0, next = start;
	struct timespec ts;

	say("RUNNING");
	do {
		next += 1000;
		ts = (struct timespec){ next / 1000000, next % 1000000 * 1000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		late = now_us() - next;
		if (late > longest)
			longest = late;
		slow += late > 20000;
		n++;
		/* What it was late for is one delay, not many. */
		if (late > 1000)
			next += late;
	} while (next - start < opt.within * 1000ull);
	say("late by %llu us at most, %llu of %llu times by more than 20 ms",
	    (unsigned long long)longest, (unsigned long long)slow,
	    (unsigned long long)n);
}
