/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_SOCK_H
#define _VIRTSOCK_COMPAT_SOCK_H

#include_next <net/sock.h>

/*
 * A packet of the common code counts as memory of its socket: that of older kernels
 * only has it hold the socket.
 */
static inline void virtsock_compat_own(struct sk_buff *skb)
{
	if (skb->sk && skb->destructor == sock_efree)
		skb_set_owner_w(skb, skb->sk);
}

#endif
