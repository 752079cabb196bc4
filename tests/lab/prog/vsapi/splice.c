// SPDX-License-Identifier: GPL-2.0-only
/* sendfile(), splice(), vmsplice() and tee(): files and pipes to sockets. */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"

#define VOLUME 1500000

/* A file in memory with @len bytes of content from 0 on */
static int content_file(size_t len)
{
	int fd = NEED(memfd_create("vsapi", MFD_CLOEXEC));
	uint8_t *buf = big_buf(len);

	fill(0, buf, len);
	EQUAL(NEED(write(fd, buf, len)), len);
	NEED(lseek(fd, 0, SEEK_SET));
	return fd;
}

/* In pieces of any size, from any offset, with and without an offset given */
static void sendfile_subject(void)
{
	int fd = pair(), file = content_file(VOLUME);
	uint64_t state = 5;
	off_t off = 0;
	ssize_t n;

	while (off < VOLUME / 2)
		TRUE(NEED(sendfile(fd, file, &off, rnd(&state, 1, 200000))) > 0);
	EQUAL(lseek(file, 0, SEEK_CUR), 0);
	NEED(lseek(file, off, SEEK_SET));
	while ((n = NEED(sendfile(fd, file, NULL, rnd(&state, 1, 9000)))) > 0)
		off += n;
	EQUAL(off, VOLUME);
	/* The content is what it was when it was sent. */
	meet();
	close(fd);
}

static void out_helper(void)
{
	int fd = pair();

	drain(fd, 0, VOLUME);
	meet();
	expect_eof(fd);
}

/* Through a pipe that a child fills, in writes of any size */
static void pipe_out_subject(void)
{
	int fd = pair(), p[2];
	uint64_t state = 6, off = 0;
	ssize_t n;
	pid_t pid;

	NEED(pipe(p));
	pid = NEED(fork());
	if (!pid) {
		uint8_t *buf = big_buf(70000);

		while (off < VOLUME) {
			size_t len = rnd(&state, 1, 70000);

			if (len > VOLUME - off)
				len = VOLUME - off;
			fill(off, buf, len);
			EQUAL(NEED(write(p[1], buf, len)), len);
			off += len;
		}
		_exit(0);
	}
	close(p[1]);
	while ((n = NEED(splice(p[0], NULL, fd, NULL, 100000, SPLICE_F_MORE))) > 0)
		off += n;
	EQUAL(off, VOLUME);
	NEED(waitpid(pid, NULL, 0));
	meet();
	close(fd);
}

/* Pages of one's own, given to a pipe and from there to the socket */
static void vmsplice_subject(void)
{
	uint8_t *buf = big_buf((VOLUME + 4095) / 4096 * 4096);
	struct iovec iov;
	int fd = pair(), p[2];
	size_t off = 0;
	ssize_t n, m;

	fill(0, buf, VOLUME);
	NEED(pipe(p));
	while (off < VOLUME) {
		size_t len = VOLUME - off < 16384 ? VOLUME - off : 16384;

		iov = (struct iovec){ buf + off, len };
		n = NEED(vmsplice(p[1], &iov, 1, 0));
		off += n;
		for (; n > 0; n -= m)
			m = NEED(splice(p[0], NULL, fd, NULL, n, 0));
	}
	meet();
	close(fd);
}

/* From the socket into a pipe, until the end of the file */
static void pipe_in_subject(void)
{
	uint8_t *buf = big_buf(70000);
	int fd = pair(), p[2];
	uint64_t off = 0;
	ssize_t n, m;

	NEED(pipe(p));
	meet();
	HERE();
	nonblock(fd, true);
	n = splice(fd, NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK);
	TRUE(n == -1 && errno == EAGAIN);
	nonblock(fd, false);
	meet();
	while ((n = NEED(splice(fd, NULL, p[1], NULL, 65536, SPLICE_F_MOVE))) > 0) {
		for (; n > 0; n -= m, off += m) {
			m = NEED(read(p[0], buf, n < 70000 ? n : 70000));
			check(off, buf, m);
		}
	}
	EQUAL(off, VOLUME);
}

static void pipe_in_helper(void)
{
	int fd = pair();

	meet();
	meet();
	send_pieces(fd, 0, VOLUME, 60000);
	close(fd);
}

/* A proxy between two connections; a copy of it by tee() */
static void proxy_subject(void)
{
	int in = pair(), out = pair(), p[2], q[2];
	uint8_t buf[65536];
	uint64_t off = 0;
	ssize_t n, m;

	NEED(pipe(p));
	NEED(pipe(q));
	while ((n = NEED(splice(in, NULL, p[1], NULL, 65536, 0))) > 0) {
		m = NEED(tee(p[0], q[1], n, 0));
		EQUAL(m, n);
		for (; n > 0; n -= m)
			m = NEED(splice(p[0], NULL, out, NULL, n, 0));
		while (wait_for(q[0], POLLIN, 0)) {
			m = NEED(read(q[0], buf, sizeof(buf)));
			check(off, buf, m);
			off += m;
		}
	}
	EQUAL(off, VOLUME);
	close(out);
	meet();
}

static void proxy_helper(void)
{
	int out = pair(), in = pair();
	pid_t pid = NEED(fork());

	if (!pid) {
		send_pieces(out, 0, VOLUME, 50000);
		_exit(0);
	}
	close(out);
	drain(in, 0, VOLUME);
	expect_eof(in);
	NEED(waitpid(pid, NULL, 0));
	meet();
}

/* Full, and gone: nothing of the pipe is taken that was not sent. */
static void stuck_subject(void)
{
	int fd = pair(), p[2];
	uint64_t off = fill_up(fd, 4096);
	uint8_t buf[8192];
	ssize_t n;

	NEED(pipe(p));
	fill(off, buf, sizeof(buf));
	EQUAL(NEED(write(p[1], buf, sizeof(buf))), sizeof(buf));
	nonblock(fd, true);
	REFUSED(EAGAIN, splice(p[0], NULL, fd, NULL, 8192, SPLICE_F_NONBLOCK));
	nonblock(fd, false);
	tell(off);
	for (n = 8192; n > 0;)
		n -= NEED(splice(p[0], NULL, fd, NULL, n, 0));
	meet();
	/* The peer has closed. */
	TRUE(wait_for(fd, POLLRDHUP, 10000));
	EQUAL(NEED(write(p[1], "x", 1)), 1);
	REFUSED(EPIPE, splice(p[0], NULL, fd, NULL, 1, 0));
	EQUAL(NEED(splice(fd, NULL, p[1], NULL, 1, 0)), 0);
}

static void stuck_helper(void)
{
	int fd = pair();
	uint64_t off = hear();

	drain(fd, 0, off);
	drain(fd, off, 8192);
	close(fd);
	meet();
}

const struct vsapi_test splice_tests[] = {
	{ "sendfile", BOTH, sendfile_subject, out_helper },
	{ "pipe-out", BOTH, pipe_out_subject, out_helper },
	{ "vmsplice", STREAM, vmsplice_subject, out_helper },
	{ "pipe-in", STREAM, pipe_in_subject, pipe_in_helper },
	{ "proxy", STREAM, proxy_subject, proxy_helper },
	{ "stuck", STREAM, stuck_subject, stuck_helper },
	{}
};
