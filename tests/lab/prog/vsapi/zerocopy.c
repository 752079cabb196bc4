// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSG_ZEROCOPY: the content is the program's until the completion says so;
 * completions come once, in order, whatever happens to the connection.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include "groups.h"
#include "zerocopy.h"

#ifndef SOL_VSOCK
#define SOL_VSOCK 287
#endif
#ifndef VSOCK_RECVERR
#define VSOCK_RECVERR 1
#endif

/* False where this kernel's vsock has none, and says so as it should */
bool zc_on(int fd)
{
	int one = 1;

	HERE();
	if (!setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		return true;
	/* ENOTSUPP of the kernel has no name. */
	if (errno != 524 && errno != EOPNOTSUPP)
		FAIL("SO_ZEROCOPY: %s", strerrorname_np(errno));
	return false;
}

/* Read what is on the error queue, in order. False: nothing there */
bool zc_read(int fd, struct zc *z)
{
	char room[CMSG_SPACE(sizeof(struct sock_extended_err)) + 64];
	struct msghdr msg = {
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct sock_extended_err err;
	struct cmsghdr *c;

	HERE();
	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT)) {
		EQUAL(errno, EAGAIN);
		return false;
	}
	TRUE(msg.msg_flags & MSG_ERRQUEUE);
	c = CMSG_FIRSTHDR(&msg);
	TRUE(c);
	EQUAL(c->cmsg_level, SOL_VSOCK);
	EQUAL(c->cmsg_type, VSOCK_RECVERR);
	memcpy(&err, CMSG_DATA(c), sizeof(err));
	EQUAL(err.ee_errno, 0);
	EQUAL(err.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	report_say("%u to %u completed, %u before", err.ee_info, err.ee_data,
		   z->done);
	EQUAL(err.ee_info, z->done);
	TRUE(err.ee_data >= err.ee_info);
	if (err.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
		z->copied += err.ee_data - err.ee_info + 1;
	z->done = err.ee_data + 1;
	return true;
}

/* Until @nr sends are completed */
void zc_wait(int fd, struct zc *z, unsigned int nr)
{
	while (z->done < nr) {
		if (zc_read(fd, z))
			continue;
		HERE();
		if (!(wait_for(fd, 0, 15000) & POLLERR))
			FAIL("%u of %u completions", z->done, nr);
	}
	EQUAL(z->done, nr);
}

static size_t zc_send(int fd, uint64_t off, uint8_t *buf, size_t len)
{
	fill(off, buf, len);
	return NEED(send(fd, buf, len, MSG_ZEROCOPY | MSG_NOSIGNAL));
}

/* Off: the flag means nothing. On: a completion for each send. */
static void basic_subject(void)
{
	uint8_t *buf = big_buf(100000);
	struct zc z = {};
	int fd = pair();
	bool on = zc_on(fd);

	if (on)
		set_int(fd, SO_ZEROCOPY, 0);
	EQUAL(zc_send(fd, 0, buf, 100000), 100000);
	if (on)
		TRUE(!zc_read(fd, &z));
	meet();
	if (on) {
		zc_on(fd);
		EQUAL(get_int(fd, SO_ZEROCOPY), 1);
		EQUAL(zc_send(fd, 100000, buf, 100000), 100000);
		zc_wait(fd, &z, 1);
		EQUAL(zc_send(fd, 200000, buf, 1), 1);
		EQUAL(zc_send(fd, 200001, buf + 1, 4095), 4095);
		zc_wait(fd, &z, 3);
		TRUE(!zc_read(fd, &z));
		EQUAL(wait_for(fd, POLLOUT, 0), POLLOUT);
	} else {
		send_all(fd, 100000, 100000);
		send_all(fd, 200000, 1);
		send_all(fd, 200001, 4095);
	}
	meet();
	EQUAL(sock_error(fd), 0);
}

static void basic_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 100000);
	meet();
	recv_all(fd, 100000, 100000);
	recv_all(fd, 200000, 1);
	recv_all(fd, 200001, 4095);
	meet();
}

/* A buffer is written again as soon as its send is completed, never before. */
#define SLOTS	8
#define SENDS	150
#define SLOT	(64 * 1024)

