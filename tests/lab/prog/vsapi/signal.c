// SPDX-License-Identifier: GPL-2.0-only
/* Signals in the middle of a call, and processes killed in one. */
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"

static volatile sig_atomic_t hits;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
}

/* SIGUSR1 interrupts; @restart: the call goes on by itself. */
static void handle(int sig, int restart)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = restart };

	NEED(sigaction(sig, &sa, NULL));
}

/* A child that signals us, once we sleep for sure */
static pid_t signal_later(unsigned int ms)
{
	pid_t parent = getpid(), pid = NEED(fork());

	if (!pid) {
		nap(ms);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	return pid;
}

static void recv_subject(void)
{
	int fd = pair();
	pid_t pid;
	char c;

	handle(SIGUSR1, 0);
	pid = signal_later(100);
	REFUSED(EINTR, recv(fd, &c, 1, 0));
	EQUAL(hits, 1);
	waitpid(pid, NULL, 0);

	handle(SIGUSR1, SA_RESTART);
	pid = signal_later(100);
	tell(1);
	recv_all(fd, 0, 100);
	waitpid(pid, NULL, 0);
	EQUAL(hits, 2);
	meet();
}

static void recv_helper(void)
{
	int fd = pair();

	hear();
	nap(300);
	send_all(fd, 0, 100);
	meet();
}

/* A writer that is blocked: as much as was told was sent. */
static void send_subject(void)
{
	size_t len = me.type == SOCK_STREAM ? 1000000 : 4096;
	uint8_t *buf = big_buf(len);
	uint64_t off = 0;
	int fd = pair(), n_sig = 0;
	ssize_t n;
	pid_t pid;

	handle(SIGUSR1, 0);
	pid = signal_later(400);
	while (!n_sig) {
		fill(off, buf, len);
		n = send(fd, buf, len, MSG_NOSIGNAL);
		if (n > 0) {
			off += n;
			n_sig = (size_t)n < len;
			continue;
		}
		EQUAL(n, -1);
		EQUAL(errno, EINTR);
		n_sig = 1;
	}
	waitpid(pid, NULL, 0);
	EQUAL(hits, 1);
	tell(off);
	send_all(fd, off, 4096);
	meet();
}

static void send_helper(void)
{
	int fd = pair();
	uint64_t off = hear();

	drain(fd, 0, off);
	recv_all(fd, off, 4096);
	meet();
}

#define STORM (1 << 20)

/* Timers every few ms on both sides, all the while */
static void storm(void)
{
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	struct itimerval off = {};
	size_t piece = me.type == SOCK_STREAM ? 50000 : 4096;
	uint8_t *buf = big_buf(piece);
	uint64_t done = 0;
	int fd = pair();
	ssize_t n;

	handle(SIGVTALRM, 0);
	handle(SIGPROF, 0);
	handle(SIGUSR2, 0);
	NEED(setitimer(ITIMER_VIRTUAL, &often, NULL));
	NEED(setitimer(ITIMER_PROF, &often, NULL));
	while (done < STORM) {
		size_t len = STORM - done < piece ? STORM - done : piece;

		if (me.subject)
			fill(done, buf, len);
		n = me.subject ? send(fd, buf, len, MSG_NOSIGNAL) :
				 recv(fd, buf, len, 0);
		if (n < 0) {
			EQUAL(errno, EINTR);
			continue;
		}
		TRUE(n > 0);
		if (!me.subject)
			check(done, buf, n);
		done += n;
	}
	NEED(setitimer(ITIMER_VIRTUAL, &off, NULL));
	NEED(setitimer(ITIMER_PROF, &off, NULL));
	meet();
}

/* Killed in recv(), in send(), in accept(): the peer learns of it. */
static void killed_subject(void)
{
	int fd = pair(), i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		uint8_t *buf = big_buf(1 << 20);

		if (i)
			fd = pair();
		pid = NEED(fork());
		if (!pid) {
			char c;

			if (i)
				while (send(fd, buf, 1 << 20, MSG_NOSIGNAL) > 0)
					;
			else
				recv(fd, &c, 1, 0);
			_exit(0);
		}
		close(fd);
		nap(150);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		meet();
	}
}

static void killed_helper(void)
{
	char buf[65536];
	int fd, i;

	for (i = 0; i < 2; i++) {
		fd = pair();
		meet();
		HERE();
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
		TRUE(wait_for(fd, POLLIN, 0) & POLLIN);
		close(fd);
	}
}

const struct vsapi_test signal_tests[] = {
	{ "recv", BOTH, recv_subject, recv_helper },
	{ "send", BOTH, send_subject, send_helper },
	{ "storm", BOTH, storm, storm },
	{ "killed", BOTH, killed_subject, killed_helper },
	{}
};
