/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels virtsock runs on, and nothing else. Comes
 * before every file. VIRTSOCK_HAVE_* are found in the headers by Kbuild.
 */
#ifndef _VIRTSOCK_COMPAT_H
#define _VIRTSOCK_COMPAT_H

#include <linux/version.h>

/*
 * Receivers that charge SKB_TRUESIZE(0) for each queued packet came with
 * 6.12.92; 6.12.107 and 7.2 merge the packets of a stream before they refuse.
 * A kernel not known to be free of the rule is taken to have it: its senders
 * then block earlier than they must, and are never reset.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) && \
	LINUX_VERSION_CODE <= KERNEL_VERSION(6, 1, 192)
#define VIRTSOCK_COMPAT_ENTRY_RULE 0
#else
#define VIRTSOCK_COMPAT_ENTRY_RULE 1
#endif

#if (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 107) && \
	LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#define VIRTSOCK_COMPAT_STREAM_MERGED 1
#else
#define VIRTSOCK_COMPAT_STREAM_MERGED 0
#endif

#endif
