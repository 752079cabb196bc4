// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin: a program that wants the CPU and nothing else, and counts what it gets
 * done. Its work is in the caches, so that a copy beside it does not slow it.
 */
#include <stdio.h>

#include "vsbench.h"

#define BLOCK	256

int spin(unsigned int usecs)
{
	uint64_t t = now_ns(), units = 0;
	volatile unsigned int sum = 0;
	unsigned int i, part;

	phase_timer(usecs);
	while (!time_is_up) {
		for (part = 0, i = 0; i < BLOCK; i++)
			part = part * 31 + text[i];
		sum += part;
		units++;
	}
	t = now_ns() - t;
	printf("{\"units\":%llu,\"us\":%.1f}\n", (unsigned long long)units, t / 1000.0);
	return 0;
}
