// SPDX-License-Identifier: GPL-2.0-only
/* Many buffers in one call, empty ones, and ones that are not there. */
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "groups.h"

#define NR 1024

/* Cut @buf into NR pieces, every third empty; all of it is @total bytes. */
static size_t cut(struct iovec *iov, uint8_t *buf, uint64_t seed, size_t max)
{
	size_t off = 0;
	int i;

	for (i = 0; i < NR; i++) {
		iov[i].iov_base = buf + off;
		iov[i].iov_len = i % 3 == 1 ? 0 : rnd(&seed, 1, max);
		off += iov[i].iov_len;
	}
	return off;
}

static void many_subject(void)
{
	static struct iovec iov[NR + 1];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = NR };
	uint8_t *buf = big_buf(NR * 180);
	size_t total = cut(iov, buf, 3, 180);
	int fd = pair();

	fill(0, buf, total);
	EQUAL(NEED(sendmsg(fd, &msg, MSG_NOSIGNAL)), total);
	msg.msg_iovlen = NR + 1;
	REFUSED(EMSGSIZE, sendmsg(fd, &msg, MSG_NOSIGNAL));
	EQUAL(NEED(writev(fd, iov, 3)), iov[0].iov_len + iov[2].iov_len);
	meet();
}

static void many_helper(void)
{
	static struct iovec iov[NR], theirs[NR];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = NR };
	uint8_t *buf = big_buf(NR * 180);
	size_t total = cut(theirs, buf, 3, 180);
	size_t off = 0, room = cut(iov, buf, 4, 170);
	int fd = pair();

	if (me.type == SOCK_SEQPACKET) {
		size_t len = total < room ? total : room;

		EQUAL(NEED(recvmsg(fd, &msg, 0)), len);
		check(0, buf, len);
	} else {
		while (off < total) {
			size_t n = NEED(recvmsg(fd, &msg, 0));

			TRUE(n);
			/* The two of writev() may be behind it. */
			check(off, buf, n < total - off ? n : total - off);
			off += n;
		}
		if (off > total) {
			meet();
			return;
		}
	}
	recv_all(fd, 0, theirs[0].iov_len + theirs[2].iov_len);
	meet();
}

/* What was told to be sent was sent; the rest was not, and can be. */
static void send_fault_subject(void)
{
	static const size_t goods[] = { 0, 1, 100, 4096, 5000, 50000, 130000 };
	uint64_t off = 0;
	int fd = pair();
	unsigned int i;

	for (i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		size_t good = goods[i];
		struct iovec iov[3];
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
		uint8_t *p = holed(good);
		int whole;
		ssize_t n;

		/* Messages are begun before the fault is seen, beyond 64 KiB. */
		if (me.type == SOCK_SEQPACKET && good > 60000)
			continue;
		iov[0] = (struct iovec){ p, good };
		iov[1] = (struct iovec){ p + good, 300 };
		iov[2] = (struct iovec){ p, good };
		/* The hole between pieces, and inside one */
		for (whole = 0; whole < 2; whole++) {
			fill(off, p, good);
			HERE();
			n = whole ? send(fd, p, good + 100, MSG_NOSIGNAL) :
				    sendmsg(fd, &msg, MSG_NOSIGNAL);
			if (n < 0)
				TRUE(errno == EFAULT || errno == ENOMEM);
			else
				TRUE((size_t)n <= good && me.type == SOCK_STREAM);
			off += n > 0 ? n : 0;
		}
		/* In between, what follows is in its place. */
		tell(off);
		send_all(fd, off, 777);
		off += 777;
	}
	tell(~0ull);
	meet();
}

static void send_fault_helper(void)
{
	uint64_t off = 0, to;
	int fd = pair();

	while ((to = hear()) != ~0ull) {
		if (to > off)
			recv_all(fd, off, to - off);
		recv_all(fd, to, 777);
		off = to + 777;
	}
	meet();
}

