// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad neighbours, and how others fare beside them: programs that never read,
 * that stand still with their socket locked, and what that costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "vst.h"

#define HOLE 4096

/* Accept n= connections and forget them. */
void cmd_hoard(void)
{
	int lfd = vst_listen();
	unsigned int i;

	for (i = 0; i < opt.n; i++)
		vst_accept(lfd);
	say("RUNNING");
	pause();
}

/* Listen, and that is all. */
void cmd_stand_still(void)
{
	vst_listen();
	pause();
}

/*
 * Keep n= connections full. RUNNING says that none of them could take more
 * for 300 ms.
 */
void cmd_stuff(void)
{
	uint8_t *buf = calloc(1, opt.max);
	struct epoll_event ev[64];
	bool full = false;
	unsigned int i;
	int j, n, ep;

	ep = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < opt.n; i++) {
		ev[0].events = EPOLLOUT;
		ev[0].data.fd = vst_connect();
		set_nonblock(ev[0].data.fd);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, ev[0].data.fd, &ev[0]))
			die_errno("epoll_ctl");
	}
	for (;;) {
		n = epoll_wait(ep, ev, 64, full ? -1 : 300);
		if (!n) {
			full = true;
			say("RUNNING");
		}
		for (j = 0; j < n; j++)
			if (send(ev[j].data.fd, buf, opt.max, MSG_NOSIGNAL) < 0 &&
			    errno != EAGAIN)
				die_errno("send");
	}
}

/* Memory that nobody provides: whoever touches it waits until fill_hole(). */
void *hole(int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	void *p;

	p = mmap(NULL, HOLE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || p == MAP_FAILED || ioctl(fd, UFFDIO_API, &api))
		die_errno("userfaultfd");
	reg.range.start = (unsigned long)p;
	reg.range.len = HOLE;
	if (ioctl(fd, UFFDIO_REGISTER, &reg))
		die_errno("userfaultfd");
	*uffd = fd;
	return p;
}

void fill_hole(int uffd, void *p)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (unsigned long)p, .len = HOLE },
	};

	if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero))
		die_errno("UFFDIO_ZEROPAGE");
}

/* Until a process, or a thread, sleeps in a function of the kernel */
void wait_asleep(pid_t pid, const char *where)
{
	char path[64], text[64];
	FILE *f;

	do {
		snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
		f = fopen(path, "r");
		if (!f || !fgets(text, sizeof(text), f))
			text[0] = 0;
		if (f)
			fclose(f);
		sleep_ms(10);
	} while (!strstr(text, where));
}

/* Readers that hold their sockets' locks until they are killed */
void cmd_stuck(void)
{
	pid_t *pid = calloc(opt.n, sizeof(*pid));
	int lfd = vst_listen(), fd, uffd;
	unsigned int i;

	for (i = 0; i < opt.n; i++) {
		fd = vst_accept(lfd);
		pid[i] = fork();
		if (!pid[i]) {
			wait_readable(fd);
			recv(fd, hole(&uffd), HOLE, 0);
			die("received");
		}
		close(fd);
	}
	for (i = 0; i < opt.n; i++)
		wait_asleep(pid[i], "userfault");
	say("RUNNING");
	wait(NULL);
	die("one of them went on");
}

/* For within= ms: the longest time that this program did not run */
void cmd_spin(void)
{
	uint64_t start = now_us(), last = start, now, gap = 0;

	do {
		now = now_us();
		if (now - last > gap)
			gap = now - last;
		last = now;
	} while (now - start < opt.within * 1000ull);
	say("longest gap %llu us", (unsigned long long)gap);
}

void role_pump(int fd)
{
	uint8_t *buf = calloc(1, opt.max);
	uint64_t k;
	char c;

	for (k = 0; k < opt.count; k++)
		write_all(fd, buf, opt.max);
	read_all(fd, &c, 1);
	free(buf);
}

void role_gauge(int fd)
{
	uint8_t *buf = malloc(opt.max > opt.chunk ? opt.max : opt.chunk);
	uint64_t left = opt.count * opt.max, t;
	ssize_t n;

	wait_readable(fd);
	t = now_us();
	for (; left; left -= n) {
		n = recv(fd, buf, opt.max > opt.chunk ? opt.max : opt.chunk, 0);
		if (n <= 0)
			die_errno("recv");
	}
	say("took %llu us", (unsigned long long)(now_us() - t));
	write_all(fd, "", 1);
	free(buf);
}
