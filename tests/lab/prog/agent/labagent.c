// SPDX-License-Identifier: GPL-2.0-only
/*
 * labagent: the guest's end of the lab's command channel, and its init. One
 * process per virtio serial port runs one command at a time. A port that is
 * hung up by the host, or a new request, kills the command.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

static int port;
static sigset_t sigio;

/* Sleep until the driver signals data, connect or disconnect. */
static void wait_port_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };

	sigtimedwait(&sigio, NULL, &ts);
}

static void wait_port(void)
{
	wait_port_ms(2000);
}

static int hung_up(void)
{
	struct pollfd pfd = { .fd = port };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP);
}

/*
 * Is nobody there, and has not come for so long? The words that one host has hung up
 * and that the next has connected come by a queue of their own: that one's request
 * can be here before them.
 */
static int gone_for(int ms)
{
	for (; hung_up(); ms -= 50) {
		if (ms <= 0)
			return 1;
		wait_port_ms(50);
	}
	return 0;
}

/* Read exactly len bytes; -1 if the host hangs up. */
static int get(void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	while (len) {
		n = read(port, p, len);
		if (n > 0) {
			p += n;
			len -= n;
			continue;
		}
		if (hung_up())
			return -1;
		wait_port();
	}
	return 0;
}

static int put(const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len) {
		n = write(port, p, len);
		if (n > 0) {
			p += n;
			len -= n;
			continue;
		}
		if (gone_for(200))
			return -1;
		wait_port();
	}
	return 0;
}

static int answer(uint32_t nonce, uint32_t type, const void *buf, size_t len)
{
	char out[sizeof(struct frame) + 4096];
	struct frame f = { FRAME_MAGIC, nonce, type, len };

	memcpy(out, &f, sizeof(f));
	memcpy(out + sizeof(f), buf, len);
	return put(out, sizeof(f) + len);
}

/* Find the next request, wherever the last host left off. */
static int get_request(uint32_t *nonce, char *args)
{
	struct frame f;

	if (get(&f, sizeof(f)))
		return -1;
	while (f.magic != FRAME_MAGIC || f.type != FRAME_RUN ||
	       f.len >= FRAME_MAX) {
		memmove(&f, (char *)&f + 1, sizeof(f) - 1);
		if (get((char *)&f + sizeof(f) - 1, 1))
			return -1;
	}
	*nonce = f.nonce;
	args[f.len] = 0;
	return get(args, f.len) ? -1 : (int)f.len;
}

static void child(char *args, int len, int out, int err)
{
	char *argv[256];
	int argc = 0, i = 0;
	sigset_t none;

	while (i < len && argc < 255) {
		argv[argc++] = args + i;
		i += strlen(args + i) + 1;
	}
	argv[argc] = NULL;
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(err, 2);
	execvp(argv[0], argv);
	fprintf(stderr, "labagent: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Pass output on until both pipes are closed; -1 if the command must die. */
static int relay(uint32_t nonce, int out, int err)
{
	struct pollfd pfd[3] = {
		{ .fd = out, .events = POLLIN },
		{ .fd = err, .events = POLLIN },
		{ .fd = port, .events = POLLIN },
	};
	char buf[4096];
	ssize_t n;
	int i;

	while (pfd[0].fd >= 0 || pfd[1].fd >= 0) {
		if (poll(pfd, 3, -1) < 0)
			continue;
		if (pfd[2].revents & POLLIN || (pfd[2].revents && gone_for(200)))
			return -1;
		for (i = 0; i < 2; i++) {
			if (!pfd[i].revents)
				continue;
			n = read(pfd[i].fd, buf, sizeof(buf));
			if (n <= 0)
				pfd[i].fd = -1;
			else if (answer(nonce, i ? FRAME_ERR : FRAME_OUT,
					buf, n))
				return -1;
		}
	}
	return 0;
}

static void run(uint32_t nonce, char *args, int len)
{
	int out[2], err[2], status = 0;
	uint32_t code;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return;
	pid = fork();
	if (!pid)
		child(args, len, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (relay(nonce, out[0], err[0]))
		kill(-pid, SIGKILL);
	close(out[0]);
	close(err[0]);
	waitpid(pid, &status, 0);
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
	if (!hung_up())
		answer(nonce, FRAME_EXIT, &code, sizeof(code));
}

/*
 * Take a request, or leave it to be sent again: one that was given up can still be
 * here, before the one that was sent instead.
 */
static int take(uint32_t nonce)
{
	struct pollfd pfd = { .fd = port, .events = POLLIN };

	if (gone_for(1000))
		return 0;
	if (poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN))
		return 0;
	return !answer(nonce, FRAME_ACK, "", 0);
}

static void serve(const char *dev)
{
	static char args[FRAME_MAX];
	uint32_t nonce;
	int len;

	port = open(dev, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (port < 0) {
		perror(dev);
		_exit(1);
	}
	fcntl(port, F_SETOWN, getpid());
	fcntl(port, F_SETFL, O_NONBLOCK | O_ASYNC);
	for (;;) {
		len = get_request(&nonce, args);
		if (len > 0 && take(nonce))
			run(nonce, args, len);
		else if (hung_up())
			wait_port();
	}
}

int main(void)
{
	char dev[300];
	struct dirent *d;
	DIR *dir;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	sigprocmask(SIG_BLOCK, &sigio, NULL);
	dir = opendir("/sys/class/virtio-ports");
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(dev, sizeof(dev), "/dev/%s", d->d_name);
		if (!fork())
			serve(dev);
	}
	for (;;)
		if (wait(NULL) < 0)
			pause();
}
