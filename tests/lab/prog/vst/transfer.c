// SPDX-License-Identifier: GPL-2.0-only
/*
 * send, recv, bidi: a known sequence of messages in one direction or both.
 * The sender ends with shutdown(SHUT_WR); the receiver has to see exactly the
 * announced content, then the end of file, and confirms with one byte.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vst.h"

static int epfd = -1;

static void wait_writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct epoll_event ev;
	int n;

	if (opt.et)
		n = epoll_wait(epfd, &ev, 1, 30000);
	else
		n = poll(&pfd, 1, 30000);
	if (n < 0)
		die_errno("poll");
	if (!n)
		die("not writable within 30 s");
}

static void send_msg(int fd, const uint8_t *buf, size_t len, int flags)
{
	ssize_t n;

	do {
		if (opt.polls)
			wait_writable(fd);
		n = send(fd, buf, len, MSG_NOSIGNAL | flags);
		if (n < 0 && errno == EAGAIN && (opt.nonblock || opt.et)) {
			wait_writable(fd);
			continue;
		}
		if (n < 0)
			die_errno("send");
		if (opt.type == SOCK_SEQPACKET && (size_t)n != len)
			die("seqpacket: sent %zd of %zu", n, len);
		buf += n;
		len -= n;
	} while (len);
}

static bool has_eor(uint64_t k)
{
	return opt.eor && k % 3 == 0;
}

void send_messages(int fd, uint64_t seed)
{
	uint8_t *buf = malloc(opt.max);
	uint64_t k, off = 0;
	size_t len;

	if (opt.nonblock || opt.et)
		set_nonblock(fd);
	if (opt.et) {
		struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };

		epfd = epoll_create1(EPOLL_CLOEXEC);
		if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
			die_errno("epoll");
	}
	for (k = 0; k < opt.count; k++, off += len) {
		len = msg_len(seed, k);
		fill(seed, off, buf, len);
		send_msg(fd, buf, len, has_eor(k) ? MSG_EOR : 0);
	}
	if (shutdown(fd, SHUT_WR))
		die_errno("shutdown");
	free(buf);
}

static void recv_stream(int fd, uint64_t seed)
{
	uint8_t *buf = malloc(opt.chunk);
	uint64_t k, off = 0, total = 0;
	ssize_t n;

	for (k = 0; k < opt.count; k++)
		total += msg_len(seed, k);
	while (off < total) {
		n = recv(fd, buf, opt.chunk, 0);
		if (n < 0 && errno == EAGAIN) {
			wait_readable(fd);
			continue;
		}
		if (n < 0)
			die_errno("recv");
		if (!n)
			die("end of file after %llu of %llu bytes",
			    (unsigned long long)off, (unsigned long long)total);
		if (off + n > total)
			die("more data than sent");
		check(seed, off, buf, n);
		off += n;
	}
	free(buf);
}

/* Message k is read into a buffer that is too short: trunc=1, every 5th. */
static bool cut(uint64_t k, size_t len)
{
	return opt.trunc && k % 5 == 0 && len > 1;
}

static void recv_seqpacket(int fd, uint64_t seed)
{
	uint8_t *buf = malloc(opt.max + 1);
	struct iovec iov = { .iov_base = buf };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint64_t k, off = 0;
	size_t len, want;
	ssize_t n;

	for (k = 0; k < opt.count; k++, off += len) {
		len = msg_len(seed, k);
		want = cut(k, len) ? len / 2 : len;
		iov.iov_len = cut(k, len) ? want : opt.max + 1;
		while ((n = recvmsg(fd, &msg, MSG_TRUNC)) < 0 &&
		       errno == EAGAIN)
			wait_readable(fd);
		if (n < 0)
			die_errno("recvmsg");
		if ((size_t)n != len)
			die("message %llu: length %zd, want %zu",
			    (unsigned long long)k, n, len);
		if (!!(msg.msg_flags & MSG_TRUNC) != cut(k, len))
			die("message %llu: MSG_TRUNC is wrong",
			    (unsigned long long)k);
		if (!!(msg.msg_flags & MSG_EOR) != has_eor(k))
			die("message %llu: MSG_EOR is wrong",
			    (unsigned long long)k);
		check(seed, off, buf, want);
	}
	free(buf);
}

void recv_messages(int fd, uint64_t seed)
{
	if (opt.slow)
		sleep_ms(opt.slow);
	if (opt.type == SOCK_SEQPACKET)
		recv_seqpacket(fd, seed);
	else
		recv_stream(fd, seed);
}

void role_send(int fd)
{
	char ok;

	if (opt.go) {
		say("RUNNING");
		wait_go();
	}
	send_messages(fd, opt.seed);
	wait_readable(fd);
	read_all(fd, &ok, 1);
	if (ok != 'K')
		die("bad confirmation");
	wait_readable(fd);
	expect_eof(fd);
}

void role_recv(int fd)
{
	int64_t calls = counter();
	uint64_t t = now_us();

	recv_messages(fd, opt.seed);
	expect_eof(fd);
	calls = counter() - calls;
	t = now_us() - t;
	if (opt.counter)
		say("hypercalls %lld", (long long)calls);
	write_all(fd, "K", 1);
	say("received %llu messages in %llu ms", (unsigned long long)opt.count,
	    (unsigned long long)t / 1000);
}

/* The connecting side sends with seed and receives with seed + 1. */
void role_bidi(int fd)
{
	bool client = !opt.server;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die_errno("fork");
	if (!pid) {
		send_messages(fd, opt.seed + !client);
		_exit(0);
	}
	recv_messages(fd, opt.seed + client);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the sending half failed");
	wait_readable(fd);
	expect_eof(fd);
}
