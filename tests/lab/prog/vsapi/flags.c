// SPDX-License-Identifier: GPL-2.0-only
/* The flags of send() and recv(). */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"

static ssize_t recv_msg(int fd, void *buf, size_t len, int flags, int *got)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &msg, flags);

	*got = msg.msg_flags;
	return n;
}

/* Wait until the queue of a stream has @len bytes. */
static void queued(int fd, void *buf, size_t len)
{
	UNTIL(recv(fd, buf, len, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)len);
}

/* Three sends lie in the queue; look over their borders, then take them. */
static const size_t lens[] = { 100, 5000, 70000 };
#define SUM 75100

static void peek_stream(void)
{
	uint8_t *buf = big_buf(SUM);
	int fd = pair(), i;
	size_t n;

	queued(fd, buf, SUM);
	check(0, buf, SUM);
	for (i = 0; i < 3; i++) {
		EQUAL(NEED(recv(fd, buf, 150, MSG_PEEK)), 150);
		check(0, buf, 150);
	}
	EQUAL(NEED(recv(fd, buf, 6000, MSG_PEEK)), 6000);
	check(0, buf, 6000);
	/* From the middle of a packet on */
	recv_all(fd, 0, 33);
	n = NEED(recv(fd, buf, SUM, MSG_PEEK));
	EQUAL(n, SUM - 33);
	check(33, buf, n);
	recv_all(fd, 33, SUM - 33);
	REFUSED(EAGAIN, recv(fd, buf, 1, MSG_PEEK | MSG_DONTWAIT));
	meet();
	EQUAL(NEED(recv(fd, buf, 1, MSG_PEEK)), 0);
	expect_eof(fd);
}

static void peek_messages(void)
{
	uint8_t *buf = big_buf(SUM);
	int fd = pair(), got;

	if (kernel_before(6, 12)) {
		REFUSED(core_errno(EOPNOTSUPP), recv(fd, buf, 10, MSG_PEEK));
		recv_all(fd, 0, 100);
		recv_all(fd, 100, 5000);
		recv_all(fd, 5100, 70000);
		meet();
		return;
	}
	EQUAL(NEED(recv_msg(fd, buf, 10, MSG_PEEK, &got)), 10);
	TRUE(got & MSG_TRUNC);
	check(0, buf, 10);
	EQUAL(NEED(recv_msg(fd, buf, 10, MSG_PEEK | MSG_TRUNC, &got)), 100);
	EQUAL(NEED(recv_msg(fd, buf, SUM, MSG_PEEK, &got)), 100);
	TRUE(!(got & MSG_TRUNC));
	recv_all(fd, 0, 100);
	EQUAL(NEED(recv_msg(fd, buf, 7, MSG_PEEK | MSG_TRUNC, &got)), 5000);
	recv_all(fd, 100, 5000);
	/* More than one packet makes this one. */
	EQUAL(NEED(recv_msg(fd, buf, SUM, MSG_PEEK, &got)), 70000);
	check(5100, buf, 70000);
	recv_all(fd, 5100, 70000);
	meet();
	EQUAL(NEED(recv(fd, buf, 1, MSG_PEEK)), 0);
	expect_eof(fd);
}

static void peek_subject(void)
{
	if (me.type == SOCK_STREAM)
		peek_stream();
	else
		peek_messages();
}

static void peek_helper(void)
{
	int fd = pair(), i;
	size_t off = 0;

	for (i = 0; i < 3; off += lens[i++])
		send_all(fd, off, lens[i]);
	meet();
	close(fd);
}

/* A look frees no room: the window stays shut until something is read. */
static void peek_credit_subject(void)
{
	uint64_t len;
	int fd = pair(), i;
	uint8_t *buf;

	len = hear();
	buf = big_buf(len);
	for (i = 0; i < 5 && !(me.type == SOCK_SEQPACKET && kernel_before(6, 12)); i++)
		EQUAL(NEED(recv(fd, buf, 4096, MSG_PEEK)), 4096);
	meet();
	meet();
	drain(fd, 0, len);
	recv_all(fd, len, 4096);
	meet();
}

static void peek_credit_helper(void)
{
	int fd = pair();
	uint64_t len = fill_up(fd, 4096);

	tell(len);
	meet();
	EQUAL(wait_for(fd, POLLOUT, 100), 0);
	meet();
	send_all(fd, len, 4096);
	meet();
}

