// SPDX-License-Identifier: GPL-2.0-only
/* Sockets driven by io_uring. */
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "groups.h"
#include "ring.h"

static int uring_recv(int fd, void *buf, size_t len, int flags)
{
	ring_sqe(IORING_OP_RECV, fd, buf, len, 1)->msg_flags = flags;
	return ring_result(1);
}

static int uring_send(int fd, const void *buf, size_t len, int flags)
{
	ring_sqe(IORING_OP_SEND, fd, buf, len, 2)->msg_flags = flags;
	return ring_result(2);
}

/* Requests and answers, the reader in the ring before there is anything */
static void echo_subject(void)
{
	uint8_t *out = big_buf(65536), *in = big_buf(65536);
	uint64_t state = 21, off = 0;
	int fd = pair(), i;

	ring_open();
	for (i = 0; i < 100; i++) {
		size_t len = rnd(&state, 1, i % 4 ? 300 : 60000), got = 0;

		fill(off, out, len);
		ring_sqe(IORING_OP_RECV, fd, in, len, 1)->msg_flags = MSG_WAITALL;
		ring_submit();
		EQUAL(uring_send(fd, out, len, MSG_NOSIGNAL | MSG_WAITALL), len);
		got = ring_result(1);
		EQUAL(got, len);
		check(off, in, len);
		off += len;
	}
	NEED(shutdown(fd, SHUT_WR));
	EQUAL(uring_recv(fd, in, 1, 0), 0);
}

static void echo_helper(void)
{
	static char buf[1 << 16];
	int fd = pair();
	ssize_t n;

	ring_open();
	while ((n = uring_recv(fd, buf, sizeof(buf), 0)) > 0)
		EQUAL(uring_send(fd, buf, n, MSG_NOSIGNAL | MSG_WAITALL), n);
	EQUAL(n, 0);
}

/* The connection itself, made by the ring at both ends */
static void connect_subject(void)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK,
		.svm_cid = me.cid,
		.svm_port = hear(),
	};
	int fd = sock_new(), dead = sock_new(), nb = sock_flags(SOCK_NONBLOCK);

	ring_open();
	ring_sqe(IORING_OP_CONNECT, fd, &to, 0, 3)->off = sizeof(to);
	EQUAL(ring_result(3), 0);
	send_all(fd, 0, 1000);
	/* On a non-blocking socket it is the ring that waits. */
	ring_sqe(IORING_OP_CONNECT, nb, &to, 0, 4)->off = sizeof(to);
	EQUAL(ring_result(4), 0);
	send_all(nb, 5, 1000);
	meet();
	to.svm_port = 1;
	ring_sqe(IORING_OP_CONNECT, dead, &to, 0, 5)->off = sizeof(to);
	EQUAL(ring_result(5), -ECONNRESET);
	ring_sqe(IORING_OP_SHUTDOWN, fd, NULL, SHUT_RDWR, 6);
	EQUAL(ring_result(6), 0);
	ring_sqe(IORING_OP_CLOSE, fd, NULL, 0, 7);
	EQUAL(ring_result(7), 0);
}

static void connect_helper(void)
{
	int lfd = listen_new(), fd, second;

	ring_open();
	/* Both accepts wait before anybody comes. */
	ring_sqe(IORING_OP_ACCEPT, lfd, NULL, 0, 3);
	ring_sqe(IORING_OP_ACCEPT, lfd, NULL, 0, 4);
	ring_submit();
	tell(sock_port(lfd));
	fd = ring_result(3);
	TRUE(fd >= 0);
	recv_all(fd, 0, 1000);
	second = ring_result(4);
	TRUE(second >= 0);
	recv_all(second, 5, 1000);
	meet();
	EQUAL(uring_recv(fd, &second, 1, 0), 0);
}

/* A reader and an accept() that are cancelled take nothing with them. */
static void cancel_subject(void)
{
	int fd = pair(), lfd = listen_new(), i, res;
	char buf[100];

	ring_open();
	for (i = 0; i < 10; i++) {
		ring_sqe(IORING_OP_RECV, fd, buf, sizeof(buf), 1);
		ring_submit();
		TRUE(ring_idle(1));
		ring_sqe(IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 9);
		res = ring_result(9);
		TRUE(res == 0 || res == -EALREADY);
		EQUAL(ring_result(1), -ECANCELED);
	}
	ring_sqe(IORING_OP_ACCEPT, lfd, NULL, 0, 3);
	ring_sqe(IORING_OP_ASYNC_CANCEL, -1, (void *)3, 0, 9);
	ring_submit();
	EQUAL(ring_result(9), 0);
	EQUAL(ring_result(3), -ECANCELED);
	meet();
	recv_all(fd, 0, 100);
	meet();
}

static void cancel_helper(void)
{
	int fd = pair();

	meet();
	send_all(fd, 0, 100);
	meet();
}

