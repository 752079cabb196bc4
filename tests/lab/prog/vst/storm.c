// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm, storm-server: n= connections at once, one after the other, until
 * count= messages were sent or received here, or SIGTERM came. Both ends send and receive at
 * the same time; how a connection ends is by its plan. A connection on which
 * nothing moves for within= ms is a hang. With chaos=1 links may end meanwhile:
 * then connections may break, but what arrived is right, and a broken one never
 * looks like one that was closed.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "storm.h"
#include "vst.h"

#define CONNS 1024

struct storm_count storm_count;

static struct storm_conn conns[CONNS];
static atomic_bool quit, stop;
static atomic_uint working;

static void start(void *(*run)(void *arg), void *arg, pthread_t *thread)
{
	pthread_attr_t attr;
	pthread_t ignored;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	if (!thread)
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(thread ?: &ignored, &attr, run, arg);
	if (errno)
		die_errno("pthread_create");
	pthread_attr_destroy(&attr);
}

static struct storm_conn *conn_get(int type, bool server)
{
	unsigned int i;

	for (i = 0; i < CONNS; i++) {
		struct storm_conn *c = &conns[i];

		if (atomic_exchange(&c->taken, true))
			continue;
		c->fd = -1;
		c->type = type;
		c->server = server;
		memset(&c->plan, 0, sizeof(c->plan));
		c->ending = false;
		c->sent = 0;
		c->rcvd = 0;
		storm_moved(c, "start");
		c->used = true;
		return c;
	}
	die("more than %d connections at once", CONNS);
}

static void conn_put(struct storm_conn *c)
{
	storm_moved(c, "close");
	if (c->fd >= 0)
		close(c->fd);
	c->used = false;
	c->taken = false;
}

/* Who hangs? Ends the program where somebody does. */
static unsigned int watch(void)
{
	uint64_t now = now_us() / 1000;
	unsigned int i, live = 0;
	bool hang = false;

	for (i = 0; i < CONNS; i++) {
		live += conns[i].used;
		hang |= conns[i].used && now > conns[i].moved + opt.within;
	}
	if (!hang)
		return live;
	for (i = 0; i < CONNS; i++) {
		struct storm_conn *c = &conns[i];

		if (c->used)
			say("%s %s, plan %u, seed %llx: %s, %u sent, %u received, nothing moved for %llu ms",
			    c->server ? "server" : "client",
			    c->type == SOCK_STREAM ? "stream" : "seq", c->plan.end,
			    (unsigned long long)c->plan.seed, c->doing, c->sent,
			    c->rcvd, (unsigned long long)(now - c->moved));
	}
	die("HANG: nothing moved on a connection for %u ms", opt.within);
}

/* Does this end break the connection off? */
static bool breaks(const struct storm_conn *c)
{
	if (c->server)
		return c->plan.end == END_SERVER;
	return c->plan.end != END_FULL && c->plan.end != END_SERVER;
}

static uint64_t seed_of(const struct storm_conn *c, bool from_server)
{
	return 2 * c->plan.seed + from_server;
}

static void *sender(void *arg)
{
	struct storm_conn *c = arg;
	uint32_t count = c->server ? c->plan.to_client : c->plan.to_server;

	if (breaks(c) && count > c->plan.end_at)
		count = c->plan.end_at;
	if (!storm_send(c, seed_of(c, c->server), count))
		return NULL;
	if (c->plan.end == END_SHUT && !c->server) {
		c->ending = true;
		shutdown(c->fd, SHUT_RDWR);
	} else if (c->plan.end == END_FULL && shutdown(c->fd, SHUT_WR)) {
		storm_error(c, "shutdown", errno);
	}
	return NULL;
}

/* Both directions, to the end that the plan says */
static void converse(struct storm_conn *c)
{
	uint32_t count = c->server ? c->plan.to_server : c->plan.to_client;
	struct linger linger = { .l_onoff = 1 };
	pthread_t thread;
	bool full;

	if (breaks(c) && c->plan.end != END_SHUT) {
		sender(c);
		c->ending = true;
		/* Something shall be there unread. */
		storm_moved(c, "wait for data");
		storm_wait(c, POLLIN);
		if (c->plan.end == END_LINGER)
			setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		storm_count.broken++;
		return;
	}
	start(sender, c, &thread);
	full = storm_recv(c, seed_of(c, !c->server), count);
	/* Nobody reads what the other thread may still be sending. */
	if (!full || c->plan.end != END_FULL)
		shutdown(c->fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	if (full && c->plan.end == END_FULL)
		storm_count.full++;
	else
		storm_count.broken++;
}

static struct storm_plan make_plan(uint64_t seed)
{
	uint64_t h = mix(seed), dice = opt.full ? END_NR : h % 10;

	return (struct storm_plan) {
		.magic = STORM_MAGIC,
		.end = dice < END_NR ? dice : END_FULL,
		.seed = h,
		/* Who breaks off waits for data. */
		.to_server = (h >> 8) % 8 || dice < END_NR ? (h >> 12) % 700 + 1 : 0,
		.to_client = (h >> 11) % 8 || dice < END_NR ? (h >> 22) % 700 + 1 : 0,
		.end_at = (h >> 32) % 100,
		.nonblock = (h >> 40) % 4 == 0,
	};
}

static int connect_to(int type)
{
	struct timeval tv = { .tv_sec = opt.chaos ? 3 : opt.within / 1000 };
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = opt.cid,
		.svm_port = opt.port + (type == SOCK_SEQPACKET),
	};
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die_errno("socket");
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	if (!opt.chaos)
		die_errno("connect");
	close(fd);
	storm_count.retries++;
	sleep_ms(20);
	return -1;
}

