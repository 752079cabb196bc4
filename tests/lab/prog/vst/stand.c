// SPDX-License-Identifier: GPL-2.0-only
/*
 * stand, dial, dial-stuck: a program stands still with its listener locked, on
 * a page that does not come; others connect to it, and perhaps stand still with
 * their own sockets locked as well. At go= they go on.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

static int uffd;
static void *page;

struct holder {
	pthread_t thread;
	int fd;
	atomic_int tid;
};

/* The value, 0, changes nothing that matters here. */
static void *hold(void *arg)
{
	struct holder *h = arg;

	h->tid = gettid();
	if (setsockopt(h->fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MIN_SIZE, page,
		       sizeof(uint64_t)))
		die_errno("setsockopt");
	return NULL;
}

/* Have a socket locked until fill_hole(). */
static void hold_socket(struct holder *h, int fd)
{
	h->fd = fd;
	if (pthread_create(&h->thread, NULL, hold, h))
		die("pthread_create");
	while (!h->tid)
		sleep_ms(1);
	wait_asleep(h->tid, "userfault");
}

static void let_go(struct holder *h, unsigned int n)
{
	wait_go();
	fill_hole(uffd, page);
	while (n--)
		pthread_join(h[n].thread, NULL);
}

/* n= connections, each is greeted by size= bytes and answers by one. */
void cmd_stand(void)
{
	uint8_t *buf = calloc(1, opt.max);
	struct holder h = {};
	int *fds = calloc(opt.n, sizeof(*fds));
	int lfd = vst_listen();
	unsigned int i;

	/* So many, or a few more, are kept from being refused. */
	if (listen(lfd, opt.n))
		die_errno("listen");
	page = hole(&uffd);
	hold_socket(&h, lfd);
	say("RUNNING");
	let_go(&h, 1);
	for (i = 0; i < opt.n; i++) {
		fds[i] = vst_accept(lfd);
		fill(opt.seed, 0, buf, opt.max);
		write_all(fds[i], buf, opt.max);
	}
	say("GREETED");
	for (i = 0; i < opt.n; i++) {
		read_all(fds[i], buf, 1);
		expect_eof(fds[i]);
	}
}

static int dial(void)
{
	int fd = vst_socket();

	vst_patient(fd);
	set_nonblock(fd);
	if (!vst_try_connect(fd) || errno != EINPROGRESS)
		die_errno("connect");
	return fd;
}

static int error_of(int fd)
{
	socklen_t len = sizeof(int);
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		die_errno("getsockopt");
	return err;
}

/* Those that are refused are forgotten. Return: how many, when no more are. */
static unsigned int refused(struct pollfd *pfd)
{
	unsigned int i, n = 0;
	int err;

	while (poll(pfd, opt.n, 300) > 0) {
		for (i = 0; i < opt.n; i++) {
			if (!pfd[i].revents)
				continue;
			err = error_of(pfd[i].fd);
			if (err != ECONNRESET)
				die("connect: %s", strerror(err));
			close(pfd[i].fd);
			pfd[i].fd = -1;
			n++;
		}
	}
	return n;
}

static void greeted(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	uint8_t *buf = malloc(opt.max);
	size_t off;
	ssize_t n;
	int err;

	if (poll(&pfd, 1, -1) != 1)
		die_errno("poll");
	err = error_of(fd);
	if (err)
		die("connect: %s", strerror(err));
	for (off = 0; off < opt.max; off += n) {
		wait_readable(fd);
		n = recv(fd, buf + off, opt.max - off, 0);
		if (n <= 0)
			die_errno("recv");
	}
	check(opt.seed, 0, buf, opt.max);
	write_all(fd, "", 1);
	close(fd);
	free(buf);
}

static void dial_all(bool stuck)
{
	struct rlimit lim = { opt.n + 64, opt.n + 64 };
	struct pollfd *pfd = calloc(opt.n, sizeof(*pfd));
	struct holder *h = calloc(opt.n, sizeof(*h));
	unsigned int i;

	if (setrlimit(RLIMIT_NOFILE, &lim))
		die_errno("setrlimit");
	page = hole(&uffd);
	for (i = 0; i < opt.n; i++) {
		pfd[i] = (struct pollfd) { dial(), POLLOUT, 0 };
		if (stuck)
			hold_socket(&h[i], pfd[i].fd);
	}
	if (!stuck)
		say("%u of %u refused", refused(pfd), opt.n);
	say("RUNNING");
	if (stuck)
		let_go(h, opt.n);
	for (i = 0; i < opt.n; i++)
		if (pfd[i].fd >= 0)
			greeted(pfd[i].fd);
}

void cmd_dial(void)
{
	dial_all(false);
}

void cmd_dial_stuck(void)
{
	dial_all(true);
}
