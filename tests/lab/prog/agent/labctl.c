// SPDX-License-Identifier: GPL-2.0-only
/*
 * labctl DIR COMMAND...: run COMMAND in the guest whose agent ports are the
 * sockets DIR/agent0, DIR/agent1, ...; output and exit status are the
 * command's own. A port that nobody else uses is taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

#define PORTS	16

static void fail(const char *what)
{
	fprintf(stderr, "labctl: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int lock_fd = -1;

static int try_port(const char *dir, int i)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char lock[300];
	int sk;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/agent%d", dir, i);
	if (access(addr.sun_path, F_OK))
		return -1;
	snprintf(lock, sizeof(lock), "%s/lock%d", dir, i);
	lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock_fd < 0)
		fail(lock);
	if (flock(lock_fd, LOCK_EX | LOCK_NB)) {
		close(lock_fd);
		return -1;
	}
	sk = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(sk, (struct sockaddr *)&addr, sizeof(addr)))
		fail(addr.sun_path);
	return sk;
}

/* The first free port, from the one with number first on. */
static int take_port(const char *dir, int first)
{
	struct timespec ts = { .tv_nsec = 20000000 };
	int i, sk, tries;

	for (tries = 0; tries < 500; tries++) {
		for (i = 0; i < PORTS; i++) {
			sk = try_port(dir, (first + i) % PORTS);
			if (sk >= 0)
				return sk;
		}
		nanosleep(&ts, NULL);
	}
	errno = EBUSY;
	fail(dir);
	return -1;
}

static void get(int sk, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = read(sk, p, len);
		if (n < 0)
			fail("read");
		if (!n) {
			fprintf(stderr, "labctl: the guest is gone\n");
			exit(125);
		}
	}
}

/* The next frame that answers nonce; 0 if there is none within ms (-1: ever). */
static int get_frame(int sk, uint32_t nonce, struct frame *f, char *buf, int ms)
{
	struct pollfd pfd = { .fd = sk, .events = POLLIN };

	do {
		if (!poll(&pfd, 1, ms))
			return 0;
		get(sk, f, sizeof(*f));
		while (f->magic != FRAME_MAGIC || f->len > FRAME_MAX) {
			memmove(f, (char *)f + 1, sizeof(*f) - 1);
			get(sk, (char *)f + sizeof(*f) - 1, 1);
		}
		get(sk, buf, f->len);
	} while (f->nonce != nonce);
	return 1;
}

static void put(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = write(fd, p, len);
		if (n <= 0)
			fail("write");
	}
}

static void request(int sk, uint32_t nonce, char **argv)
{
	static char buf[FRAME_MAX];
	struct frame f = { FRAME_MAGIC, nonce, FRAME_RUN, 0 };
	size_t len;

	for (; *argv; argv++) {
		len = strlen(*argv) + 1;
		if (f.len + len >= FRAME_MAX) {
			errno = E2BIG;
			fail("request");
		}
		memcpy(buf + f.len, *argv, len);
		f.len += len;
	}
	put(sk, (char *)&f, sizeof(f));
	put(sk, buf, f.len);
}

int main(int argc, char **argv)
{
	static char buf[FRAME_MAX];
	struct timespec ts;
	uint32_t nonce, code;
	struct frame f;
	int sk = -1, tries = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: labctl DIR COMMAND...\n");
		return 2;
	}
	do {
		if (sk >= 0) {
			close(sk);
			close(lock_fd);
		}
		sk = take_port(argv[1], tries++);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		nonce = getpid() * 1000003u ^ ts.tv_nsec;
		request(sk, nonce, argv + 2);
	} while (!get_frame(sk, nonce, &f, buf, 3000));
	while (f.type != FRAME_EXIT) {
		if (f.type != FRAME_ACK)
			put(f.type == FRAME_ERR ? 2 : 1, buf, f.len);
		get_frame(sk, nonce, &f, buf, -1);
	}
	memcpy(&code, buf, sizeof(code));
	return code;
}
