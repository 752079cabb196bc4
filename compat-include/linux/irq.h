/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VIRTSOCK_COMPAT_IRQ_H
#define _VIRTSOCK_COMPAT_IRQ_H

#include_next <linux/irq.h>

/* An interrupt that may move between CPUs in process context: a flag of the
 * interrupt up to 6.12, of its chip where that is inverted
 */
#ifdef VIRTSOCK_HAVE_MOVE_DEFERRED
#define VIRTSOCK_COMPAT_IRQCHIP_FLAGS 0
static inline void virtsock_compat_irq_moves(unsigned int virq)
{
}
#else
#define VIRTSOCK_COMPAT_IRQCHIP_FLAGS 0
static inline void virtsock_compat_irq_moves(unsigned int virq)
{
	irq_set_status_flags(virq, IRQ_MOVE_PCNTXT);
}
#endif

#endif
