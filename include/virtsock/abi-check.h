/* SPDX-License-Identifier: GPL-2.0-only */
/* The layout of what guest and host share, pinned down at compile time */
#ifndef _VIRTSOCK_ABI_CHECK_H
#define _VIRTSOCK_ABI_CHECK_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <uapi/linux/virtsock.h>

#define VIRTSOCK_ABI_FIELD(type, field, offset, bytes)			\
	static_assert(offsetof(struct type, field) == (offset) &&	\
		      sizeof_field(struct type, field) == (bytes))

static_assert(sizeof(struct virtsock_rec) == 48);
VIRTSOCK_ABI_FIELD(virtsock_rec, size, 0, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, len, 4, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, type, 8, 2);
VIRTSOCK_ABI_FIELD(virtsock_rec, op, 10, 2);
VIRTSOCK_ABI_FIELD(virtsock_rec, flags, 12, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, src_port, 16, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, dst_port, 20, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, src_cid, 24, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, dst_cid, 28, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, buf_alloc, 32, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, fwd_cnt, 36, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, msg_limit, 40, 4);
VIRTSOCK_ABI_FIELD(virtsock_rec, nr_msgs, 44, 2);
VIRTSOCK_ABI_FIELD(virtsock_rec, nr_segs, 46, 1);
VIRTSOCK_ABI_FIELD(virtsock_rec, reserved, 47, 1);

static_assert(sizeof(struct virtsock_seg) == 16);
VIRTSOCK_ABI_FIELD(virtsock_seg, addr, 0, 8);
VIRTSOCK_ABI_FIELD(virtsock_seg, len, 8, 4);
VIRTSOCK_ABI_FIELD(virtsock_seg, reserved, 12, 4);

static_assert(sizeof(struct virtsock_setup) == 16);
VIRTSOCK_ABI_FIELD(virtsock_setup, size, 0, 4);
VIRTSOCK_ABI_FIELD(virtsock_setup, nr_pages, 4, 4);
VIRTSOCK_ABI_FIELD(virtsock_setup, doorbell, 8, 8);
static_assert(offsetof(struct virtsock_setup, pages) == 16);

/* Headers keep records aligned, segments follow their header aligned */
static_assert(sizeof(struct virtsock_rec) % VIRTSOCK_REC_ALIGN == 0);
static_assert(sizeof(struct virtsock_seg) % VIRTSOCK_REC_ALIGN == 0);
/* A page that does not start on a page boundary needs one segment more */
static_assert(VIRTSOCK_REC_SEGS_MAX >
	      VIRTSOCK_REC_LEN_MAX / VIRTSOCK_PAGE_SIZE);
/* The largest record fits twice into the smallest ring, once into a buffer */
static_assert(VIRTSOCK_RING_PAGES_MIN * VIRTSOCK_PAGE_SIZE / 2 >=
	      VIRTSOCK_REC_LEN_MAX);
static_assert(VIRTSOCK_RX_BUF_MIN >=
	      VIRTSOCK_REC_LEN_MAX + sizeof(struct virtsock_rec));
static_assert(VIRTSOCK_RX_BUF_MAX >= VIRTSOCK_RX_BUF_MIN);

#undef VIRTSOCK_ABI_FIELD

#endif
