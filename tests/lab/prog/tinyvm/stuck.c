// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hypercall in a page fault that its VMM never answers, and another vCPU that comes
 * back from waiting for an answer in one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include "link.h"

/* The ring has a slot of its own, of which no page is there. */
#define SLOT		1
#define SLOT_GPA	(4UL << 20)

static uint8_t *area;
static int uffd;

/* A vCPU, and the one hypercall that it makes */
struct caller {
	struct tiny *t;
	unsigned int head;
	unsigned int flags;
	int policy;
	pid_t tid;
};

static void *calls(void *arg)
{
	struct sched_param first = { .sched_priority = !!((struct caller *)arg)->policy };
	struct caller *c = arg;

	must(sched_setscheduler(0, c->policy, &first), "sched_setscheduler");
	__atomic_store_n(&c->tid, gettid(), __ATOMIC_RELEASE);
	flush(c->t, c->head, c->flags, RX);
	return NULL;
}

static void begin(struct caller *c)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, calls, c))
		die("pthread_create");
}

/* Does it come to sleep in that function of the kernel, before it is over? */
static int sleeps(struct caller *c, const char *where)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	char path[64], text[64];
	int there = 0;
	FILE *f;

	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		nanosleep(&pause, NULL);
	snprintf(path, sizeof(path), "/proc/self/task/%d/wchan", c->tid);
	while (!there && (f = fopen(path, "r"))) {
		there = fgets(text, sizeof(text), f) && !strcmp(text, where);
		fclose(f);
		nanosleep(&pause, NULL);
	}
	return there;
}

static void make_hole(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	uffd = must(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	area = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	must(ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API");
	reg.range.start = (uintptr_t)area;
	reg.range.len = RING_SIZE;
	must(ioctl(uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER");
}

/* Until somebody is in a fault there */
static void wait_fault(void)
{
	struct uffd_msg msg;

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		die("read of a userfaultfd");
}

static void fill(const uint8_t *page)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)area,
		.src = (uintptr_t)page,
		.len = VIRTSOCK_PAGE_SIZE,
	};

	must(ioctl(uffd, UFFDIO_COPY, &copy), "UFFDIO_COPY");
}

/*
 * The first caller has the link in a fault, so that the second has to wait for that;
 * while it waits for an answer the second goes on, into another fault. That is for
 * 100 us: the second comes before it, but it may be too late all the same.
 */
int stuck(struct tiny *t)
{
	static _Alignas(VIRTSOCK_PAGE_SIZE) uint8_t page[VIRTSOCK_PAGE_SIZE];
	struct caller lingers = { .flags = VIRTSOCK_FF_WAIT };
	struct caller stands = {
		.t = t, .head = 2 * VIRTSOCK_PAGE_SIZE, .policy = SCHED_FIFO,
	};
	struct tiny other;

	make_hole();
	tiny_slot(t, SLOT, SLOT_GPA, area, RING_SIZE);
	tiny_second(&other, t);
	expect("stuck", "HELLO", 0, hello(t));
	expect("stuck", "REGISTER", 0, set_up(t, SLOT_GPA));
	lingers.t = &other;
	lingers.head = record(page, 0);
	begin(&lingers);
	wait_fault();
	begin(&stands);
	expect("stuck", "another vCPU waits", 1, sleeps(&stands, "virtsock_hcall"));
	fill(page);
	wait_fault();
	printf("%sSTUCK\n", sleeps(&lingers, "virtsock_linger") ? "" : "NOT ");
	pause();
	return 0;
}
