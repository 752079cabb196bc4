/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _FUZZ_LINUX_STDDEF_H
#define _FUZZ_LINUX_STDDEF_H

#include_next <linux/stddef.h>
#include <stddef.h>

#define sizeof_field(type, field)	sizeof(((type *)NULL)->field)

#endif
