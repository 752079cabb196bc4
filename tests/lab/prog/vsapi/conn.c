// SPDX-License-Identifier: GPL-2.0-only
/* connect() and accept(): names, errors, flags, the backlog. */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "groups.h"

/* What one side calls itself, the other calls its peer. */
static void names(void)
{
	struct sockaddr_vm self = {}, peer = {};
	socklen_t len = sizeof(self);
	int fd = pair();
	uint64_t port;

	NEED(getsockname(fd, (struct sockaddr *)&self, &len));
	EQUAL(len, sizeof(self));
	NEED(getpeername(fd, (struct sockaddr *)&peer, &len));
	EQUAL(len, sizeof(peer));
	EQUAL(self.svm_family, AF_VSOCK);
	EQUAL(peer.svm_family, AF_VSOCK);
	EQUAL(peer.svm_cid, me.cid);
	port = swap(self.svm_port);
	EQUAL(peer.svm_port, port);
	EQUAL(get_int(fd, SO_TYPE), me.type);
	EQUAL(get_int(fd, SO_DOMAIN), AF_VSOCK);
	EQUAL(get_int(fd, SO_ACCEPTCONN), 0);
	EQUAL(sock_error(fd), 0);
	meet();
	REFUSED(ENOTCONN, getpeername(sock_new(), (struct sockaddr *)&peer, &len));
}

static void nonblock_subject(void)
{
	int fd = sock_flags(SOCK_NONBLOCK), err;

	HERE();
	err = connect_to(fd, hear()) ? errno : 0;
	TRUE(!err || err == EINPROGRESS);
	TRUE(wait_for(fd, POLLOUT, 10000) & POLLOUT);
	EQUAL(sock_error(fd), 0);
	REFUSED(EISCONN, connect_to(fd, 1));
	nonblock(fd, false);
	send_all(fd, 0, 1000);
	expect_eof(fd);
}

static void nonblock_helper(void)
{
	int lfd = listen_new(), fd;

	tell(sock_port(lfd));
	fd = NEED(accept(lfd, NULL, NULL));
	recv_all(fd, 0, 1000);
}

/* A port without a listener; then the same socket to one that has. */
static void refused_subject(void)
{
	unsigned int dead = hear(), live = hear();
	int fd = sock_new(), nb = sock_flags(SOCK_NONBLOCK), i;

	for (i = 0; i < 20; i++)
		REFUSED(ECONNRESET, connect_to(fd, dead));
	EQUAL(sock_error(fd), 0);
	NEED(connect_to(fd, live));
	send_all(fd, 0, 5000);
	expect_eof(fd);

	REFUSED(EINPROGRESS, connect_to(nb, dead));
	TRUE(wait_for(nb, POLLOUT, 10000) & POLLERR);
	EQUAL(sock_error(nb), ECONNRESET);
	EQUAL(sock_error(nb), 0);
	REFUSED(ENOTCONN, send(nb, "x", 1, MSG_NOSIGNAL));
}

