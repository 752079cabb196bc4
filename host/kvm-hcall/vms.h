/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of bindings, for who goes through all of them: vm.c, bind.c */
#ifndef _VIRTSOCK_VMS_H
#define _VIRTSOCK_VMS_H

#include <linux/hashtable.h>
#include "host.h"

#define VIRTSOCK_VMS_BITS	8

/* By CID; virtsock_vms_lock, RCU */
extern DECLARE_HASHTABLE(virtsock_vms, VIRTSOCK_VMS_BITS);

#endif