static void reuse_subject(void)
{
	uint8_t *slot[SLOTS], *buf = big_buf(SLOTS * SLOT);
	uint64_t state = 11, off = 0;
	struct zc z = {};
	unsigned int i;
	int fd = pair();
	bool on = zc_on(fd);

	/* Not all of them begin with a page. */
	for (i = 0; i < SLOTS; i++)
		slot[i] = buf + i * SLOT + i * 37;
	for (i = 0; i < SENDS; i++) {
		size_t len = rnd(&state, 1, i % 3 ? 9000 : 60000);
		uint8_t *p = slot[i % SLOTS];
		size_t sent = 0;

		if (on && i >= SLOTS)
			while (z.done <= i - SLOTS) {
				if (!zc_read(fd, &z))
					TRUE(wait_for(fd, 0, 15000) & POLLERR);
			}
		/* Wait for room for all of it: one send, one completion. */
		tell(len);
		meet();
		sent = zc_send(fd, off, p, len);
		EQUAL(sent, len);
		if (!on)
			memset(p, 0xee, len);
		off += len;
	}
	/* Where the receiver is given our very pages, it must read first. */
	tell(0);
	if (on) {
		zc_wait(fd, &z, SENDS);
		memset(buf, 0xee, SLOTS * SLOT);
	}
	meet();
}

static void reuse_helper(void)
{
	uint64_t off = 0, len, lens[2] = {};
	int fd = pair();

	/* One behind, so that more than one is on its way */
	while ((len = hear())) {
		if (lens[0])
			recv_all(fd, off, lens[0]);
		off += lens[0];
		lens[0] = lens[1];
		lens[1] = len;
		meet();
	}
	if (lens[0])
		recv_all(fd, off, lens[0]);
	recv_all(fd, off + lens[0], lens[1]);
	meet();
}

/* More than the window takes, from one buffer, to a slow reader */
static void blocked_subject(void)
{
	size_t len = me.type == SOCK_STREAM ? 1200000 : 250000;
	uint8_t *buf = big_buf(len);
	struct zc z = {};
	int fd = pair();
	bool on = zc_on(fd);

	EQUAL(zc_send(fd, 0, buf, len), len);
	meet();
	if (on) {
		/* How many there are is the core's business. */
		while (wait_for(fd, 0, 300) & POLLERR)
			zc_read(fd, &z);
		TRUE(z.done >= 1);
		memset(buf, 0xee, len);
	}
	/* And it works on. */
	send_all(fd, len, 5000);
	meet();
}

static void blocked_helper(void)
{
	size_t len = me.type == SOCK_STREAM ? 1200000 : 250000;
	int fd = pair();

	/* The window is full by then. */
	nap(150);
	recv_all(fd, 0, len);
	meet();
	recv_all(fd, len, 5000);
	meet();
}

/* A socket that is closed, and memory that is unmapped, before completion */
static void closed_subject(void)
{
	uint64_t port = hear();
	int i, fd;

	for (i = 0; i < 20; i++) {
		size_t len = 200000 - i * 9973;
		uint8_t *buf = big_buf(len);

		fd = sock_new();
		NEED(connect_to(fd, port));
		zc_on(fd);
		EQUAL(zc_send(fd, i, buf, len), len);
		close(fd);
		NEED(munmap(buf, len));
	}
	meet();
}

static void closed_helper(void)
{
	int lfd = listen_new(), i, fd;

	tell(sock_port(lfd));
	for (i = 0; i < 20; i++) {
		fd = NEED(accept(lfd, NULL, NULL));
		recv_all(fd, i, 200000 - i * 9973);
		expect_eof(fd);
		close(fd);
	}
	meet();
}

static void set_optmem(const char *val)
{
	int fd = NEED(open("/proc/sys/net/core/optmem_max", O_WRONLY));

	NEED(write(fd, val, strlen(val)));
	close(fd);
}

/* No memory for a notification: the send fails, and costs no credit. */
static void no_memory_subject(void)
{
	uint8_t *buf = big_buf(60000);
	struct zc z = {};
	int fd = pair(), i;
	ssize_t n;

	if (!zc_on(fd)) {
		send_all(fd, 0, 150000);
		send_all(fd, 150000, 60000);
		meet();
		return;
	}
	set_optmem("1");
	for (i = 0; i < 50; i++) {
		HERE();
		n = send(fd, buf, 60000, MSG_ZEROCOPY | MSG_NOSIGNAL);
		if (n != -1 || (errno != ENOBUFS && errno != ENOMEM)) {
			set_optmem("131072");
			FAIL("send: %zd %s", n, strerrorname_np(errno));
		}
	}
	set_optmem("131072");
	TRUE(!zc_read(fd, &z));
	/* All of the window is there. */
	send_all(fd, 0, 150000);
	EQUAL(zc_send(fd, 150000, buf, 60000), 60000);
	meet();
	zc_wait(fd, &z, 1);
}

static void no_memory_helper(void)
{
	int fd = pair();

	meet();
	recv_all(fd, 0, 150000);
	recv_all(fd, 150000, 60000);
}