/* A reader with a time of its own, in a race with the data */
static void timeout_subject(void)
{
	struct __kernel_timespec ts = { .tv_nsec = 3000000 };
	int fd = pair(), i, res, timeouts = 0;
	uint64_t off = 0;
	uint8_t buf[100];

	ring_open();
	meet();
	for (i = 0; off < 3000; i++) {
		ring_sqe(IORING_OP_RECV, fd, buf, sizeof(buf), 1)->flags =
			IOSQE_IO_LINK;
		ring_sqe(IORING_OP_LINK_TIMEOUT, -1, &ts, 1, 8);
		ring_submit();
		res = ring_result(1);
		ring_result(8);
		if (res == -ECANCELED || res == -EINTR) {
			timeouts++;
			continue;
		}
		TRUE(res > 0);
		check(off, buf, res);
		off += res;
	}
	report_say("%d timeouts", timeouts);
	meet();
}

static void timeout_helper(void)
{
	int fd = pair(), i;

	meet();
	for (i = 0; i < 30; i++) {
		send_all(fd, i * 100, 100);
		nap(i % 8);
	}
	meet();
}

/* One chain: send, receive, send */
static void link_subject(void)
{
	uint8_t out[2][500], in[500];
	int fd = pair(), i;

	ring_open();
	for (i = 0; i < 20; i++) {
		struct io_uring_sqe *sqe;

		fill(i * 1000, out[0], 500);
		fill(i * 1000 + 500, out[1], 500);
		ring_sqe(IORING_OP_SEND, fd, out[0], 500, 1)->flags = IOSQE_IO_LINK;
		sqe = ring_sqe(IORING_OP_RECV, fd, in, 500, 2);
		sqe->flags = IOSQE_IO_LINK;
		sqe->msg_flags = MSG_WAITALL;
		ring_sqe(IORING_OP_SEND, fd, out[1], 500, 3);
		ring_submit();
		EQUAL(ring_result(1), 500);
		EQUAL(ring_result(2), 500);
		EQUAL(ring_result(3), 500);
		check(7, in, 500);
	}
	meet();
}

static void link_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 20; i++) {
		recv_all(fd, i * 1000, 500);
		send_all(fd, 7, 500);
		recv_all(fd, i * 1000 + 500, 500);
	}
	meet();
}

/* Blocked by credit: a ring's send waits, and has sent it all in the end. */
static void blocked_subject(void)
{
	size_t len = me.type == SOCK_STREAM ? 1500000 : 200000;
	uint8_t *buf = big_buf(len), *small = big_buf(len);
	int fd = pair();
	uint64_t off = 0;

	ring_open();
	fill(0, buf, len);
	ring_sqe(IORING_OP_SEND, fd, buf, len, 1)->msg_flags =
		MSG_NOSIGNAL | MSG_WAITALL;
	ring_submit();
	if (me.type == SOCK_STREAM)
		TRUE(ring_idle(50));
	meet();
	EQUAL(ring_result(1), len);
	off = len;
	fill(off, small, 10);
	EQUAL(uring_send(fd, small, 10, 0), 10);
	meet();
}

static void blocked_helper(void)
{
	size_t len = me.type == SOCK_STREAM ? 1500000 : 200000;
	int fd = pair();

	meet();
	recv_all(fd, 0, len);
	recv_all(fd, len, 10);
	meet();
}

/* Readiness: once, and again and again */
static void poll_subject(void)
{
	struct ring_done cqe;
	int fd = pair(), i;

	ring_open();
	ring_sqe(IORING_OP_POLL_ADD, fd, NULL, 0, 1)->poll32_events = POLLOUT;
	TRUE(ring_result(1) & POLLOUT);
	ring_sqe(IORING_OP_POLL_ADD, fd, NULL, IORING_POLL_ADD_MULTI, 2)
		->poll32_events = POLLIN;
	TRUE(ring_idle(20));
	for (i = 0; i < 20; i++) {
		meet();
		cqe = ring_wait();
		EQUAL(cqe.user_data, 2);
		TRUE(cqe.res > 0 && cqe.res & POLLIN);
		TRUE(cqe.flags & IORING_CQE_F_MORE);
		recv_all(fd, i, 10);
		/* One that was on its way while we read */
		if (!ring_idle(2))
			ring_wait();
	}
	ring_sqe(IORING_OP_POLL_REMOVE, -1, (void *)2, 0, 3);
	EQUAL(ring_result(3), 0);
	EQUAL(ring_result(2), -ECANCELED);
	meet();
}

static void poll_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 20; i++) {
		meet();
		send_all(fd, i, 10);
	}
	meet();
}

/* A reader with buffers of its own, for as long as there is anything */
#define BUFS 16

