// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that refuse to close. cling has a socket in each state that one can
 * be in when its link ends; once the file go= exists it tries every system
 * call on each of them, and still does not close. cling-server is its peer.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <linux/vm_sockets.h>

#include "vst.h"

#define GREETING 100	/* bytes that the server sends on each connection */

enum mode {
	READER,		/* blocked in recv() */
	WRITER,		/* in send() */
	POLLER,		/* in poll() */
	IDLE,		/* nowhere, with data unread */
	CLOSED,		/* the same, and the peer has closed in order */
	REFUSED,	/* connect() has failed */
	MODES
};

static const char * const names[] = {
	"reader", "writer", "poller", "idle", "closed", "refused",
};

static bool is_reset(int err)
{
	return err == ECONNRESET || err == EPIPE;
}

static void get_opt(int fd, int level, int name)
{
	uint64_t val = 0;
	socklen_t len = level == SOL_SOCKET ? sizeof(int) : sizeof(val);

	getsockopt(fd, level, name, &val, &len);
}

/* Whatever it answers, the kernel survives it, and no call succeeds. */
static void try_all(int fd, enum mode mode)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	struct sockaddr_vm addr;
	socklen_t len = sizeof(addr);
	uint64_t val = 1 << 20;
	int n, low = 10;
	char buf[GREETING * 2];

	n = poll(&pfd, 1, 1000);
	if (n != 1 && mode != REFUSED)
		die("%s: poll finds nothing", names[mode]);
	ioctl(fd, SIOCOUTQ, &n);
	ioctl(fd, SIOCINQ, &n);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	len = sizeof(addr);
	getpeername(fd, (struct sockaddr *)&addr, &len);
	get_opt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &val, sizeof(val));
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &val, sizeof(val));
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &low, sizeof(low));

	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	say("%s: recv %d %s", names[mode], n, n < 0 ? strerrorname_np(errno) : "");
	if ((mode == IDLE || mode == CLOSED) && n != GREETING)
		die("%s: what had arrived is lost", names[mode]);
	if (mode == IDLE || mode == CLOSED)
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (mode == CLOSED && n)
		die("%s: no orderly end", names[mode]);
	if (mode < CLOSED && (n >= 0 || !is_reset(errno)))
		die("%s: recv: %d, ECONNRESET expected", names[mode], n);
	n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0 || (mode < REFUSED && !is_reset(errno)))
		die("%s: send: %d %s", names[mode], n, strerrorname_np(errno));
	get_opt(fd, SOL_SOCKET, SO_ERROR);
	n = vst_try_connect(fd);
	if (!n)
		die("%s: connected", names[mode]);
	shutdown(fd, SHUT_RDWR);
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0)
		die("%s: received %d bytes", names[mode], n);
	poll(&pfd, 1, 0);
}

static void get_ready(int fd, enum mode mode)
{
	char byte = mode, buf[GREETING];

	if (mode == REFUSED)
		return;
	write_all(fd, &byte, 1);
	if (mode < IDLE)
		read_all(fd, buf, sizeof(buf));
	else
		wait_readable(fd);
}

static void block(int fd, enum mode mode)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char buf[4096] = "";
	int n = -1;

	switch (mode) {
	case READER:
		n = recv(fd, buf, sizeof(buf), 0);
		break;
	case WRITER:
		do {
			n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		} while (n > 0);
		break;
	case POLLER:
		n = poll(&pfd, 1, -1);
		if (n == 1)
			n = recv(fd, buf, sizeof(buf), 0);
		break;
	default:
		return;
	}
	if (n >= 0 || errno != ECONNRESET)
		die("%s: %d %s, ECONNRESET expected", names[mode], n,
		    strerrorname_np(errno));
	say("%s: ECONNRESET", names[mode]);
}

void cmd_cling(void)
{
	int fd[MODES], mode, status;

	for (mode = 0; mode < MODES; mode++) {
		fd[mode] = vst_socket();
		if (mode == REFUSED)
			opt.port += 50;		/* nobody listens there */
		if (!vst_try_connect(fd[mode])) {
			if (mode == REFUSED)
				die("connected to nobody");
		} else if (mode != REFUSED) {
			die_errno("connect");
		}
		if (mode == REFUSED)
			opt.port -= 50;
		get_ready(fd[mode], mode);
	}
	say("READY");
	for (mode = 0; mode < MODES; mode++) {
		if (fork())
			continue;
		block(fd[mode], mode);
		wait_go();
		try_all(fd[mode], mode);
		_exit(0);
	}
	for (mode = 0; mode < MODES; mode++)
		if (wait(&status) < 0 || status)
			die("failed");
	say("TRIED");
	pause();
}

static int serve(int fd)
{
	char byte, buf[GREETING] = "";

	read_all(fd, &byte, 1);
	write_all(fd, buf, sizeof(buf));
	if (byte == CLOSED)
		close(fd);
	return byte;
}

/* The listener is blocked in accept() when the link ends, and serves on. */
void cmd_cling_server(void)
{
	char buf[256];
	int fd[MODES], lfd, mode, i;
	ssize_t n;

	lfd = vst_listen();
	for (i = 0; i < REFUSED; i++) {
		fd[i] = vst_accept(lfd);
		mode = serve(fd[i]);
		if (mode != i)
			die("the wrong client");
	}
	if (!fork()) {
		wait_go();
		/* The reader's peer has nothing to read; the writer's has much. */
		try_all(fd[READER], READER);
		say("TRIED");
		pause();
	}
	for (;;) {
		i = vst_accept(lfd);
		while ((n = recv(i, buf, sizeof(buf), 0)) > 0)
			write_all(i, buf, n);
		close(i);
	}
}