static void refused_helper(void)
{
	int bound = sock_new(), lfd = listen_new(), fd;

	/* Bound, but nobody listens. */
	NEED(bind_any(bound, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	tell(sock_port(bound));
	tell(sock_port(lfd));
	fd = NEED(accept(lfd, NULL, NULL));
	recv_all(fd, 0, 5000);
}

static void misuse_subject(void)
{
	struct ucred cred = {};
	socklen_t cred_len = sizeof(cred);
	int lfd = listen_new(), fd, fresh = sock_new();
	char c;

	REFUSED(EINVAL, connect_to(lfd, 1));
	REFUSED(EINVAL, accept(fresh, NULL, NULL));
	REFUSED(EINVAL, listen(fresh, 1));
	REFUSED(ENOTCONN, recv(fresh, &c, 1, 0));
	REFUSED(ENOTCONN, send(fresh, "x", 1, MSG_NOSIGNAL));
	REFUSED(ENOTCONN, shutdown(fresh, SHUT_WR));
	REFUSED(ENOTCONN, recv(lfd, &c, 1, 0));
	fd = pair_from(fresh);
	REFUSED(EISCONN, connect_to(fd, 1));
	/* Nobody vouches for who is at the other end. */
	NEED(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len));
	EQUAL(cred.pid, 0);
	EQUAL(cred.uid, -1u);
	REFUSED(EINVAL, listen(fd, 1));
	REFUSED(EINVAL, accept(fd, NULL, NULL));
	REFUSED(EINVAL, bind_any(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	REFUSED(EINVAL, shutdown(fd, 7));
	send_all(fd, 0, 100);
	meet();
}

static void misuse_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 100);
	meet();
}

/* A socket whose peer never accepts can be used at once: accept() comes late. */
static void early_subject(void)
{
	int fd = sock_new();

	NEED(connect_to(fd, hear()));
	send_all(fd, 0, 30000);
	meet();
	meet();
	expect_eof(fd);
}

static void early_helper(void)
{
	int lfd = listen_new(), fd;

	tell(sock_port(lfd));
	meet();
	EQUAL(get_int(lfd, SO_ACCEPTCONN), 1);
	TRUE(wait_for(lfd, POLLIN, 10000) == POLLIN);
	fd = NEED(accept(lfd, NULL, NULL));
	recv_all(fd, 0, 30000);
	meet();
}

static void accept_flags_subject(void)
{
	uint64_t port = hear();
	int i;

	meet();
	for (i = 0; i < 3; i++) {
		int fd = sock_new();

		NEED(connect_to(fd, port));
		meet();
	}
}

static void accept_flags_helper(void)
{
	int lfd = listen_new(), fd;
	char c;

	tell(sock_port(lfd));
	nonblock(lfd, true);
	REFUSED(EAGAIN, accept(lfd, NULL, NULL));
	meet();
	UNTIL((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	TRUE(NEED(fcntl(fd, F_GETFL)) & O_NONBLOCK);
	TRUE(NEED(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
	REFUSED(EAGAIN, recv(fd, &c, 1, 0));
	meet();
	/* Not inherited from the listener */
	UNTIL((fd = accept(lfd, NULL, NULL)) >= 0);
	TRUE(!(NEED(fcntl(fd, F_GETFL)) & O_NONBLOCK));
	TRUE(!(NEED(fcntl(fd, F_GETFD)) & FD_CLOEXEC));
	REFUSED(EINVAL, accept4(lfd, NULL, NULL, 0x40));
	meet();
	UNTIL((fd = accept(lfd, NULL, NULL)) >= 0);
	meet();
}

#define CROWD 12

/* More than the backlog takes: some are in, the others refused, none waits. */
static void backlog_subject(void)
{
	int fds[CROWD], in = 0, out = 0, i, fd;
	uint64_t port = hear();

	for (i = 0; i < CROWD; i++) {
		fds[i] = sock_new();
		HERE();
		if (!connect_to(fds[i], port)) {
			in++;
			send_all(fds[i], 0, 10);
		} else if (errno == ECONNRESET) {
			out++;
			close(fds[i]);
			fds[i] = -1;
		} else {
			FAIL("connect: %s", strerrorname_np(errno));
		}
	}
	report_say("%d in, %d out", in, out);
	EQUAL(in, 4);
	tell(in);
	meet();
	/* Room again */
	fd = sock_new();
	NEED(connect_to(fd, port));
	send_all(fd, 0, 10);
	meet();
}

static void backlog_helper(void)
{
	int lfd = listen_on(sock_new(), 3), fd;
	uint64_t in;

	tell(sock_port(lfd));
	for (in = hear(); in; in--) {
		fd = NEED(accept(lfd, NULL, NULL));
		recv_all(fd, 0, 10);
	}
	meet();
	fd = NEED(accept(lfd, NULL, NULL));
	recv_all(fd, 0, 10);
	meet();
}

/* Who waits in a backlog when the listener goes is reset. */
static void listener_gone_subject(void)
{
	int fd = sock_new(), late = sock_new();
	uint64_t port = hear();
	ssize_t n;
	char c;

	NEED(connect_to(fd, port));
	meet();
	meet();
	TRUE(wait_for(fd, POLLIN, 10000) & POLLIN);
	n = recv(fd, &c, 1, 0);
	TRUE(!n || (n < 0 && errno == ECONNRESET));
	REFUSED(ECONNRESET, connect_to(late, port));
}

static void listener_gone_helper(void)
{
	int lfd = listen_new();

	tell(sock_port(lfd));
	meet();
	TRUE(wait_for(lfd, POLLIN, 10000) & POLLIN);
	close(lfd);
	meet();
}

/* To a CID that is nobody's, and to one's own without a loopback */
static void nobody_subject(void)
{
	const unsigned int cids[] = { 0, 77, 0x7fffffff, own_cid() };
	struct timeval tv = { .tv_sec = 1 };
	unsigned int i;

	for (i = 0; i < sizeof(cids) / sizeof(*cids); i++) {
		uint64_t began = now_ms();
		int fd = sock_new();

		NEED(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT,
				&tv, sizeof(tv)));
		HERE();
		if (!connect_cid(fd, cids[i], 4711))
			FAIL("CID %u answers", cids[i]);
		report_say("CID %u: %s", cids[i], strerrorname_np(errno));
		TRUE(errno == ECONNRESET || errno == ETIMEDOUT ||
		     errno == ENODEV || errno == ENETUNREACH ||
		     errno == EHOSTUNREACH);
		TRUE(now_ms() - began < 8000);
		close(fd);
	}
}

#define TURNS 60

/* Ports and sockets are given back: one connection after the other. */
static void turns_subject(void)
{
	uint64_t port = hear();
	int i, fd;

	for (i = 0; i < TURNS; i++) {
		fd = sock_new();
		NEED(connect_to(fd, port));
		send_all(fd, i, 100 + i);
		recv_all(fd, i, 50);
		close(fd);
	}
}

static void turns_helper(void)
{
	int lfd = listen_new(), i, fd;

	tell(sock_port(lfd));
	for (i = 0; i < TURNS; i++) {
		fd = NEED(accept(lfd, NULL, NULL));
		recv_all(fd, i, 100 + i);
		send_all(fd, i, 50);
		expect_eof(fd);
		close(fd);
	}
}

const struct vsapi_test conn_tests[] = {
	{ "names", BOTH, names, names },
	{ "nonblock", BOTH, nonblock_subject, nonblock_helper },
	{ "refused", BOTH, refused_subject, refused_helper },
	{ "misuse", BOTH, misuse_subject, misuse_helper },
	{ "early", STREAM, early_subject, early_helper },
	{ "accept-flags", BOTH, accept_flags_subject, accept_flags_helper },
	{ "backlog", BOTH, backlog_subject, backlog_helper },
	{ "listener-gone", BOTH, listener_gone_subject, listener_gone_helper },
	{ "nobody", STREAM, nobody_subject, NULL },
	{ "turns", BOTH, turns_subject, turns_helper },
	{}
};