static void waitall_subject(void)
{
	uint8_t *buf = big_buf(300000);
	int fd = pair();

	if (me.type == SOCK_SEQPACKET) {
		/* One message, whatever is asked for */
		EQUAL(NEED(recv(fd, buf, 300000, MSG_WAITALL)), 3000);
		check(0, buf, 3000);
		meet();
		return;
	}
	EQUAL(NEED(recv(fd, buf, 200000, MSG_WAITALL)), 200000);
	check(0, buf, 200000);
	/* Nothing the size of the buffer or more can be waited for. */
	REFUSED(ENOMEM, recv(fd, buf, 262144, MSG_WAITALL));
	/* A look waits for one byte. */
	EQUAL(NEED(recv(fd, buf, 262143, MSG_WAITALL)), 50000);
	check(200000, buf, 50000);
	meet();
}

static void waitall_helper(void)
{
	int fd = pair();

	if (me.type == SOCK_SEQPACKET) {
		send_all(fd, 0, 3000);
		meet();
		return;
	}
	send_pieces(fd, 0, 200000, 3000);
	send_pieces(fd, 200000, 50000, 9000);
	NEED(shutdown(fd, SHUT_WR));
	meet();
}

/* Messages longer than the reader's room; the next one is whole. */
static void trunc_subject(void)
{
	uint8_t *buf = big_buf(200000);
	int fd = pair(), got;

	if (me.type == SOCK_STREAM) {
		EQUAL(NEED(recv_msg(fd, buf, 10, 0, &got)), 10);
		TRUE(!(got & MSG_TRUNC));
		check(0, buf, 10);
		recv_all(fd, 10, 120210 - 10);
		meet();
		return;
	}
	EQUAL(NEED(recv_msg(fd, buf, 10, 0, &got)), 10);
	TRUE(got & MSG_TRUNC);
	check(0, buf, 10);
	EQUAL(NEED(recv_msg(fd, buf, 90000, MSG_TRUNC, &got)), 120000);
	TRUE(got & MSG_TRUNC);
	check(100, buf, 90000);
	EQUAL(NEED(recv_msg(fd, buf, 200000, 0, &got)), 110);
	TRUE(!(got & MSG_TRUNC));
	check(120100, buf, 110);
	/* recv() of no length returns at once and takes nothing. */
	EQUAL(NEED(recv(fd, buf, 0, 0)), 0);
	meet();
}

static void trunc_helper(void)
{
	int fd = pair();

	send_all(fd, 0, 100);
	send_all(fd, 100, 120000);
	send_all(fd, 120100, 110);
	meet();
}

static void send_flags(int fd, uint64_t off, size_t len, int flags)
{
	uint8_t *buf = big_buf(len);

	fill(off, buf, len);
	EQUAL(NEED(send(fd, buf, len, flags | MSG_NOSIGNAL)), len);
}

/* MSG_EOR arrives with the messages that had it; a stream does without. */
static void eor_subject(void)
{
	static const size_t len[] = { 50, 100000, 50, 1 };
	uint8_t *buf = big_buf(100000);
	int fd = pair(), got, i;
	uint64_t off = 0;

	for (i = 0; i < 4; off += len[i++]) {
		if (me.type == SOCK_STREAM) {
			recv_all(fd, off, len[i]);
			continue;
		}
		if (!kernel_before(6, 12)) {
			EQUAL(NEED(recv_msg(fd, buf, 100000, MSG_PEEK, &got)),
			      len[i]);
			EQUAL(!!(got & MSG_EOR), i % 2);
		}
		EQUAL(NEED(recv_msg(fd, buf, 100000, 0, &got)), len[i]);
		EQUAL(!!(got & MSG_EOR), i % 2);
		check(off, buf, len[i]);
	}
	meet();
}

static void eor_helper(void)
{
	int fd = pair();

	send_flags(fd, 0, 50, 0);
	send_flags(fd, 50, 100000, MSG_EOR);
	send_flags(fd, 100050, 50, 0);
	send_flags(fd, 100100, 1, MSG_EOR);
	meet();
}

/* MSG_MORE may hold back, never lose, and never join messages. */
static void more_subject(void)
{
	int fd = pair(), i;

	for (i = 0; i < 50; i++)
		recv_all(fd, i * 100, 100);
	/* The last of them comes although nothing follows. */
	recv_all(fd, 5000, 7);
	meet();
	for (i = 0; i < 20; i++)
		recv_all(fd, i * 100, 100);
	expect_eof(fd);
}

