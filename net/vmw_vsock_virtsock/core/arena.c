// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of many pages that packets refer to: what a batch brings lies in one
 * of them, and goes to the program from there. When the last packet that has a
 * part of it is freed, only the arena's own reference is left, and the buffer is
 * used again: nothing is allocated, zeroed and freed for each packet.
 *
 * A small packet that nobody reads keeps a whole buffer. So there are few of
 * them, and who finds none free does without.
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <virtsock/core.h>

/*
 * Nobody has a part of it? Who had is done with it, as dropping a reference is
 * a full barrier; what is written to it from now on depends on this.
 */
static bool virtsock_arena_is_free(struct page *page)
{
	return page_ref_count(page) == 1;
}

/**
 * virtsock_arena_page() - a buffer that nobody uses
 * @a: the arena
 * @gfp: how to allocate one; where that fails, it is not tried again for a second
 *
 * Context: as @gfp says; the caller owns @a.
 * Return: the first of VIRTSOCK_ARENA_BYTES in pages, which stays the arena's;
 * who needs it for longer takes a reference. NULL: none is free, and no more may
 * be had.
 */
struct page *virtsock_arena_page(struct virtsock_arena *a, gfp_t gfp)
{
	struct page *page;
	u32 i;

	if (!VIRTSOCK_COMPAT_RX_FRAGS)
		return NULL;
	/* The one that was used last is likely to be in the CPU's cache. */
	for (i = 0; i < a->nr; i++) {
		page = a->pages[(a->cur + i) % a->nr];
		if (virtsock_arena_is_free(page)) {
			a->cur = (a->cur + i) % a->nr;
			a->used = 0;
			return page;
		}
	}
	if (a->nr == VIRTSOCK_ARENA_PAGES ||
	    (a->failed && time_before(jiffies, a->retry)))
		return NULL;
	page = alloc_pages(gfp | __GFP_COMP | __GFP_NOWARN, VIRTSOCK_ARENA_ORDER);
	a->failed = !page;
	a->retry = jiffies + HZ;
	if (!page)
		return NULL;
	a->cur = a->nr;
	a->used = 0;
	a->pages[a->nr++] = page;
	return page;
}
EXPORT_SYMBOL_GPL(virtsock_arena_page);

/**
 * virtsock_arena_room() - room for a packet's payload
 * @a: the arena
 * @len: bytes
 * @gfp: as for virtsock_arena_page()
 * @off: out: where in the buffer it begins
 *
 * Packets follow each other in a buffer as long as there is room.
 *
 * Context: as @gfp says; the caller owns @a.
 * Return: the buffer, as from virtsock_arena_page(); the room is the caller's if
 * it takes a reference.
 */
struct page *virtsock_arena_room(struct virtsock_arena *a, u32 len, gfp_t gfp,
				 u32 *off)
{
	struct page *page = a->nr ? a->pages[a->cur] : NULL;

	if (page && virtsock_arena_is_free(page))
		a->used = 0;
	if (!page || len > VIRTSOCK_ARENA_BYTES - a->used)
		page = virtsock_arena_page(a, gfp);
	if (!page)
		return NULL;
	*off = a->used;
	a->used += ALIGN(len, L1_CACHE_BYTES);
	return page;
}
EXPORT_SYMBOL_GPL(virtsock_arena_room);

/**
 * virtsock_arena_free() - the owner goes
 * @a: the arena
 *
 * A buffer lives on as long as a packet refers to it.
 *
 * Context: any but hard irq; nobody uses @a any more.
 */
void virtsock_arena_free(struct virtsock_arena *a)
{
	while (a->nr)
		put_page(a->pages[--a->nr]);
}
EXPORT_SYMBOL_GPL(virtsock_arena_free);
