// SPDX-License-Identifier: GPL-2.0-only
/*
 * keep: memory full of a pattern, that nobody but us may have written to once
 * go= exists.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "vst.h"

/* What the kernel says is available, less reserve MiB */
static uint64_t available(uint64_t reserve)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	if (!f)
		die_errno("meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	fclose(f);
	if (kib >> 10 <= reserve)
		die("only %llu KiB are available", kib);
	return (kib >> 10) - reserve;
}

/* count= MiB, or all but n= MiB of what is free */
void cmd_keep(void)
{
	uint64_t mib = opt.count > 1 ? opt.count : available(opt.n);
	size_t len = mib << 20;
	uint8_t *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die_errno("mmap");
	fill(opt.seed, 0, p, len);
	say("READY");
	wait_go();
	check(opt.seed, 0, p, len);
	say("%llu MiB are as they were", (unsigned long long)mib);
}
