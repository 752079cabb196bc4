// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockmap: a verdict program redirects between a vsock socket and a local one
 * (unix, TCP), and everything arrives, in order. Where this kernel's vsock
 * has no sockmap it must say so and go on as if nothing had been.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/sock_diag.h>

#include "bpf.h"
#include "groups.h"

#define VOLUME	2000000
#define PACKET	65536

/* The peer's half is plain; many of the subject's need no more than these. */
static void source(void)
{
	int fd = pair();

	meet();
	send_pieces(fd, 0, VOLUME, 50000);
	meet();
}

static void sink(void)
{
	int fd = pair();

	drain(fd, 0, VOLUME);
	meet();
	expect_eof(fd);
}

/* 2 connected local sockets: unix or TCP */
static void local_pair(int sv[2], bool tcp)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct ifreq lo = { .ifr_name = "lo" };
	socklen_t len = sizeof(addr);
	int lfd;

	if (!tcp) {
		NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
		return;
	}
	lfd = NEED(socket(AF_INET, SOCK_STREAM, 0));
	/* A guest may have left it down. */
	NEED(ioctl(lfd, SIOCGIFFLAGS, &lo));
	lo.ifr_flags |= IFF_UP;
	NEED(ioctl(lfd, SIOCSIFFLAGS, &lo));
	NEED(bind(lfd, (struct sockaddr *)&addr, len));
	NEED(listen(lfd, 1));
	NEED(getsockname(lfd, (struct sockaddr *)&addr, &len));
	sv[0] = NEED(socket(AF_INET, SOCK_STREAM, 0));
	NEED(connect(sv[0], (struct sockaddr *)&addr, len));
	sv[1] = NEED(accept(lfd, NULL, NULL));
	close(lfd);
}

/*
 * As drain(), for sockets in a map, where recv() must not wait: a unix one may
 * say EAGAIN for no reason, a vsock one waits with its socket locked, and so
 * for ever. Both are the core's.
 */
static void drain_local(int fd, uint64_t total)
{
	uint8_t *buf = big_buf(1 << 16);
	uint64_t off = 0;
	ssize_t n;

	while (off < total) {
		report_say("at %llu", (unsigned long long)off);
		HERE();
		n = recv(fd, buf, 1 << 16, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			TRUE(wait_for(fd, POLLIN, 15000));
			continue;
		}
		if (n <= 0)
			FAIL("recv at %llu: %zd %s", (unsigned long long)off, n,
			     strerrorname_np(errno));
		check(off, buf, n);
		off += n;
	}
}

/* Put the vsock socket into the map; false where there is no such thing */
static bool put(int map, uint32_t key, int fd)
{
	HERE();
	if (!map_put(map, key, fd))
		return true;
	if (errno != EOPNOTSUPP)
		FAIL("sockmap: %s", strerrorname_np(errno));
	return false;
}

/* The same without a map */
static void pass_on(int from, int to)
{
	uint8_t *buf = big_buf(1 << 16);
	uint64_t off = 0;
	ssize_t n;

	for (; off < VOLUME; off += n) {
		n = NEED(recv(from, buf, 1 << 16, 0));
		send_all(to, off, n);
	}
}

/* From the peer through the map to a local socket's other end, or reader */
static void to_local(bool tcp, bool ingress)
{
	int fd = pair(), map = map_new(), sv[2];

	local_pair(sv, tcp);
	NEED(map_put(map, 1, sv[0]));
	verdict_attach(map, verdict_redirect(map, 1, ingress), false);
	if (put(map, 0, fd)) {
		meet();
		drain_local(sv[!ingress], VOLUME);
	} else {
		meet();
		drain(fd, 0, VOLUME);
	}
	meet();
}

static void to_unix(void)
{
	to_local(false, false);
}

static void to_unix_reader(void)
{
	to_local(false, true);
}

static void to_tcp(void)
{
	to_local(true, false);
}

static void to_tcp_reader(void)
{
	to_local(true, true);
}

/* What a local socket receives goes out on the vsock one; it may be blocked. */
static void from_local(bool tcp)
{
	int fd = pair(), map = map_new(), sv[2];

	local_pair(sv, tcp);
	if (put(map, 0, fd)) {
		verdict_attach(map, verdict_redirect(map, 0, false), false);
		NEED(map_put(map, 1, sv[0]));
		me.type = SOCK_STREAM;
		send_pieces(sv[1], 0, VOLUME, 30000);
	} else {
		send_pieces(fd, 0, VOLUME, 30000);
	}
	meet();
	/* It is closed with the map around it. */
	close(sv[1]);
	close(sv[0]);
	close(map);
	close(fd);
}

