// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loaded into the command under test: its netlink socket is connected to the
 * test instead, which plays the kernel (fake_kernel.py).
 *
 * Datagrams pass as they are. Joining a multicast group is a datagram of its
 * own, shorter than any message of netlink: the group's number.
 *
 * With FAKE_VM set, every process has a VM.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/netlink.h>

static int fake = -1;

#define REAL(function) \
	((__typeof__(function) *)dlsym(RTLD_NEXT, #function))

int socket(int domain, int type, int protocol)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);
	const char *path = getenv("FAKE_KERNEL");

	if (domain != AF_NETLINK || protocol != NETLINK_GENERIC || !path)
		return REAL(socket)(domain, type, protocol);
	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	fake = REAL(socket)(AF_UNIX, SOCK_SEQPACKET | flags, 0);
	if (fake < 0 || connect(fake, (struct sockaddr *)&to, sizeof(to)))
		abort();
	return fake;
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	return fd == fake ? 0 : REAL(bind)(fd, address, length);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_pid = 4711 };

	if (fd != fake)
		return REAL(getsockname)(fd, address, length);
	if (*length > sizeof(name))
		*length = sizeof(name);
	memcpy(address, &name, *length);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	if (fd != fake || level != SOL_NETLINK)
		return REAL(setsockopt)(fd, level, name, value, length);
	if (name == NETLINK_ADD_MEMBERSHIP &&
	    send(fd, value, sizeof(uint32_t), 0) < 0)
		return -1;
	return 0;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr unnamed = *msg;

	if (fd == fake) {
		unnamed.msg_name = NULL;
		unnamed.msg_namelen = 0;
	}
	return REAL(sendmsg)(fd, &unnamed, flags);
}

/* A datagram of four bytes stands for events that were lost. */
ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	void *name = msg->msg_name;
	ssize_t n;

	if (fd != fake)
		return REAL(recvmsg)(fd, msg, flags);
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	n = REAL(recvmsg)(fd, msg, flags);
	msg->msg_name = name;
	if (n < 0)
		return n;
	if (n == 4) {
		if (flags & MSG_PEEK)
			REAL(recvmsg)(fd, msg, flags & ~MSG_PEEK);
		msg->msg_name = name;
		errno = ENOBUFS;
		return -1;
	}
	if (name) {
		memcpy(name, &kernel, sizeof(kernel));
		msg->msg_namelen = sizeof(kernel);
	}
	return n;
}

ssize_t readlinkat(int dir, const char *path, char *target, size_t size)
{
	static const char vm[] = "anon_inode:kvm-vm";

	if (!getenv("FAKE_VM") || size < sizeof(vm) - 1)
		return REAL(readlinkat)(dir, path, target, size);
	memcpy(target, vm, sizeof(vm) - 1);
	return sizeof(vm) - 1;
}
