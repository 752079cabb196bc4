/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_IRQ_H
#define _VIRTSOCK_COMPAT_IRQ_H

#include_next <linux/irq.h>

/*
 * An interrupt whose affinity may change at once, in any context: to be said
 * of each interrupt up to 6.12, the rule where only the opposite has a flag.
 */
static inline void virtsock_compat_irq_moves(unsigned int virq)
{
#ifndef VIRTSOCK_HAVE_MOVE_DEFERRED
	irq_set_status_flags(virq, IRQ_MOVE_PCNTXT);
#endif
}

#endif