/* Completions that nobody reads while there are ever more: merged, not lost. */
static void unread_subject(void)
{
	uint8_t *buf = big_buf(20000);
	struct zc z = {};
	unsigned int i;
	int fd = pair();
	bool on = zc_on(fd);

	for (i = 0; i < 200; i++) {
		EQUAL(zc_send(fd, i, buf, i % 2 ? 20000 : 1), i % 2 ? 20000 : 1);
		meet();
	}
	if (on)
		zc_wait(fd, &z, 200);
}

static void unread_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 200; i++) {
		recv_all(fd, i, i % 2 ? 20000 : 1);
		meet();
	}
}

/* Another program writes to the pages all the time: content may be any, no more. */
#define CHANGED_LEN	60000
#define CHANGED_SENDS	60

static void changed_subject(void)
{
	uint8_t *buf = mmap(NULL, CHANGED_LEN, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct zc z = {};
	int fd = pair(), i;
	bool on = zc_on(fd);
	pid_t child;

	TRUE(buf != MAP_FAILED);
	memset(buf, 'a', CHANGED_LEN);
	child = NEED(fork());
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0;; i++)
			memset(buf, i & 1 ? 'a' : 'b', CHANGED_LEN);
	}
	for (i = 0; i < CHANGED_SENDS; i++)
		EQUAL(NEED(send(fd, buf, CHANGED_LEN, MSG_ZEROCOPY | MSG_NOSIGNAL)),
		      CHANGED_LEN);
	meet();
	if (on)
		while (wait_for(fd, 0, 300) & POLLERR)
			zc_read(fd, &z);
	NEED(kill(child, SIGKILL));
	NEED(waitpid(child, NULL, 0));
	send_all(fd, 0, 5000);
	meet();
}

static void changed_helper(void)
{
	static uint8_t got[CHANGED_LEN + 1];
	size_t all = (size_t)CHANGED_LEN * CHANGED_SENDS, n = 0, i;
	int fd = pair();
	ssize_t len;

	while (n < all) {
		len = NEED(recv(fd, got, sizeof(got), 0));
		TRUE(len > 0);
		if (me.type == SOCK_SEQPACKET)
			EQUAL(len, CHANGED_LEN);
		for (i = 0; i < (size_t)len; i++)
			TRUE(got[i] == 'a' || got[i] == 'b');
		n += len;
	}
	EQUAL(n, all);
	meet();
	recv_all(fd, 0, 5000);
	meet();
}

/* A hole in the memory, many pieces, and pages of a file */
static void kinds_subject(void)
{
	uint8_t *buf = big_buf(200 * 4096), *hole = big_buf(16 * 4096);
	struct msghdr msg = {};
	struct iovec iov[100];
	struct zc z = {};
	int fd = pair(), i, sends = 0;
	bool on = zc_on(fd);
	ssize_t n;

	/* A piece in each of 100 pages: more fragments than a packet has. */
	for (i = 0; i < 100; i++) {
		iov[i] = (struct iovec){ buf + i * 8192 + i, 500 };
		fill(i * 500, iov[i].iov_base, 500);
	}
	msg.msg_iov = iov;
	msg.msg_iovlen = 100;
	HERE();
	n = sendmsg(fd, &msg, MSG_ZEROCOPY | MSG_NOSIGNAL);
	/* The core refuses them in some kernels, and has lost nothing then. */
	if (n == -1 && errno == ENOMEM)
		n = NEED(sendmsg(fd, &msg, MSG_NOSIGNAL));
	else if (on)
		sends = 1;
	EQUAL(n, 50000);
	meet();
	if (on) {
		zc_wait(fd, &z, sends);
		NEED(mprotect(hole + 8 * 4096, 8 * 4096, PROT_NONE));
		HERE();
		n = send(fd, hole, 16 * 4096, MSG_ZEROCOPY | MSG_NOSIGNAL);
		TRUE(n == -1 && (errno == EFAULT || errno == ENOMEM));
	}
	send_all(fd, 50000, 10);
	meet();
}

static void kinds_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 50000);
	meet();
	recv_all(fd, 50000, 10);
	meet();
}

const struct vsapi_test zerocopy_tests[] = {
	{ "basic", BOTH, basic_subject, basic_helper },
	{ "reuse", BOTH, reuse_subject, reuse_helper },
	{ "blocked", BOTH, blocked_subject, blocked_helper },
	{ "closed", BOTH, closed_subject, closed_helper },
	{ "no-memory", BOTH, no_memory_subject, no_memory_helper },
	{ "unread", BOTH, unread_subject, unread_helper },
	{ "changed", BOTH, changed_subject, changed_helper },
	{ "kinds", BOTH, kinds_subject, kinds_helper },
	{}
};
