// SPDX-License-Identifier: GPL-2.0-only
/* One socket in several descriptors and processes. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"

static void wait_child(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0));
	if (status)
		/* The child's own words are kept: the report is shared. */
		_exit(1);
}

/* The connection ends with the last descriptor only. */
static void dup_subject(void)
{
	int fd = pair(), copy = NEED(dup(fd));

	send_all(fd, 0, 1000);
	close(fd);
	meet();
	send_all(copy, 1000, 1000);
	close(copy);
	meet();
}

static void dup_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 1000);
	meet();
	recv_all(fd, 1000, 1000);
	expect_eof(fd);
	meet();
}

/* A child sends, the parent receives, at the same time. */
static void fork_both(void)
{
	size_t piece = 8000, n = 100, i;
	int fd = pair();
	pid_t pid = NEED(fork());

	if (!pid) {
		for (i = 0; i < n; i++)
			send_all(fd, i * piece, piece);
		_exit(0);
	}
	for (i = 0; i < n; i++)
		recv_all(fd, i * piece, piece);
	wait_child(pid);
	meet();
}

/* Several writers: each message arrives in one piece. */
static void writers_subject(void)
{
	int fd = pair(), i, k;
	pid_t pids[4];

	for (i = 0; i < 4; i++) {
		pids[i] = NEED(fork());
		if (pids[i])
			continue;
		for (k = 0; k < 100; k++)
			send_all(fd, i * 1000, 200);
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		wait_child(pids[i]);
	meet();
}

static void writers_helper(void)
{
	int fd = pair(), i, k, seen[4] = {};
	uint8_t buf[200], want[200];

	for (i = 0; i < 400; i++) {
		EQUAL(NEED(recv(fd, buf, sizeof(buf), MSG_WAITALL)), sizeof(buf));
		for (k = 0; k < 4; k++) {
			fill(k * 1000, want, sizeof(want));
			if (!memcmp(want, buf, sizeof(want)))
				break;
		}
		TRUE(k < 4);
		seen[k]++;
	}
	for (k = 0; k < 4; k++)
		EQUAL(seen[k], 100);
	meet();
}

static void send_fd(int unix_fd, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	NEED(sendmsg(unix_fd, &msg, 0));
}

static int recv_fd(int unix_fd)
{
	char room[CMSG_SPACE(sizeof(int))] = {}, c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	int fd;

	NEED(recvmsg(unix_fd, &msg, 0));
	TRUE(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Passed to a process that was there before; it goes on where we were. */
static void passed_subject(void)
{
	int sv[2], fd;
	pid_t pid;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	pid = NEED(fork());
	if (!pid) {
		fd = recv_fd(sv[1]);
		recv_all(fd, 1000, 5000);
		send_all(fd, 1000, 5000);
		_exit(0);
	}
	fd = pair();
	recv_all(fd, 0, 1000);
	send_all(fd, 0, 1000);
	send_fd(sv[0], fd);
	close(fd);
	wait_child(pid);
	meet();
}

static void passed_helper(void)
{
	int fd = pair();

	send_all(fd, 0, 1000);
	recv_all(fd, 0, 1000);
	send_all(fd, 1000, 5000);
	recv_all(fd, 1000, 5000);
	expect_eof(fd);
	meet();
}

/* Left in a queue that goes away: closed by the kernel. */
static void in_flight_subject(void)
{
	int sv[2], fd = pair();

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	send_all(fd, 0, 2000);
	send_fd(sv[0], fd);
	close(fd);
	close(sv[0]);
	close(sv[1]);
	meet();
}

static void in_flight_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 2000);
	expect_eof(fd);
	meet();
}

const struct vsapi_test share_tests[] = {
	{ "dup", BOTH, dup_subject, dup_helper },
	{ "fork", BOTH, fork_both, fork_both },
	{ "writers", SEQ, writers_subject, writers_helper },
	{ "passed", BOTH, passed_subject, passed_helper },
	{ "in-flight", BOTH, in_flight_subject, in_flight_helper },
	{}
};