static void from_unix(void)
{
	from_local(false);
}

static void from_tcp(void)
{
	from_local(true);
}

/* What one vsock socket receives goes out on another, to the same peer. */
static void to_vsock(void)
{
	int from = pair(), to = pair(), map = map_new();

	if (put(map, 1, to)) {
		verdict_attach(map, verdict_redirect(map, 1, false), false);
		put(map, 0, from);
		meet();
	} else {
		meet();
		pass_on(from, to);
	}
	meet();
}

/* Sends on one of the two, and receives on the other. */
static void around(void)
{
	int to = pair(), from = pair(), status;
	pid_t pid;

	meet();
	pid = NEED(fork());
	if (!pid) {
		send_pieces(to, 0, VOLUME, 50000);
		_exit(0);
	}
	drain(from, 0, VOLUME);
	NEED(waitpid(pid, &status, 0));
	EQUAL(status, 0);
	meet();
}

/* SK_PASS: as if there were no program; @prog false: there is none */
static void pass(bool prog)
{
	int fd = pair(), map = map_new();

	if (prog)
		verdict_attach(map, verdict_const(SK_PASS), false);
	put(map, 0, fd);
	meet();
	/* A message's bounds are lost in a psock's queue: the core's. */
	drain_local(fd, VOLUME);
	meet();
}

static void pass_verdict(void)
{
	pass(true);
}

static void pass_plain(void)
{
	pass(false);
}

/* SK_DROP: everything goes, and its room comes back to the writer. */
static void drop_subject(void)
{
	int fd = pair(), map = map_new();

	verdict_attach(map, verdict_const(SK_DROP), false);
	if (put(map, 0, fd)) {
		meet();
		TRUE(wait_for(fd, POLLRDHUP, 20000) & POLLRDHUP);
	} else {
		meet();
		drain(fd, 0, VOLUME);
		expect_eof(fd);
	}
	meet();
}

static void drop_helper(void)
{
	int fd = pair();

	meet();
	send_pieces(fd, 0, VOLUME, 50000);
	NEED(shutdown(fd, SHUT_WR));
	meet();
}

/* Packets that were dropped on their way from a socket's queue to its map */
static uint32_t drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	NEED(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len));
	return info[SK_MEMINFO_DROPS];
}

/*
 * How far behind byte @off of the stream is what can be read next? Less than @max;
 * or @max, which is also the answer where there is nothing.
 */
static uint32_t ahead(int fd, uint64_t off, uint32_t max)
{
	uint8_t is[16], must[16];
	ssize_t n = recv(fd, is, sizeof(is), MSG_PEEK | MSG_DONTWAIT);
	uint32_t by;

	for (by = 0; by < max && off + by < VOLUME; by++) {
		if (n < (ssize_t)sizeof(is) && off + by + n != VOLUME)
			continue;
		fill(off + by, must, n);
		if (!memcmp(is, must, n))
			return by;
	}
	return max;
}

/*
 * Taken out of the map in mid-flow: what was redirected before and what was
 * read after is the whole. A worker of the map may still hold what comes first
 * when its reader finds nothing. And between taking a packet from the queue and
 * giving it to the map's program the core may sleep, to send a credit update: if
 * the program is gone by then, the core drops the packet, and counts that.
 */
static void moved_subject(void)
{
	int fd = pair(), map = map_new(), sv[2], rounds = 0, quiet = 0;
	uint8_t *buf = big_buf(1 << 20);
	uint32_t by, room = 0;
	uint64_t off = 0;
	bool in;
	ssize_t n;

	local_pair(sv, false);
	NEED(map_put(map, 1, sv[0]));
	verdict_attach(map, verdict_redirect(map, 1, true), false);
	in = put(map, 0, fd);
	meet();
	if (!in) {
		drain(fd, 0, VOLUME);
		meet();
		return;
	}
	while (off < VOLUME) {
		report_say("at %llu, round %d, %u dropped", (unsigned long long)off,
			   rounds++, drops(fd));
		/* What the map had comes first. */
		n = recv(sv[0], buf, 1 << 20, MSG_DONTWAIT);
		if (n < 0 && !in && !ahead(fd, off, 1))
			n = recv(fd, buf, 1 << 20, MSG_DONTWAIT);
		if (n > 0) {
			check(off, buf, n);
			off += n;
			quiet = 0;
		} else {
			EQUAL(errno, EAGAIN);
			nap(1);
			quiet++;
		}
		if (in && off > VOLUME / 3) {
			NEED(map_del(map, 0));
			in = false;
		}
		/* No worker takes that long. */
		if (in || quiet < 1000 || room)
			continue;
		room = drops(fd) * PACKET;
		by = ahead(fd, off, room + 1);
		if (by <= room)
			off += by;
	}
	meet();
}