static void multishot_subject(void)
{
	uint8_t *bufs = big_buf(BUFS * 4096);
	struct ring_done cqe;
	struct io_uring_sqe *sqe;
	uint64_t off = 0;
	bool armed = false;
	int fd = pair(), i;

	ring_open();
	sqe = ring_sqe(IORING_OP_PROVIDE_BUFFERS, BUFS, bufs, 4096, 4);
	sqe->buf_group = 5;
	TRUE(ring_result(4) >= 0);
	meet();
	for (;;) {
		if (!armed) {
			sqe = ring_sqe(IORING_OP_RECV, fd, NULL, 0, 1);
			sqe->ioprio = IORING_RECV_MULTISHOT;
			sqe->flags = IOSQE_BUFFER_SELECT;
			sqe->buf_group = 5;
			armed = true;
		}
		cqe = ring_wait();
		if (cqe.user_data == 4)
			continue;
		EQUAL(cqe.user_data, 1);
		armed = cqe.flags & IORING_CQE_F_MORE;
		if (cqe.res == -ENOBUFS)
			continue;
		TRUE(cqe.res >= 0);
		if (!cqe.res)
			break;
		TRUE(cqe.flags & IORING_CQE_F_BUFFER);
		i = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		check(off, bufs + i * 4096, cqe.res);
		off += cqe.res;
		sqe = ring_sqe(IORING_OP_PROVIDE_BUFFERS, 1, bufs + i * 4096,
			       4096, 4);
		sqe->buf_group = 5;
		sqe->off = i;
	}
	EQUAL(off, 400000);
}

static void multishot_helper(void)
{
	int fd = pair();

	meet();
	send_pieces(fd, 0, 400000, 4096);
	close(fd);
}

/*
 * IORING_OP_SEND_ZC: a result, and a notification when the memory is ours
 * again; from plain memory and from a registered buffer.
 */
static void send_zc_subject(void)
{
	uint8_t *buf = big_buf(1 << 18);
	struct iovec iov = { buf, 1 << 18 };
	struct io_uring_sqe *sqe;
	struct ring_done cqe;
	uint64_t off = 0, state = 31;
	int fd = pair(), i, one = 1;
	bool more;

	ring_open();
	NEED(ring_register(IORING_REGISTER_BUFFERS, &iov, 1));
	for (i = 0; i < 40; i++) {
		size_t len = rnd(&state, 1, i % 2 ? 3000 : 100000);

		fill(off, buf + i, len);
		sqe = ring_sqe(IORING_OP_SEND_ZC, fd, buf + i, len, 1);
		sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
		if (i % 4 >= 2)
			sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
		/* A message that fits in part is begun, and begun again: the core */
		tell(len);
		meet();
		cqe = ring_wait();
		if (cqe.res == -EOPNOTSUPP && !i &&
		    setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one))) {
			/* This kernel's vsock has no zero-copy at all. */
			send_all(fd, 0, len);
			tell(0);
			meet();
			return;
		}
		EQUAL(cqe.res, len);
		TRUE(!(cqe.flags & IORING_CQE_F_NOTIF));
		more = cqe.flags & IORING_CQE_F_MORE;
		TRUE(more);
		cqe = ring_wait();
		EQUAL(cqe.user_data, 1);
		TRUE(cqe.flags & IORING_CQE_F_NOTIF);
		/* Ours again */
		memset(buf + i, 0xee, len);
		off += len;
	}
	tell(0);
	meet();
	TRUE(ring_idle(10));
}

static void send_zc_helper(void)
{
	uint64_t off = 0, len;
	int fd = pair();

	while ((len = hear())) {
		meet();
		recv_all(fd, off, len);
		off += len;
	}
	meet();
}

/* A process that ends with requests in its ring */
static void gone_subject(void)
{
	uint8_t *buf = big_buf(1 << 20);
	int fd = pair();
	char c;

	ring_open();
	ring_sqe(IORING_OP_RECV, fd, &c, 1, 1);
	ring_sqe(IORING_OP_SEND, fd, buf, 1 << 20, 2)->msg_flags = MSG_WAITALL;
	ring_submit();
	ring_idle(20);
	meet();
}

static void gone_helper(void)
{
	char buf[65536];
	int fd = pair();

	meet();
	HERE();
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

const struct vsapi_test uring_tests[] = {
	{ "echo", BOTH, echo_subject, echo_helper },
	{ "connect", BOTH, connect_subject, connect_helper },
	{ "cancel", BOTH, cancel_subject, cancel_helper },
	{ "timeout", BOTH, timeout_subject, timeout_helper },
	{ "link", BOTH, link_subject, link_helper },
	{ "blocked", BOTH, blocked_subject, blocked_helper },
	{ "poll", BOTH, poll_subject, poll_helper },
	{ "multishot", BOTH, multishot_subject, multishot_helper },
	{ "send-zc", BOTH, send_zc_subject, send_zc_helper },
	{ "gone", BOTH, gone_subject, gone_helper },
	{}
};