static void client_once(uint64_t seed)
{
	int type = seed & 1 ? SOCK_SEQPACKET : SOCK_STREAM;
	struct storm_conn *c = conn_get(type, false);

	storm_moved(c, "connect");
	c->fd = connect_to(type);
	if (c->fd >= 0) {
		c->plan = make_plan(seed);
		storm_count.conns++;
		storm_moved(c, "plan");
		if (send(c->fd, &c->plan, sizeof(c->plan), MSG_NOSIGNAL) < 0) {
			storm_error(c, "plan", errno);
		} else {
			storm_count.out += sizeof(c->plan);
			if (c->plan.nonblock)
				set_nonblock(c->fd);
			converse(c);
		}
	}
	conn_put(c);
}

static void *client(void *arg)
{
	uint64_t seed = mix(opt.seed) + ((uint64_t)(uintptr_t)arg << 32);

	while (!stop && storm_count.sent + storm_count.rcvd < opt.count)
		client_once(seed++);
	working--;
	return NULL;
}

static void terminate(int sig)
{
	(void)sig;
	stop = true;
}

/* Tell the server that this was all. */
static void say_quit(void)
{
	struct storm_plan plan = { .magic = STORM_MAGIC, .end = END_QUIT };
	char c;
	int fd;

	do {
		fd = connect_to(SOCK_STREAM);
		if (fd < 0)
			continue;
		if (send(fd, &plan, sizeof(plan), MSG_NOSIGNAL) < 0 ||
		    recv(fd, &c, 1, 0) != 1) {
			if (!opt.chaos)
				die_errno("quit");
			close(fd);
			fd = -1;
			sleep_ms(20);
		}
	} while (fd < 0);
	storm_count.out += sizeof(plan);
	storm_count.in++;
	close(fd);
}

static void summary(void)
{
	say("storm %s: %llu messages sent, %llu received (%llu bytes); connections: %llu, %llu complete, %llu broken off, %llu connects in vain; %llu bytes out, %llu in",
	    opt.server ? "server" : "client", (unsigned long long)storm_count.sent,
	    (unsigned long long)storm_count.rcvd, (unsigned long long)storm_count.bytes,
	    (unsigned long long)storm_count.conns, (unsigned long long)storm_count.full,
	    (unsigned long long)storm_count.broken,
	    (unsigned long long)storm_count.retries,
	    (unsigned long long)storm_count.out, (unsigned long long)storm_count.in);
}

void cmd_storm(void)
{
	uintptr_t i;

	storm_io_init();
	signal(SIGTERM, terminate);
	working = opt.n;
	for (i = 0; i < opt.n; i++)
		start(client, (void *)i, NULL);
	while (working) {
		sleep_ms(100);
		watch();
	}
	say_quit();
	summary();
}

/* Return: is it a plan? */
static bool get_plan(struct storm_conn *c)
{
	ssize_t n;

	storm_moved(c, "plan");
	n = recv(c->fd, &c->plan, sizeof(c->plan), MSG_WAITALL);
	if (n > 0)
		storm_count.in += n;
	if (n == sizeof(c->plan) && c->plan.magic == STORM_MAGIC)
		return true;
	/* A connect() that was given up: its time was over, or a signal came. */
	if (!n && opt.chaos)
		return false;
	if (n >= 0)
		die("%zd bytes instead of a plan", n);
	c->plan.end = END_FULL;
	storm_error(c, "plan", errno);
	return false;
}

static void *serve(void *arg)
{
	struct storm_conn *c = arg;

	storm_count.conns++;
	if (get_plan(c)) {
		if (c->plan.end == END_QUIT) {
			if (send(c->fd, "", 1, MSG_NOSIGNAL) == 1) {
				storm_count.out++;
				quit = true;
			}
		} else {
			if (c->plan.nonblock)
				set_nonblock(c->fd);
			converse(c);
		}
	}
	conn_put(c);
	return NULL;
}

static void *acceptor(void *arg)
{
	int type = (int)(intptr_t)arg;
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = opt.port + (type == SOCK_SEQPACKET),
	};
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 512))
		die_errno("listen");
	if (++working == 2)
		say("READY");
	for (;;) {
		struct storm_conn *c;
		int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		/* One that was reset before we took it */
		if (conn < 0 && opt.chaos)
			continue;
		if (conn < 0)
			die_errno("accept");
		c = conn_get(type, true);
		c->fd = conn;
		start(serve, c, NULL);
	}
	return NULL;
}

void cmd_storm_server(void)
{
	opt.server = true;
	storm_io_init();
	start(acceptor, (void *)(intptr_t)SOCK_STREAM, NULL);
	start(acceptor, (void *)(intptr_t)SOCK_SEQPACKET, NULL);
	while (watch() || !quit)
		sleep_ms(100);
	summary();
}
