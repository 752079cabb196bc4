// SPDX-License-Identifier: GPL-2.0-only
/* bind(): ports, CIDs, privileges; and which sockets there are at all. */
#include <unistd.h>

#include "groups.h"

static void ports(void)
{
	int a = sock_new(), b = sock_new(), c = sock_new();
	unsigned int port;

	NEED(bind_any(a, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	port = sock_port(a);
	TRUE(port > 1023 && port != VMADDR_PORT_ANY);
	REFUSED(EINVAL, bind_any(a, VMADDR_CID_ANY, port));
	REFUSED(EADDRINUSE, bind_any(b, VMADDR_CID_ANY, port));
	NEED(bind_any(b, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	TRUE(sock_port(b) != port);
	close(a);
	NEED(bind_any(c, VMADDR_CID_ANY, port));
	EQUAL(sock_port(c), port);
}

static void cids(void)
{
	int fd = sock_new();

	REFUSED(EADDRNOTAVAIL, bind_any(fd, 4242, VMADDR_PORT_ANY));
	NEED(bind_any(fd, own_cid(), VMADDR_PORT_ANY));
	fd = sock_new();
	REFUSED(EINVAL, bind(fd, (struct sockaddr *)&fd, sizeof(fd)));
}

static void privilege(void)
{
	int root = sock_new(), user = sock_new();

	NEED(bind_any(root, VMADDR_CID_ANY, 1000));
	close(root);
	NEED(setuid(65534));
	REFUSED(EACCES, bind_any(user, VMADDR_CID_ANY, 1000));
	NEED(bind_any(user, VMADDR_CID_ANY, VMADDR_PORT_ANY));
}

/* A listener of one's own CID takes connections as one of any. */
static void own_subject(void)
{
	int fd = sock_new();

	/* From a port of its own choice as well */
	NEED(bind_any(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	NEED(connect_to(fd, hear()));
	send_all(fd, 0, 3000);
	EQUAL(sock_port(fd), hear());
	expect_eof(fd);
}

static void own_helper(void)
{
	struct sockaddr_vm peer = {};
	socklen_t len = sizeof(peer);
	int lfd = sock_new(), fd;

	NEED(bind_any(lfd, own_cid(), VMADDR_PORT_ANY));
	NEED(listen(lfd, 2));
	tell(sock_port(lfd));
	fd = NEED(accept(lfd, (struct sockaddr *)&peer, &len));
	EQUAL(peer.svm_cid, me.cid);
	recv_all(fd, 0, 3000);
	tell(peer.svm_port);
}

/* No transport has datagrams: refused, and in the same way as vhost's. */
static void kinds(void)
{
	REFUSED(ENODEV, socket(AF_VSOCK, SOCK_DGRAM, 0));
	REFUSED(ESOCKTNOSUPPORT, socket(AF_VSOCK, SOCK_RAW, 0));
	REFUSED(EPROTONOSUPPORT, socket(AF_VSOCK, me.type, 6));
	NEED(socket(AF_VSOCK, me.type, PF_VSOCK));
}

const struct vsapi_test bind_tests[] = {
	{ "ports", BOTH, ports, NULL },
	{ "cids", BOTH, cids, NULL },
	{ "privilege", STREAM, privilege, NULL },
	{ "own-cid", BOTH, own_subject, own_helper },
	{ "kinds", BOTH, kinds, NULL },
	{}
};