/* Reading into a hole: no byte of a stream is lost. */
static void recv_fault_subject(void)
{
	static const size_t goods[] = { 0, 1, 100, 4000, 30000, 70000 };
	uint64_t off = 0, total = 300000;
	int fd = pair();
	unsigned int i;

	for (i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		uint8_t *p = holed(goods[i]);
		ssize_t n;

		HERE();
		n = recv(fd, p, goods[i] + 100, 0);
		if (n < 0) {
			EQUAL(errno, core_errno(EFAULT));
			n = 0;
		}
		TRUE((size_t)n <= goods[i]);
		check(off, p, n);
		off += n;
		recv_all(fd, off, 1000);
		off += 1000;
	}
	drain(fd, off, total - off);
	expect_eof(fd);
}

static void recv_fault_helper(void)
{
	int fd = pair();

	send_pieces(fd, 0, 300000, 90000);
	NEED(shutdown(fd, SHUT_WR));
	expect_eof(fd);
}

/* A message that could not be read is gone; the next one is whole. */
static void recv_fault_message_subject(void)
{
	int fd = pair(), i;

	for (i = 0; i < 20; i++) {
		uint8_t *p = holed(i * 50);

		REFUSED(core_errno(EFAULT), recv(fd, p, 1000, 0));
		recv_all(fd, i, 1000 + i * 5000);
	}
	meet();
}

static void recv_fault_message_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 20; i++) {
		send_all(fd, 99, 1000);
		send_all(fd, i, 1000 + i * 5000);
	}
	meet();
}

/* Memory that goes away, comes back and is written while it is sent */
static void cow_subject(void)
{
	size_t len = 200000;
	int fd = pair(), i;

	for (i = 0; i < 10; i++) {
		uint8_t *p = big_buf(len);

		fill(i * len, p, len);
		EQUAL(NEED(send(fd, p, len, MSG_NOSIGNAL)), len);
		memset(p, 0xee, len);
		NEED(munmap(p, len));
	}
	meet();
}

static void cow_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 10; i++)
		recv_all(fd, i * 200000, 200000);
	meet();
}

/*
 * Messages that wait for company, out of pages of which some have to be fetched
 * first, and between them some that are not there at all: more than fits into
 * the window, were they counted.
 */
#define ABSENT_LEN	300
#define ABSENT_NR	1000

static void absent_subject(void)
{
	size_t len = ABSENT_LEN * ABSENT_NR, off, end;
	int file = NEED(memfd_create("absent", 0)), fd = pair(), i;
	uint8_t *bad = holed(ABSENT_LEN / 2), *p;

	NEED(ftruncate(file, len));
	p = (uint8_t *)NEED(mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED,
				 file, 0));
	fill(0, p, len);
	for (i = 0; i < ABSENT_NR; i++) {
		off = i * ABSENT_LEN;
		end = (off + ABSENT_LEN - 1) & ~4095ul;
		/* The page that it ends in; where that is another, half of it. */
		if (end > off || i % 3 == 0)
			NEED(madvise(p + end, 1, MADV_DONTNEED));
		EQUAL(NEED(send(fd, p + off, ABSENT_LEN, MSG_NOSIGNAL | MSG_MORE)),
		      ABSENT_LEN);
		TRUE(send(fd, bad, ABSENT_LEN, MSG_NOSIGNAL | MSG_DONTWAIT) < 0);
		TRUE(errno == EFAULT || errno == ENOMEM || errno == EAGAIN);
	}
	meet();
}

static void absent_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < ABSENT_NR; i++)
		recv_all(fd, i * ABSENT_LEN, ABSENT_LEN);
	meet();
}

const struct vsapi_test iovec_tests[] = {
	{ "many", BOTH, many_subject, many_helper },
	{ "send-fault", BOTH, send_fault_subject, send_fault_helper },
	{ "recv-fault", STREAM, recv_fault_subject, recv_fault_helper },
	{ "recv-fault-message", SEQ, recv_fault_message_subject, recv_fault_message_helper },
	{ "absent", BOTH, absent_subject, absent_helper },
	{ "overwrite", BOTH, cow_subject, cow_helper },
	{}
};
