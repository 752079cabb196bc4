// SPDX-License-Identifier: GPL-2.0-only
/*
 * engulf, engulf-server: a program stands still inside recv(), with its socket
 * locked, on a page that does not come; a flood goes to it, as much as its
 * buffer takes. Other connections go on, but for the few that share its lane.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "vst.h"

#define PAGES (64 * 1024)

static int uffd;
static void *pages;

static void make_pages(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	pages = mmap(NULL, PAGES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	reg.range.start = (uintptr_t)pages;
	reg.range.len = PAGES;
	if (pages == MAP_FAILED || uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		die_errno("userfaultfd");
}

static void release_pages(void)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)pages, .len = PAGES },
	};

	if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero))
		die_errno("UFFDIO_ZEROPAGE");
}

/* Its first read does not return before release_pages(). */
static void *reader(void *arg)
{
	int fd = *(int *)arg;
	uint64_t off = 0;
	ssize_t n;

	while ((n = recv(fd, pages, PAGES, 0)) > 0) {
		check(opt.seed, off, pages, n);
		off += n;
	}
	if (n < 0)
		die_errno("recv");
	say("received %llu bytes", (unsigned long long)off);
	write_all(fd, "K", 1);
	return NULL;
}

/* The first connection is the stuck one; the others echo. U: go on. */
void cmd_engulf_server(void)
{
	struct pollfd *pfd = calloc(opt.n, sizeof(*pfd));
	unsigned int i, left = opt.n;
	pthread_t thread;
	int lfd, stuck;
	char c;

	make_pages();
	lfd = vst_listen();
	stuck = vst_accept(lfd);
	if (pthread_create(&thread, NULL, reader, &stuck))
		die_errno("pthread_create");
	for (i = 0; i < opt.n; i++)
		pfd[i] = (struct pollfd) { vst_accept(lfd), POLLIN, 0 };
	while (left) {
		if (poll(pfd, opt.n, -1) < 0)
			die_errno("poll");
		for (i = 0; i < opt.n; i++) {
			if (!pfd[i].revents)
				continue;
			if (recv(pfd[i].fd, &c, 1, 0) != 1) {
				pfd[i].fd = -1;
				left--;
				continue;
			}
			if (c == 'U')
				release_pages();
			write_all(pfd[i].fd, &c, 1);
		}
	}
	pthread_join(thread, NULL);
}

static uint64_t flood(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	uint8_t *buf = malloc(opt.max);
	uint64_t k, off = 0;
	ssize_t n;

	for (k = 0; k < opt.count && poll(&pfd, 1, 1000) == 1; k++) {
		fill(opt.seed, off, buf, opt.max);
		n = send(fd, buf, opt.max, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			die_errno("send");
		if (n > 0)
			off += n;
	}
	free(buf);
	return off;
}

void cmd_engulf(void)
{
	struct pollfd *pfd = calloc(opt.n, sizeof(*pfd));
	unsigned int i, up = 0, first = opt.n;
	uint64_t sent, end;
	int stuck;
	char c;

	stuck = vst_connect();
	for (i = 0; i < opt.n; i++)
		pfd[i] = (struct pollfd) { vst_connect(), POLLIN, 0 };
	sent = flood(stuck);
	say("sent %llu bytes to one that does not read", (unsigned long long)sent);

	for (i = 0; i < opt.n; i++)
		write_all(pfd[i].fd, "x", 1);
	end = now_us() + opt.within * 1000ull;
	while (up < opt.n && now_us() < end) {
		if (poll(pfd, opt.n, 100) < 0)
			die_errno("poll");
		for (i = 0; i < opt.n; i++) {
			if (pfd[i].fd < 0 || !pfd[i].revents)
				continue;
			read_all(pfd[i].fd, &c, 1);
			first = first == opt.n ? i : first;
			pfd[i].fd = -1 - pfd[i].fd;
			up++;
		}
	}
	say("%u of %u others were answered", up, opt.n);
	/* Its lane is one of 16. */
	if (up < opt.n * 3 / 4)
		die("%u of %u others stand still as well", opt.n - up, opt.n);
	write_all(-1 - pfd[first].fd, "U", 1);

	shutdown(stuck, SHUT_WR);
	read_all(stuck, &c, 1);
	for (i = 0; i < opt.n; i++)
		close(pfd[i].fd < 0 ? -1 - pfd[i].fd : pfd[i].fd);
}
