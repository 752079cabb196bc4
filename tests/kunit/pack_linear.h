/* SPDX-License-Identifier: GPL-2.0-only */
/* pack.c as kernels have it whose receivers want a packet in one piece */
#ifndef _VIRTSOCK_PACK_LINEAR_H
#define _VIRTSOCK_PACK_LINEAR_H

#include <virtsock/core.h>

/* Payload of its largest packet */
u32 linear_skb_max(void);

/* Allocations of more than so much payload fail. */
extern u32 linear_memory;

struct sk_buff *linear_unpack(const struct virtsock_rec_info *info, u32 off,
			      gfp_t gfp);

/* Not called: pack.c has them as well */
struct sk_buff *linear_unpack_page(const struct virtsock_rec_info *info,
				   struct page *page, u32 off, gfp_t gfp);
bool linear_pack(struct virtsock_packer *p, struct sk_buff *skb);
void linear_pack_seal(struct virtsock_packer *p);
void linear_sock_sent(struct sk_buff *skb);
void *linear_skb_room(struct sk_buff *skb, u32 off, u32 *len);

#endif
