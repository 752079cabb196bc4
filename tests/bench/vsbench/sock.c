// SPDX-License-Identifier: GPL-2.0-only
/* Addresses: vsock:CID:PORT, tcp:IPV4:PORT, unix:NAME:NUMBER (abstract). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "vsbench.h"

#define ANY_PORT	0xffffffffu

union any_addr {
	struct sockaddr sa;
	struct sockaddr_vm vm;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

void parse_addr(const char *s, struct addr *a)
{
	char kind[8] = "";
	int n;

	memset(a, 0, sizeof(*a));
	n = sscanf(s, "%7[a-z]:%63[^:]:%u", kind, a->host, &a->port);
	if (n == 3 && !strcmp(kind, "vsock"))
		a->family = AF_VSOCK;
	else if (n == 3 && !strcmp(kind, "tcp"))
		a->family = AF_INET;
	else if (n == 3 && !strcmp(kind, "unix"))
		a->family = AF_UNIX;
	else
		fail_with(s, EINVAL);
}

/* a->port 0: the given host, but any port; an own name for AF_UNIX. */
static socklen_t fill(const struct addr *a, bool local, union any_addr *out)
{
	unsigned int own = a->port ? a->port : (unsigned int)getpid();

	memset(out, 0, sizeof(*out));
	out->sa.sa_family = a->family;
	switch (a->family) {
	case AF_VSOCK:
		out->vm.svm_cid = local ? VMADDR_CID_ANY : strtoul(a->host, NULL, 0);
		out->vm.svm_port = a->port ? a->port : ANY_PORT;
		return sizeof(out->vm);
	case AF_INET:
		out->in.sin_port = htons(a->port);
		if (!local && inet_pton(AF_INET, a->host, &out->in.sin_addr) != 1)
			fail_with(a->host, EINVAL);
		return sizeof(out->in);
	default:
		return offsetof(struct sockaddr_un, sun_path) + 1 +
		       snprintf(out->un.sun_path + 1,
				sizeof(out->un.sun_path) - 1, "%s.%u",
				a->host, own);
	}
}

static void set_buffer(const struct addr *a, int fd, unsigned int size)
{
	uint64_t size64 = size;
	int one = size;

	if (!size)
		return;
	if (a->family == AF_VSOCK) {
		if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE,
			       &size64, sizeof(size64)) ||
		    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE,
			       &size64, sizeof(size64)))
			fail("SO_VM_SOCKETS_BUFFER_SIZE");
		return;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &one, sizeof(one)))
		fail("SO_SNDBUFFORCE");
}

static int new_socket(const struct addr *a, int type, unsigned int sockbuf)
{
	int fd = socket(a->family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	set_buffer(a, fd, sockbuf);
	return fd;
}

/* Listen; says which port in *port if that is not NULL. */
int bench_listen(const struct addr *a, int type, unsigned int sockbuf,
		 struct answer *port)
{
	int fd = new_socket(a, type, sockbuf), one = 1;
	union any_addr addr;
	socklen_t len = fill(a, true, &addr);

	if (a->family == AF_INET)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &addr.sa, len))
		fail("bind");
	if (listen(fd, MAX_CONNS))
		fail("listen");
	len = sizeof(addr);
	if (!port)
		return fd;
	if (getsockname(fd, &addr.sa, &len))
		fail("getsockname");
	if (a->family == AF_VSOCK)
		port->port = addr.vm.svm_port;
	else if (a->family == AF_INET)
		port->port = ntohs(addr.in.sin_port);
	else
		port->port = getpid();
	return fd;
}

/* A backlog that is full for a moment is no failure. */
int bench_connect(const struct addr *a, int type, unsigned int sockbuf)
{
	union any_addr addr;
	socklen_t len = fill(a, false, &addr);
	int fd, tries;

	for (tries = 0; ; tries++) {
		fd = new_socket(a, type, sockbuf);
		if (!connect(fd, &addr.sa, len))
			return fd;
		if (tries == 200 ||
		    (errno != EAGAIN && errno != ECONNREFUSED &&
		     errno != ECONNRESET))
			fail("connect");
		close(fd);
		usleep(5000);
	}
}

/* For requests and answers, as every such program sets it. */
void no_delay(const struct addr *a, int fd)
{
	int one = 1;

	if (a->family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}
