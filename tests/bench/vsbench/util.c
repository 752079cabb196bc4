// SPDX-License-Identifier: GPL-2.0-only
/* Errors, time, whole reads and writes, CPU time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "vsbench.h"

void (*on_fail)(const char *what, int err);
volatile bool time_is_up;

void fail_with(const char *what, int err)
{
	if (on_fail)
		on_fail(what, err);
	fprintf(stderr, "vsbench: %s: %s\n", what, strerror(err));
	_exit(1);
}

void fail(const char *what)
{
	fail_with(what, errno);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* At this time of now_ns(), signals or not. */
void sleep_until(uint64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void cap_reached(int sig)
{
	(void)sig;
	fail_with("time is up", ETIMEDOUT);
}

/* Give up after so many milliseconds, whatever the sockets do. */
void cap(unsigned int ms)
{
	struct itimerspec its = {
		.it_value = { ms / 1000, ms % 1000 * 1000000l },
	};
	struct sigevent ev = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
	};
	static timer_t timer;
	static bool made;

	signal(SIGUSR1, cap_reached);
	if (!made && timer_create(CLOCK_MONOTONIC, &ev, &timer))
		fail("timer_create");
	made = true;
	timer_settime(timer, 0, &its, NULL);
}

static void alarm_rang(int sig)
{
	(void)sig;
	time_is_up = true;
}

/*
 * Set time_is_up after so many microseconds. A signal, so that looking at the
 * time costs a sender nothing; it interrupts no system call for good.
 */
void phase_timer(unsigned int usecs)
{
	struct itimerval it = {
		.it_value = { usecs / 1000000, usecs % 1000000 },
	};
	struct sigaction sa = {
		.sa_handler = alarm_rang, .sa_flags = SA_RESTART,
	};

	time_is_up = false;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

void put_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			fail("send");
	}
}

void get_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = recv(fd, p, len, 0);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			fail("recv");
		else if (!n)
			fail_with("unexpected end", EPIPE);
	}
}

/* The first line of /proc/stat, and the counts of switches and interrupts. */
void cpu_read(struct cpu *cpu)
{
	unsigned long long v[10] = {};
	static char buf[65536];
	const char *p;
	ssize_t len;
	int fd;

	memset(cpu, 0, sizeof(*cpu));
	fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (len <= 0)
		fail("/proc/stat");
	buf[len] = 0;
	if (sscanf(buf, "cpu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu",
		   v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7, v + 8,
		   v + 9) != 10)
		fail_with("/proc/stat", EINVAL);
	cpu->busy = v[0] + v[1] + v[2] + v[5] + v[6];
	cpu->idle = v[3] + v[4];
	cpu->steal = v[7];
	cpu->guest = v[8] + v[9];
	p = strstr(buf, "\nctxt ");
	if (p)
		cpu->ctxt = strtoull(p + 6, NULL, 10);
	p = strstr(buf, "\nintr ");
	if (p)
		cpu->intr = strtoull(p + 6, NULL, 10);
}

void cpu_since(struct cpu *cpu, const struct cpu *before)
{
	cpu_read(cpu);
	cpu->busy -= before->busy;
	cpu->guest -= before->guest;
	cpu->steal -= before->steal;
	cpu->idle -= before->idle;
	cpu->ctxt -= before->ctxt;
	cpu->intr -= before->intr;
}
