// SPDX-License-Identifier: GPL-2.0-only
/* Sockets of the subtest's type, and a connection between the halves. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vsapi.h"

/* For what the core did not have then, and nothing tells but its age */
bool kernel_before(int major, int minor)
{
	struct utsname name;
	char *rest;
	int is;

	NEED(uname(&name));
	is = strtol(name.release, &rest, 10);
	if (is != major)
		return is < major;
	return strtol(rest + 1, NULL, 10) < minor;
}

/* Older ones made ENOMEM of whatever their transports said. */
int core_errno(int err)
{
	return kernel_before(6, 12) ? ENOMEM : err;
}

int sock_flags(int flags)
{
	return NEED(socket(AF_VSOCK, me.type | flags, 0));
}

int sock_new(void)
{
	return sock_flags(SOCK_CLOEXEC);
}

void set_int(int fd, int name, int val)
{
	if (setsockopt(fd, SOL_SOCKET, name, &val, sizeof(val)))
		report_fail("setsockopt %d to %d: %s", name, val,
			    strerrorname_np(errno));
}

int get_int(int fd, int name)
{
	socklen_t len = sizeof(int);
	int val = -1;

	if (getsockopt(fd, SOL_SOCKET, name, &val, &len))
		report_fail("getsockopt %d: %s", name, strerrorname_np(errno));
	return val;
}

void set_u64(int fd, int name, uint64_t val)
{
	if (setsockopt(fd, AF_VSOCK, name, &val, sizeof(val)))
		report_fail("setsockopt %d to %llu: %s", name,
			    (unsigned long long)val, strerrorname_np(errno));
}

uint64_t get_u64(int fd, int name)
{
	socklen_t len = sizeof(uint64_t);
	uint64_t val = 0;

	if (getsockopt(fd, AF_VSOCK, name, &val, &len))
		report_fail("getsockopt %d: %s", name, strerrorname_np(errno));
	return val;
}

int sock_error(int fd)
{
	return get_int(fd, SO_ERROR);
}

unsigned int sock_port(int fd)
{
	struct sockaddr_vm addr = {};
	socklen_t len = sizeof(addr);

	NEED(getsockname(fd, (struct sockaddr *)&addr, &len));
	return addr.svm_port;
}

unsigned int own_cid(void)
{
	unsigned int cid = 0;
	int fd = NEED(open("/dev/vsock", O_RDONLY));

	NEED(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid));
	close(fd);
	return cid;
}

int bind_any(int fd, unsigned int cid, unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};

	return bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

/* Its port is told by sock_port(). */
int listen_on(int fd, int backlog)
{
	NEED(bind_any(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	NEED(listen(fd, backlog));
	return fd;
}

int listen_new(void)
{
	return listen_on(sock_new(), 64);
}

/*
 * The default is 2 s, for which the whole machine may stand still. One that does not
 * block is kept by the kernel until its time is over, so it keeps that.
 */
static void be_patient(int fd)
{
	struct timeval tv = {};
	socklen_t len = sizeof(tv);

	if (fcntl(fd, F_GETFL) & O_NONBLOCK ||
	    getsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, &len) ||
	    tv.tv_sec != 2)
		return;
	tv.tv_sec = 60;
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv));
}

int connect_cid(int fd, unsigned int cid, unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};

	be_patient(fd);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr));
}

int connect_to(int fd, unsigned int port)
{
	return connect_cid(fd, me.cid, port);
}

/*
 * A connection between the halves. The subject connects; @fd becomes its end,
 * or the helper's listener, so options set before are in force.
 */
int pair_from(int fd)
{
	int conn;

	if (me.subject) {
		NEED(connect_to(fd, hear()));
		meet();
		return fd;
	}
	listen_on(fd, 1);
	tell(sock_port(fd));
	conn = NEED(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	close(fd);
	meet();
	return conn;
}

int pair(void)
{
	return pair_from(sock_new());
}

void nonblock(int fd, bool on)
{
	int flags = NEED(fcntl(fd, F_GETFL));

	NEED(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/* What poll() says within @ms; 0 for nothing */
int wait_for(int fd, int events, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	NEED(poll(&pfd, 1, ms));
	return pfd.revents;
}