/* Closed while in the map and in flow: the peer learns of it. */
static void closed_subject(void)
{
	int fd = pair(), map = map_new(), sv[2];
	char buf[4096];

	local_pair(sv, false);
	NEED(map_put(map, 1, sv[0]));
	verdict_attach(map, verdict_redirect(map, 1, false), false);
	put(map, 0, fd);
	meet();
	if (wait_for(sv[1], POLLIN, 100))
		NEED(recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT));
	close(fd);
	meet();
}

static void closed_helper(void)
{
	int fd = pair();

	meet();
	HERE();
	while (send(fd, "0123456789abcdef", 16, MSG_NOSIGNAL) == 16)
		;
	TRUE(errno == EPIPE || errno == ECONNRESET);
	meet();
}

/* The peer's close() in a map that redirects: what was sent arrives. */
static void peer_closes_subject(void)
{
	int fd = pair(), map = map_new(), sv[2];

	local_pair(sv, false);
	NEED(map_put(map, 1, sv[0]));
	verdict_attach(map, verdict_redirect(map, 1, false), false);
	if (put(map, 0, fd)) {
		meet();
		drain_local(sv[1], 200000);
		TRUE(wait_for(fd, POLLIN | POLLRDHUP, 10000) & POLLRDHUP);
	} else {
		meet();
		drain(fd, 0, 200000);
		expect_eof(fd);
	}
	meet();
}

static void peer_closes_helper(void)
{
	int fd = pair();

	meet();
	send_pieces(fd, 0, 200000, 30000);
	close(fd);
	meet();
}

/* What a TCP socket sends cannot go to a vsock one: dropped by the core. */
static void sendmsg_subject(void)
{
	int fd = pair(), map = map_new(), sv[2];

	local_pair(sv, true);
	if (put(map, 0, fd)) {
		verdict_attach(map, verdict_msg(map, 0, true), true);
		NEED(map_put(map, 1, sv[0]));
		REFUSED(EACCES, send(sv[0], "hello", 5, MSG_NOSIGNAL));
		NEED(map_del(map, 0));
	}
	send_all(fd, 0, 1000);
	recv_all(fd, 0, 1000);
	meet();
}

static void sendmsg_helper(void)
{
	int fd = pair();

	recv_all(fd, 0, 1000);
	send_all(fd, 0, 1000);
	meet();
}

/* Sockets that are not connected do not go in. */
static void refused(void)
{
	int map = map_new();

	TRUE(map_put(map, 0, sock_new()) < 0);
	TRUE(map_put(map, 0, listen_new()) < 0);
	TRUE(map_del(map, 0) < 0);
}

const struct vsapi_test sockmap_tests[] = {
	{ "refused", BOTH, refused, NULL },
	{ "to-unix", BOTH, to_unix, source },
	{ "to-unix-reader", STREAM, to_unix_reader, source },
	{ "to-tcp", STREAM, to_tcp, source },
	{ "to-tcp-reader", STREAM, to_tcp_reader, source },
	{ "to-vsock", BOTH, to_vsock, around },
	{ "from-unix", BOTH, from_unix, sink },
	{ "from-tcp", STREAM, from_tcp, sink },
	{ "pass", BOTH, pass_verdict, source },
	{ "plain", BOTH, pass_plain, source },
	{ "drop", STREAM, drop_subject, drop_helper },
	{ "moved", STREAM, moved_subject, source },
	{ "closed", BOTH, closed_subject, closed_helper },
	{ "peer-closes", BOTH, peer_closes_subject, peer_closes_helper },
	{ "sendmsg", STREAM, sendmsg_subject, sendmsg_helper },
	{}
};
