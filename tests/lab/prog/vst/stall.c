// SPDX-License-Identifier: GPL-2.0-only
/* A link ends while connections are being made. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

/* A process that has the socket locked until it is killed */
static pid_t lock_socket(int fd)
{
	pid_t pid = fork();
	int uffd;

	if (!pid) {
		setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, hole(&uffd), 8);
		die("setsockopt came back");
	}
	wait_asleep(pid, "userfault");
	return pid;
}

static void unlock_socket(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The peer is there no more, or closes at once: who waits learns it. */
static void check_child(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char c;
	int n;

	if (poll(&pfd, 1, 5000) != 1)
		die("an accepted connection lives on without a peer");
	n = recv(fd, &c, 1, MSG_DONTWAIT);
	if (n > 0 || (n < 0 && errno != ECONNRESET))
		die("recv: %d %s", n, strerrorname_np(errno));
	close(fd);
}

/*
 * Connections are asked for and not answered, as the listener is locked. After
 * go= those that come within= ms are accepted; none may be left behind.
 */
void cmd_stall(void)
{
	struct pollfd pfd = { .events = POLLIN };
	unsigned int n = 0;
	pid_t pid;

	pfd.fd = vst_listen();
	pid = lock_socket(pfd.fd);
	say("RUNNING");
	wait_go();
	unlock_socket(pid);
	for (; poll(&pfd, 1, opt.within) == 1; n++)
		check_child(vst_accept(pfd.fd));
	say("%u were accepted", n);
}

static int patient_socket(bool nonblock)
{
	struct timeval tv = { .tv_sec = 100 };
	int fd = vst_socket();

	if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)))
		die_errno("setsockopt");
	if (nonblock)
		set_nonblock(fd);
	return fd;
}

static int socket_error(int fd)
{
	socklen_t len = sizeof(int);
	int err = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		die_errno("getsockopt");
	return err;
}

/* connect() blocks, fails, and may be tried again. */
static pid_t connect_blocking(void)
{
	pid_t pid = fork();
	int fd;

	if (pid) {
		wait_asleep(pid, "vsock_connect");
		return pid;
	}
	fd = patient_socket(false);
	expect_errno("connect", vst_try_connect(fd) ? errno : 0);
	if (!opt.slow)
		exit(0);
	/* What the link's end left is no hindrance to the next one. */
	sleep_ms(opt.slow);
	while (vst_try_connect(fd))
		sleep_ms(100);
	exit(0);
}

static int connect_nonblock(void)
{
	int fd = patient_socket(true);

	if (!vst_try_connect(fd) || errno != EINPROGRESS)
		die_errno("connect, not blocking");
	return fd;
}

static void check_nonblock(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	if (poll(&pfd, 1, ms) != 1)
		die("poll does not say that the connection failed");
	expect_errno("connect, not blocking", socket_error(fd));
}

/*
 * One connect() that blocks, one that does not, and one of which the socket is
 * locked when the link ends. slow= ms after that the first tries anew.
 */
void cmd_pending(void)
{
	int fd, locked, status;
	pid_t pid, locker;

	pid = connect_blocking();
	fd = connect_nonblock();
	locked = connect_nonblock();
	locker = lock_socket(locked);
	say("READY");

	check_nonblock(fd, -1);
	say("ENDED");
	unlock_socket(locker);
	check_nonblock(locked, opt.within);
	waitpid(pid, &status, 0);
	if (status)
		die("the one that blocks failed");
}

/* n= connections that are asked for, each of them closed at once */
void cmd_ask(void)
{
	unsigned int i;
	int fd;

	for (i = 0; i < opt.n; i++) {
		fd = connect_nonblock();
		close(fd);
	}
}
