/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/virtsock_pair: the VMM's side */
#ifndef VIRTSOCK_PAIR_H
#define VIRTSOCK_PAIR_H

#include <linux/ioctl.h>

#define VIRTSOCK_PAIR_CREATE	_IO('v', 0x6f)	/* of the device: a VM's fd */
#define VIRTSOCK_PAIR_RUN	_IO('v', 0x70)	/* be a vCPU's thread */
#define VIRTSOCK_PAIR_RESET	_IO('v', 0x71)	/* as system_reset would */

#endif
