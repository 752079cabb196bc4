// SPDX-License-Identifier: GPL-2.0-only
/*
 * SO_RCVLOWAT: a reader that waits for more than there is, and a writer that
 * waits for credit, must not wait for each other.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "groups.h"

#define VOLUME (3 << 20)

/* poll() and recv() wait for as much as was asked for. */
static void honoured_subject(void)
{
	int fd = pair();
	uint8_t buf[4096];
	ssize_t n;

	set_int(fd, SO_RCVLOWAT, 1000);
	EQUAL(get_int(fd, SO_RCVLOWAT), 1000);
	meet();
	/* 999 bytes come, and a byte of proof elsewhere. */
	meet();
	EQUAL(wait_for(fd, POLLIN, 100), 0);
	meet();
	EQUAL(wait_for(fd, POLLIN, 10000), POLLIN);
	EQUAL(NEED(recv(fd, buf, 500, 0)), 500);
	/* Older ones count a packet until the last byte of it is read. */
	if (!kernel_before(6, 12))
		EQUAL(wait_for(fd, POLLIN, 0), 0);
	/* Less than there is: ready at once. */
	set_int(fd, SO_RCVLOWAT, 400);
	EQUAL(wait_for(fd, POLLIN, 0), POLLIN);
	set_int(fd, SO_RCVLOWAT, 2000);
	EQUAL(wait_for(fd, POLLIN, 0), 0);
	meet();
	/* Three sends of 600 */
	n = NEED(recv(fd, buf, sizeof(buf), 0));
	TRUE(n >= 2000);
	check(500, buf, n);
	recv_all(fd, 500 + n, 1800 + 500 - n);
	/* The end is told, whatever the mark. */
	EQUAL(wait_for(fd, POLLIN, 10000), POLLIN);
	expect_eof(fd);
}

static void honoured_helper(void)
{
	int fd = pair(), i;

	meet();
	send_all(fd, 0, 999);
	meet();
	/* The other half sees that nothing happens. */
	meet();
	send_all(fd, 999, 1);
	meet();
	for (i = 0; i < 3; i++) {
		send_all(fd, 1000 + i * 600, 600);
		nap(20);
	}
	close(fd);
}

static void beyond(void)
{
	int fd = pair(), val = 1 << 30;

	/* More than the buffer: refused, by the core. */
	REFUSED(EINVAL, setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &val, sizeof(val)));
	set_int(fd, SO_RCVLOWAT, 0);
	EQUAL(get_int(fd, SO_RCVLOWAT), 1);
	meet();
}

/* Read when poll() says so, in pieces; the writer must never starve. */
static void reader(int lowat, size_t max)
{
	int fd = pair();
	uint8_t *buf = big_buf(1 << 20);
	uint64_t off = 0, state = lowat;
	ssize_t n;

	set_int(fd, SO_RCVLOWAT, lowat);
	meet();
	while (off < VOLUME) {
		report_say("at %llu of %d", (unsigned long long)off, VOLUME);
		/* The last bytes are fewer than the mark, but the end. */
		EQUAL(wait_for(fd, POLLIN, 20000), POLLIN);
		n = NEED(recv(fd, buf, rnd(&state, 1, max), 0));
		TRUE(n > 0);
		check(off, buf, n);
		off += n;
	}
	expect_eof(fd);
}

static void writer(size_t max)
{
	int fd = pair();

	meet();
	send_pieces(fd, 0, VOLUME, max);
	/* The reader waits for more than is left. */
	NEED(shutdown(fd, SHUT_WR));
	expect_eof(fd);
}

static void credit_subject(void)
{
	reader(130000, 100000);
}

static void credit_helper(void)
{
	writer(100000);
}

/* Many small messages make less of a buffer than their bytes. */
static void small_subject(void)
{
	reader(150000, 1000000);
}

static void small_helper(void)
{
	writer(600);
}

/* Messages one by one, too slow to share a record, up to a high mark */
#define TRICKLE_LEN	300
#define TRICKLE_MARK	180000

static void trickle_subject(void)
{
	int fd = pair();

	set_int(fd, SO_RCVLOWAT, TRICKLE_MARK);
	meet();
	EQUAL(wait_for(fd, POLLIN, 25000), POLLIN);
	recv_all(fd, 0, TRICKLE_MARK);
	meet();
}

static void trickle_helper(void)
{
	int fd = pair();
	uint64_t off;

	meet();
	for (off = 0; off < TRICKLE_MARK; off += TRICKLE_LEN) {
		report_say("at %llu", (unsigned long long)off);
		send_all(fd, off, TRICKLE_LEN);
		if (off % 16 == 0)
			wait_for(fd, POLLIN, 1);
	}
	meet();
}

/*
 * A packet that was read in part holds the window for all of it: the mark
 * lies above what fits beside it.
 */
static void partial_subject(void)
{
	int fd = pair();
	uint64_t buffer = get_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE);

	meet();
	recv_all(fd, 0, 60000);
	set_int(fd, SO_RCVLOWAT, buffer - 1000);
	EQUAL(wait_for(fd, POLLIN, 2000), POLLIN);
	meet();
	drain(fd, 60000, hear() - 60000);
	meet();
}

