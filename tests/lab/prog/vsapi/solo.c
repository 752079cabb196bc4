// SPDX-License-Identifier: GPL-2.0-only
/*
 * `vsapi solo NAME CID PORT`: a socket to a peer that holds its end, brought
 * into a state; READY says so, and then somebody ends the link, or has
 * stopped the VM before.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "bpf.h"
#include "ring.h"
#include "solo.h"
#include "vsapi.h"
#include "zerocopy.h"

static int connected(unsigned int port)
{
	int fd = sock_new();

	NEED(connect_to(fd, port));
	return fd;
}

static void ready(void)
{
	printf("READY\n");
	fflush(stdout);
}

/* The link has ended: ECONNRESET once, then nothing goes any more. */
static void expect_reset(int fd)
{
	char buf[4096];
	ssize_t n;

	TRUE(wait_for(fd, POLLIN, 20000) & POLLIN);
	HERE();
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		;
	TRUE(n == -1 && errno == ECONNRESET);
	TRUE(send(fd, "x", 1, MSG_NOSIGNAL) < 0);
}

/* Sends of every size until the window is full, then the end */
static void zerocopy(unsigned int port)
{
	uint8_t *buf = big_buf(40 * 50000);
	unsigned int sent = 0;
	int fd = connected(port);
	bool on = zc_on(fd);
	struct zc z = {};

	while (sent < 40 && wait_for(fd, POLLOUT, 300)) {
		/* What does not fit as a whole is more than one of them. */
		if (send(fd, buf + sent * 50000, sent % 2 ? 20000 : 3,
			 MSG_ZEROCOPY | MSG_NOSIGNAL | MSG_DONTWAIT) <= 0)
			break;
		sent++;
	}
	TRUE(sent > 4);
	ready();
	UNTIL(sock_error(fd) == ECONNRESET);
	if (on)
		zc_wait(fd, &z, sent);
	close(fd);
}

/* In a map that redirects to a unix socket */
static void sockmap(unsigned int port)
{
	int fd = connected(port), map = map_new(), sv[2];
	char buf[100];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	NEED(map_put(map, 1, sv[0]));
	verdict_attach(map, verdict_redirect(map, 1, false), false);
	if (map_put(map, 0, fd))
		EQUAL(errno, EOPNOTSUPP);
	ready();
	UNTIL(wait_for(fd, 0, 100) & POLLERR);
	EQUAL(sock_error(fd), ECONNRESET);
	TRUE(send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	/* Where the kernel has no such maps, what came before is still there. */
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	/* Still in it */
	close(fd);
	close(map);
}

/* Requests of every kind in a ring */
static void uring(unsigned int port)
{
	uint8_t *buf = big_buf(2 << 20);
	int fd = connected(port), other = connected(port), res;
	char c;

	ring_open();
	ring_sqe(IORING_OP_RECV, fd, &c, 1, 1);
	ring_sqe(IORING_OP_SEND, fd, buf, 2 << 20, 2)->msg_flags =
		MSG_WAITALL | MSG_NOSIGNAL;
	ring_sqe(IORING_OP_POLL_ADD, other, NULL, 0, 3)->poll32_events = POLLIN;
	TRUE(ring_idle(100));
	ready();
	EQUAL(ring_result(1), -ECONNRESET);
	res = ring_result(2);
	/* What it had sent before, or the error */
	TRUE(res == -ECONNRESET || res == -EPIPE || (res > 0 && res < 2 << 20));
	/* By the error report, which says that much */
	TRUE(ring_result(3) & (POLLIN | POLLERR));
	expect_reset(other);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/*
 * The peer's VM is stopped: connect() ends by its own time, or by a signal,
 * and says what it should meanwhile.
 */
static void stopped(unsigned int port)
{
	struct itimerval once = { .it_value = { .tv_usec = 200000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct timeval tv = { .tv_usec = 300000 };
	int fd = sock_new(), nb = sock_flags(SOCK_NONBLOCK), intr = sock_new();
	uint64_t began = now_ms(), took;

	NEED(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	REFUSED(ETIMEDOUT, connect_to(fd, port));
	took = now_ms() - began;
	report_say("connect() took %llu ms", (unsigned long long)took);
	TRUE(took >= 150 && took < 10000);

	NEED(setsockopt(nb, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	REFUSED(EINPROGRESS, connect_to(nb, port));
	REFUSED(EALREADY, connect_to(nb, port));
	EQUAL(wait_for(nb, POLLOUT, 50), 0);
	TRUE(wait_for(nb, POLLOUT, 15000) & POLLERR);
	EQUAL(sock_error(nb), ETIMEDOUT);

	NEED(sigaction(SIGALRM, &sa, NULL));
	NEED(setitimer(ITIMER_REAL, &once, NULL));
	REFUSED(EINTR, connect_to(intr, port));
	ready();
	pause();
	/* The VM is back. The same sockets can be used. */
	tv.tv_sec = 20;
	NEED(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	NEED(setsockopt(intr, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	NEED(connect_to(fd, port));
	NEED(connect_to(intr, port));
}

/* What a stopped VM has not taken yet is unsent; completed when it is killed. */
static void unsent(unsigned int port)
{
	uint8_t *buf = big_buf(50000);
	int fd = connected(port), val = 0;
	struct sigaction sa = { .sa_handler = on_alarm };
	struct zc z = {};
	bool on = zc_on(fd);

	NEED(sigaction(SIGUSR1, &sa, NULL));
	printf("CONNECTED\n");
	fflush(stdout);
	pause();
	EQUAL(NEED(send(fd, buf, 50000, MSG_ZEROCOPY | MSG_NOSIGNAL)), 50000);
	EQUAL(NEED(send(fd, buf, 100, MSG_ZEROCOPY | MSG_NOSIGNAL)), 100);
	if (on) {
		NEED(ioctl(fd, SIOCOUTQ, &val));
		EQUAL(val, 50100);
		TRUE(!zc_read(fd, &z));
		EQUAL(wait_for(fd, POLLIN, 100), 0);
	}
	ready();
	UNTIL(sock_error(fd) == ECONNRESET);
	if (on) {
		zc_wait(fd, &z, 2);
		/* Nothing waits for it any more. */
		NEED(ioctl(fd, SIOCOUTQ, &val));
		EQUAL(val, 0);
	}
}

const struct vsapi_solo vsapi_solos[] = {
	{ "zerocopy", zerocopy },
	{ "sockmap", sockmap },
	{ "uring", uring },
	{ "stopped", stopped },
	{ "unsent", unsent },
	{}
};
