/* SPDX-License-Identifier: GPL-2.0-only */
/* The least of io_uring that the subtests need, on its bare system calls */
#ifndef VSAPI_RING_H
#define VSAPI_RING_H

#include <stdint.h>

#include <linux/io_uring.h>

/* A completion, without what may follow it in large ones */
struct ring_done {
	uint64_t user_data;
	int res;
	unsigned int flags;
};

void ring_open(void);
int ring_register(unsigned int op, void *arg, unsigned int nr);
struct io_uring_sqe *ring_sqe(int op, int fd, const void *addr, unsigned int len,
			      uint64_t tag);
void ring_submit(void);
struct ring_done ring_wait(void);
int ring_result(uint64_t tag);
int ring_idle(unsigned int ms);

#endif
