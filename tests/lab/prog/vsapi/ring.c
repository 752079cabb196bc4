// SPDX-License-Identifier: GPL-2.0-only
/* io_uring without a library: one ring for each half. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ring.h"
#include "vsapi.h"

#define ENTRIES 256

static struct {
	int fd;
	unsigned int pending;	/* filled, not submitted */
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	/* Completions that came before the one that was asked for */
	struct ring_done early[ENTRIES];
	unsigned int nr_early;
} ring;

static void *map(size_t len, off_t off)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring.fd, off);

	TRUE(p != MAP_FAILED);
	return p;
}

void ring_open(void)
{
	struct io_uring_params p = {};
	uint8_t *sq, *cq;

	ring.fd = NEED(syscall(SYS_io_uring_setup, ENTRIES, &p));
	sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		 IORING_OFF_SQ_RING);
	cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		 IORING_OFF_CQ_RING);
	ring.sqes = map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	ring.sq_mask = (unsigned int *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (unsigned int *)(sq + p.sq_off.array);
	ring.cq_head = (unsigned int *)(cq + p.cq_off.head);
	ring.cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	ring.cq_mask = (unsigned int *)(cq + p.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
}

int ring_register(unsigned int op, void *arg, unsigned int nr)
{
	return syscall(SYS_io_uring_register, ring.fd, op, arg, nr);
}

/* The next request; goes with ring_submit() */
struct io_uring_sqe *ring_sqe(int op, int fd, const void *addr, unsigned int len,
			      uint64_t tag)
{
	unsigned int i = *ring.sq_tail & *ring.sq_mask;
	struct io_uring_sqe *sqe = &ring.sqes[i];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)addr;
	sqe->len = len;
	sqe->user_data = tag;
	ring.sq_array[i] = i;
	__atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
	ring.pending++;
	return sqe;
}

void ring_submit(void)
{
	while (ring.pending)
		ring.pending -= NEED(syscall(SYS_io_uring_enter, ring.fd,
					     ring.pending, 0, 0, NULL, 0));
}

static bool take(struct ring_done *done)
{
	unsigned int head = *ring.cq_head;
	struct io_uring_cqe *cqe;

	if (head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE))
		return false;
	cqe = &ring.cqes[head & *ring.cq_mask];
	*done = (struct ring_done){ cqe->user_data, cqe->res, cqe->flags };
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

static struct ring_done fetch(void)
{
	struct ring_done cqe;

	ring_submit();
	while (!take(&cqe)) {
		HERE();
		if (syscall(SYS_io_uring_enter, ring.fd, 0, 1,
			    IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR)
			FAIL("io_uring_enter: %s", strerrorname_np(errno));
	}
	return cqe;
}

/* The next completion, whichever it is */
struct ring_done ring_wait(void)
{
	struct ring_done cqe;

	if (!ring.nr_early)
		return fetch();
	cqe = ring.early[0];
	ring.nr_early--;
	memmove(ring.early, ring.early + 1, ring.nr_early * sizeof(cqe));
	return cqe;
}

/* The result of the request with this tag */
int ring_result(uint64_t tag)
{
	struct ring_done cqe;
	unsigned int i;

	for (i = 0; i < ring.nr_early; i++) {
		if (ring.early[i].user_data != tag)
			continue;
		cqe = ring.early[i];
		ring.nr_early--;
		memmove(ring.early + i, ring.early + i + 1,
			(ring.nr_early - i) * sizeof(cqe));
		return cqe.res;
	}
	for (;;) {
		cqe = fetch();
		if (cqe.user_data == tag)
			return cqe.res;
		TRUE(ring.nr_early < ENTRIES);
		ring.early[ring.nr_early++] = cqe;
	}
}

/* True if nothing completes within this time */
int ring_idle(unsigned int ms)
{
	struct ring_done cqe;

	ring_submit();
	nap(ms);
	/* Work of ours that the kernel keeps for when we call it */
	NEED(syscall(SYS_io_uring_enter, ring.fd, 0, 0, IORING_ENTER_GETEVENTS,
		     NULL, 0));
	if (!take(&cqe))
		return 1;
	ring.early[ring.nr_early++] = cqe;
	return 0;
}