static void more_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 50; i++)
		send_flags(fd, i * 100, 100, MSG_MORE);
	send_flags(fd, 5000, 7, MSG_MORE);
	meet();
	for (i = 0; i < 20; i++)
		send_flags(fd, i * 100, 100, MSG_MORE);
	close(fd);
}

/* Nothing is nothing: sent between others, it is not seen. */
static void empty_subject(void)
{
	int fd = pair(), i;

	meet();
	EQUAL(wait_for(fd, POLLIN, 50), 0);
	meet();
	for (i = 0; i < 20; i++)
		recv_all(fd, i, 10);
	meet();
}

static void empty_helper(void)
{
	struct msghdr none = {};
	int fd = pair(), i;

	EQUAL(NEED(send(fd, "", 0, 0)), 0);
	EQUAL(NEED(send(fd, "", 0, MSG_EOR)), 0);
	EQUAL(NEED(sendmsg(fd, &none, 0)), 0);
	meet();
	meet();
	for (i = 0; i < 20; i++) {
		EQUAL(NEED(send(fd, "", 0, MSG_MORE)), 0);
		send_all(fd, i, 10);
		EQUAL(NEED(write(fd, "", 0)), 0);
	}
	meet();
}

static void refused_flags(void)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK, .svm_cid = me.cid, .svm_port = 1,
	};
	int fd = pair();
	char c;

	REFUSED(EOPNOTSUPP, send(fd, "x", 1, MSG_OOB));
	REFUSED(EOPNOTSUPP, recv(fd, &c, 1, MSG_OOB));
	REFUSED(EISCONN, sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	REFUSED(EAGAIN, recv(fd, &c, 1, MSG_DONTWAIT));
	REFUSED(EAGAIN, recv(fd, &c, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
	meet();
}

#define MANY 64

/* sendmmsg() and recvmmsg() */
static void mmsg_subject(void)
{
	static uint8_t bufs[MANY][300];
	struct mmsghdr msgs[MANY] = {};
	struct iovec iovs[MANY];
	int fd = pair(), i, done;

	for (i = 0; i < MANY; i++) {
		fill(i * 300, bufs[i], 300);
		iovs[i] = (struct iovec){ bufs[i], 300 };
		msgs[i].msg_hdr.msg_iov = &iovs[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	EQUAL(NEED(sendmmsg(fd, msgs, MANY, 0)), MANY);
	for (i = 0; i < MANY; i++)
		EQUAL(msgs[i].msg_len, 300);
	meet();
	memset(bufs, 0, sizeof(bufs));
	for (done = 0; done < MANY; done += i)
		i = NEED(recvmmsg(fd, msgs + done, MANY - done, MSG_WAITALL, NULL));
	for (i = 0; i < MANY; i++) {
		EQUAL(msgs[i].msg_len, 300);
		check(i * 300, bufs[i], 300);
	}
	meet();
}

static void mmsg_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < MANY; i++)
		recv_all(fd, i * 300, 300);
	meet();
	for (i = 0; i < MANY; i++)
		send_all(fd, i * 300, 300);
	meet();
}

/* A message that can never fit */
static void too_long_subject(void)
{
	uint8_t *buf = big_buf(262145);
	int fd = pair();

	REFUSED(core_errno(EMSGSIZE), send(fd, buf, 262145, MSG_NOSIGNAL));
	send_all(fd, 0, 262144);
	meet();
}

static void too_long_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 262144);
	meet();
}

const struct vsapi_test flags_tests[] = {
	{ "peek", BOTH, peek_subject, peek_helper },
	{ "peek-credit", BOTH, peek_credit_subject, peek_credit_helper },
	{ "waitall", BOTH, waitall_subject, waitall_helper },
	{ "trunc", BOTH, trunc_subject, trunc_helper },
	{ "eor", BOTH, eor_subject, eor_helper },
	{ "more", BOTH, more_subject, more_helper },
	{ "empty", BOTH, empty_subject, empty_helper },
	{ "refused", BOTH, refused_flags, refused_flags },
	{ "mmsg", BOTH, mmsg_subject, mmsg_helper },
	{ "too-long", SEQ, too_long_subject, too_long_helper },
	{}
};
