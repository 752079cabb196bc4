/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_PAGE_POOL_HELPERS_H
#define _VIRTSOCK_COMPAT_PAGE_POOL_HELPERS_H

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#include_next <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#ifndef CONFIG_PAGE_POOL
static inline void skb_mark_for_recycle(struct sk_buff *skb)
{
}
#endif
#endif

#endif