static void partial_helper(void)
{
	int fd = pair();
	uint8_t *buf = big_buf(65536);
	uint64_t off = 0;
	ssize_t n;
	int i;

	meet();
	for (i = 0; i < 12; i++) {
		fill(off, buf, 65536);
		if (!(wait_for(fd, POLLOUT, 1000) & POLLOUT))
			continue;
		n = send(fd, buf, 65536, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			off += n;
	}
	meet();
	tell(off);
	meet();
}

/*
 * Credit comes back when the last byte of a packet is read. With packets that
 * are large beside the buffer, a writer can be out of it while the reader waits
 * for less than the buffer holds. Small messages must not become such packets;
 * here the mark is at 0.7 of the buffer.
 */
#define COARSE_MARK	92160
#define COARSE_ROUNDS	60

static void coarse_subject(void)
{
	int fd = sock_new(), i;

	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, 131072);
	fd = pair_from(fd);
	set_int(fd, SO_RCVLOWAT, COARSE_MARK);
	meet();
	for (i = 0; i < COARSE_ROUNDS; i++) {
		report_say("round %d", i);
		EQUAL(wait_for(fd, POLLIN, 10000), POLLIN);
		recv_all(fd, (uint64_t)i * COARSE_MARK, COARSE_MARK);
	}
	meet();
}

static void coarse_helper(void)
{
	int fd = pair();
	uint64_t off;

	meet();
	for (off = 0; off < COARSE_ROUNDS * COARSE_MARK; off += 1024)
		send_all(fd, off, 1024);
	meet();
}

/* The same where it is the writer's own buffer that is small. */
#define OWN_BUFFER	65536
#define OWN_MARK	30000
#define OWN_ROUNDS	60

static void own_subject(void)
{
	uint64_t off = 0, end = OWN_ROUNDS * OWN_BUFFER;
	uint8_t *buf = big_buf(40960);
	int fd = pair();
	ssize_t n;

	set_int(fd, SO_RCVLOWAT, OWN_MARK);
	meet();
	while (off + OWN_MARK <= end) {
		report_say("at %llu", (unsigned long long)off);
		EQUAL(wait_for(fd, POLLIN, 10000), POLLIN);
		n = NEED(recv(fd, buf, 40960, 0));
		check(off, buf, n);
		off += n;
	}
	if (off < end)
		recv_all(fd, off, end - off);
	meet();
}

static void own_helper(void)
{
	int fd = sock_new(), i;

	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, OWN_BUFFER);
	fd = pair_from(fd);
	meet();
	for (i = 0; i < 4 * OWN_ROUNDS; i++)
		send_all(fd, i * (OWN_BUFFER / 4), OWN_BUFFER / 4);
	meet();
}

/*
 * The same with messages as large as the buffer: what the reader took of the first
 * must have made room, as the mark lies above the rest of it.
 */
#define LARGE_BUFFER	65536
#define LARGE_FIRST	32768
#define LARGE_MARK	40000

static void large_subject(void)
{
	int fd = sock_new();

	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, LARGE_BUFFER);
	fd = pair_from(fd);
	meet();
	recv_all(fd, 0, LARGE_FIRST);
	set_int(fd, SO_RCVLOWAT, LARGE_MARK);
	EQUAL(wait_for(fd, POLLIN, 10000), POLLIN);
	recv_all(fd, LARGE_FIRST, 2 * LARGE_BUFFER - LARGE_FIRST);
	meet();
}

static void large_helper(void)
{
	int fd = pair();

	meet();
	send_all(fd, 0, LARGE_BUFFER);
	send_all(fd, LARGE_BUFFER, LARGE_BUFFER);
	meet();
}

/* What was freed so far is worth nothing, until the reader wants more. */
static void raised_subject(void)
{
	int fd = pair();
	uint64_t len;

	len = hear();
	recv_all(fd, 0, 100000);
	set_int(fd, SO_RCVLOWAT, 200000);
	EQUAL(wait_for(fd, POLLIN, 10000), POLLIN);
	set_int(fd, SO_RCVLOWAT, 1);
	drain(fd, 100000, len);
	meet();
}

/* The same where nobody asks again: an edge is waited for since before. */
static void edge_subject(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int fd = sock_new(), epfd = NEED(epoll_create1(EPOLL_CLOEXEC)), i;
	uint64_t len;

	/* One that does not grow */
	set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, 260000);
	fd = pair_from(fd);
	for (i = 0; i < 3; i++) {
		len = hear();
		recv_all(fd, 0, 100000);
		if (!i)
			NEED(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev));
		while (NEED(epoll_wait(epfd, &ev, 1, 0)))
			;
		set_int(fd, SO_RCVLOWAT, 200000);
		/* Or all that there is room for had come before that */
		TRUE(NEED(epoll_wait(epfd, &ev, 1, 600)) == 1 ||
		     wait_for(fd, POLLIN, 0));
		set_int(fd, SO_RCVLOWAT, 1);
		drain(fd, 100000, len);
		meet();
	}
}

static void edge_helper(void)
{
	int fd = pair(), i;
	uint64_t len;

	for (i = 0; i < 3; i++) {
		len = fill_up(fd, 8192);
		tell(len);
		send_all(fd, len, 100000);
		meet();
	}
}

static void raised_helper(void)
{
	int fd = pair();
	uint64_t len = fill_up(fd, 8192);

	tell(len);
	send_all(fd, len, 100000);
	meet();
}

const struct vsapi_test lowat_tests[] = {
	{ "honoured", STREAM, honoured_subject, honoured_helper },
	{ "beyond", STREAM, beyond, beyond },
	{ "credit", STREAM, credit_subject, credit_helper },
	{ "small", STREAM, small_subject, small_helper },
	{ "trickle", STREAM, trickle_subject, trickle_helper },
	{ "coarse", STREAM, coarse_subject, coarse_helper },
	{ "own", STREAM, own_subject, own_helper },
	{ "large", STREAM, large_subject, large_helper },
	{ "raised", STREAM, raised_subject, raised_helper },
	{ "edge", STREAM, edge_subject, edge_helper },
	{ "partial", STREAM, partial_subject, partial_helper },
	{}
};
