/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIRTSOCK_PAIR_LIE_H
#define VIRTSOCK_PAIR_LIE_H

struct virtsock_pair_regs;

void virtsock_pair_lie(const struct virtsock_pair_regs *asked,
		       struct virtsock_pair_regs *r);

#endif
