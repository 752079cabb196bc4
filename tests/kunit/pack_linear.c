// SPDX-License-Identifier: GPL-2.0-only
/*
 * pack.c once more, for a receiver that wants a packet in one piece, as that of
 * 6.1 does, and with memory that can run out. What it calls itself is renamed.
 */
#undef VIRTSOCK_HAVE_SKB_PUT

#include <virtsock/core.h>
#include "pack_linear.h"

u32 linear_memory = U32_MAX;

u32 linear_skb_max(void)
{
	return VIRTSOCK_COMPAT_SKB_MAX;
}

static struct sk_buff *linear_alloc(u32 len, gfp_t gfp)
{
	return len <= linear_memory ? virtsock_compat_alloc_skb(len, gfp) : NULL;
}

#define virtsock_compat_alloc_skb	linear_alloc
#define virtsock_pack			linear_pack
#define virtsock_pack_seal		linear_pack_seal
#define virtsock_sock_sent		linear_sock_sent
#define virtsock_unpack_page		linear_unpack_page
#define virtsock_unpack			linear_unpack
#define virtsock_skb_room		linear_skb_room

#include "net/vmw_vsock_virtsock/core/pack.c"
