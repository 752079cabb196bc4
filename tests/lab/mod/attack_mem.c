// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: the attacker's own, and all the addresses that a guest should not name.
 */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include "attack.h"

#define ORDER	8	/* ATTACK_SIZE */

void *attack_ring, *attack_rx, *attack_rx2, *attack_segs, *attack_setup;

/* Context: process. Return: 0 or a negative errno. */
int attack_mem_init(void)
{
	void **all[] = { &attack_ring, &attack_rx, &attack_rx2, &attack_segs };
	int i;

	BUILD_BUG_ON(PAGE_SIZE << ORDER != ATTACK_SIZE);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		*all[i] = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, ORDER);
		if (!*all[i])
			return -ENOMEM;
	}
	attack_setup = (void *)get_zeroed_page(GFP_KERNEL);
	if (!attack_setup)
		return -ENOMEM;
	return attack_vm_init();
}

/* Context: process; the host has no link to it any more. */
void attack_mem_exit(void)
{
	attack_vm_exit();
	free_pages((unsigned long)attack_ring, ORDER);
	free_pages((unsigned long)attack_rx, ORDER);
	free_pages((unsigned long)attack_rx2, ORDER);
	free_pages((unsigned long)attack_segs, ORDER);
	free_page((unsigned long)attack_setup);
}

static u64 inside(enum attack_kind kind, void *mem, u32 size, u32 len)
{
	attack_count(kind);
	return virt_to_phys(mem) + rnd(&attack_rnd, size - len + 1);
}

/* Where @len bytes, 64 KiB at most, are that any host can read */
u64 attack_own(u32 len)
{
	switch (rnd(&attack_rnd, 8)) {
	case 0:
		return inside(MEM_RING, attack_ring, ATTACK_SIZE, len);
	case 1:
		return inside(MEM_BUFFER, attack_rx, ATTACK_SIZE, len);
	case 2:
		if (len <= PAGE_SIZE)
			return inside(MEM_SETUP, attack_setup, PAGE_SIZE, len);
		fallthrough;
	case 3:
		attack_count(MEM_BAR);
		return attack_bar_gpa + rnd(&attack_rnd, attack_bar_size - len + 1);
	default:
		return inside(MEM_OWN, attack_segs, ATTACK_SIZE, len);
	}
}

static const struct {
	enum attack_kind kind;
	enum attack_sure sure;
	u64 from;
	u32 size;
} wild[] = {
	/* KVM may have a page of its own there. */
	{ MEM_APIC, ATTACK_MAYBE, 0xfee00000, SZ_4K },
	{ MEM_IOAPIC, ATTACK_BAD, 0xfec00000, SZ_4K },
	{ MEM_HPET, ATTACK_BAD, 0xfed00000, SZ_1K },
	{ MEM_HOLE, ATTACK_BAD, 0xd0000000, SZ_16M },
	{ MEM_ROM, ATTACK_MAYBE, 0xfffc0000, SZ_256K },
	{ MEM_LEGACY, ATTACK_MAYBE, 0xa0000, 0x60000 },
	/* What is before it is the BIOS data area. */
	{ MEM_640K, ATTACK_MAYBE, 0x9fc00, 0x400 },
	{ MEM_BEYOND, ATTACK_BAD, 1ULL << 45, SZ_1G },
};

/*
 * Where @len bytes are that are not memory, or not all of them, or memory of
 * another sort. @write: what may be written there must not be missed.
 * @sure: out: can the host use all of it?
 */
u64 attack_wild(u32 len, bool write, enum attack_sure *sure)
{
	u32 i = rnd(&attack_rnd, ARRAY_SIZE(wild) + 3);
	u64 gpa;

	*sure = ATTACK_BAD;
	if (i < ARRAY_SIZE(wild)) {
		attack_count(wild[i].kind);
		/* A host that reads there may; a slot that is read-only stays as it is. */
		*sure = write && wild[i].kind == MEM_ROM ? ATTACK_BAD : wild[i].sure;
		gpa = wild[i].from + rnd(&attack_rnd, wild[i].size);
	} else if (i == ARRAY_SIZE(wild)) {
		attack_count(MEM_WRAP);
		gpa = rnd(&attack_rnd, 2) ? -(u64)len : -1ULL - rnd(&attack_rnd, len);
	} else if (i == ARRAY_SIZE(wild) + 1 && !write) {
		/* The firmware's tables are there: not to be written. */
		attack_count(MEM_TOP);
		gpa = attack_top - 1 - rnd(&attack_rnd, len);
		if (attack_top - gpa >= len)
			*sure = ATTACK_MAYBE;
	} else {
		attack_count(MEM_BAR_END);
		*sure = ATTACK_MAYBE;
		gpa = attack_bar_gpa + attack_bar_size - rnd(&attack_rnd, len) - 1;
	}
	return write ? ALIGN_DOWN(gpa, 8) : gpa;
}
