// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of the pair's VM. Guest physical is physical; the VM has all of it, or
 * what virtsock_pair_memory() says.
 */
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/string.h>

static const struct virtsock_pair_range *pair_ranges;

/**
 * virtsock_pair_memory() - say what memory the VM has
 * @ranges: it has that only, and changes it while the host reads it; the last one is
 *	empty. NULL: all that there is, as at first.
 *
 * Context: any; no hypercall is under way.
 */
void virtsock_pair_memory(const struct virtsock_pair_range *ranges)
{
	/* Pairs with virtsock_pair_visible(): what they are was written before. */
	smp_store_release(&pair_ranges, ranges);
}
EXPORT_SYMBOL_GPL(virtsock_pair_memory);

/**
 * virtsock_pair_visible() - is a page the VM's memory?
 * @gfn: its number
 *
 * Context: any.
 */
bool virtsock_pair_visible(gfn_t gfn)
{
	const struct virtsock_pair_range *r;

	/* Pairs with virtsock_pair_memory(). */
	r = smp_load_acquire(&pair_ranges);
	if (!r)
		return pfn_valid(gfn);
	for (; r->pages; r++)
		if (gfn - r->gfn < r->pages)
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(virtsock_pair_visible);

/**
 * virtsock_pair_copy() - read or write the VM's memory
 * @gpa: where
 * @buf: from or to where
 * @len: bytes
 * @write: into the VM
 *
 * Page by page, as KVM does: what comes before a page that is not there is copied.
 *
 * Context: process.
 * Return: 0, or -EFAULT if not all of it is the VM's memory.
 */
int virtsock_pair_copy(u64 gpa, void *buf, size_t len, bool write)
{
	void *mem;
	size_t n;

	might_sleep();
	for (; len; gpa += n, buf += n, len -= n) {
		n = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
		if (!virtsock_pair_visible(gpa_to_gfn(gpa)))
			return -EFAULT;
		mem = __va(gpa);
		if (!READ_ONCE(pair_ranges)) {
			memcpy(write ? mem : buf, write ? buf : mem, n);
			continue;
		}
		/* An attacker changes it meanwhile; nobody else does. */
		data_race(memcpy(write ? mem : buf, write ? buf : mem, n));
	}
	return 0;
}
EXPORT_SYMBOL_GPL(virtsock_pair_copy);
