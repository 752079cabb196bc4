// SPDX-License-Identifier: GPL-2.0-only
/* Making and closing AF_VSOCK connections. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

static void set_u64(int fd, int name, uint64_t val)
{
	if (setsockopt(fd, AF_VSOCK, name, &val, sizeof(val)))
		die_errno("setsockopt");
}

int vst_socket(void)
{
	int fd = socket(AF_VSOCK, opt.type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die_errno("socket");
	if (opt.buf) {
		set_u64(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, opt.buf);
		if (opt.buf < 128)
			set_u64(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, opt.buf);
		set_u64(fd, SO_VM_SOCKETS_BUFFER_SIZE, opt.buf);
	}
	return fd;
}

/* The default is 2 s, for which the whole machine may stand still. */
void vst_patient(int fd)
{
	struct timeval tv = { .tv_sec = 60 };

	if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)))
		die_errno("setsockopt");
}

int vst_try_connect(int fd)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = opt.cid,
		.svm_port = opt.port,
	};

	return connect(fd, (struct sockaddr *)&addr, sizeof(addr));
}

/* A socket that connects, from port lport= if there is one */
int vst_client(void)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = opt.lport,
	};
	int fd = vst_socket();

	if (opt.lport && bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die_errno("bind");
	return fd;
}

int vst_connect(void)
{
	int fd = vst_client();

	vst_patient(fd);
	if (vst_try_connect(fd))
		die_errno("connect");
	return fd;
}

void vst_bind_listen(int fd)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = opt.port,
	};

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die_errno("bind");
	if (listen(fd, 512))
		die_errno("listen");
}

int vst_listen(void)
{
	int fd = vst_socket();

	vst_bind_listen(fd);
	say("READY");
	return fd;
}

int vst_accept(int lfd)
{
	struct sockaddr_vm peer = {};
	socklen_t len = sizeof(peer);
	int fd = accept4(lfd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

	if (fd < 0)
		die_errno("accept");
	if (peer.svm_family != AF_VSOCK ||
	    (opt.cid && peer.svm_cid != opt.cid))
		die("accepted from CID %u, expected %u", peer.svm_cid, opt.cid);
	return fd;
}

void write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			die_errno("send");
	}
}

void read_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = recv(fd, p, len, 0);
		if (n < 0)
			die_errno("recv");
		if (!n)
			die("end of file, %zu bytes missing", len);
	}
}

void expect_eof(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	if (n < 0)
		die_errno("recv, end of file expected");
	if (n)
		die("data after the expected end");
}

void set_nonblock(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die_errno("fcntl");
}

void wait_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, -1) < 0)
		die_errno("poll");
}

/* An event of the case: the file go= exists. */
void wait_go(void)
{
	while (opt.go && access(opt.go, F_OK))
		sleep_ms(20);
}
