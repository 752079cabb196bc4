/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's link, by hand */
#ifndef TINYVM_LINK_H
#define TINYVM_LINK_H

#include "tinyvm.h"

#define RING_SIZE	(VIRTSOCK_RING_PAGES_MIN * VIRTSOCK_PAGE_SIZE)
#define RING		(MEM_SIZE - RING_SIZE)
#define SETUP		FREE
#define RX		(FREE + 0x10000)
#define RX_SIZE		VIRTSOCK_RX_BUF_MIN

/* The last one that there was */
struct tiny_link {
	uint64_t epoch;
	unsigned int cid;
};

extern struct tiny_link the_link;
extern int failed, number;

void expect(const char *way, const char *what, long long want, long long got);
long long hello(struct tiny *t);
long long set_up(struct tiny *t, uint64_t ring);
long long flush(struct tiny *t, unsigned int head, unsigned int flags, uint64_t rx);
unsigned int record(uint8_t *at, uint64_t seg);
int host_connects(void);
void host_is_reset(const char *way, int fd);

#endif
