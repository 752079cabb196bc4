// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's ring.c as it is, but for the hypercall, which a test answers, and
 * for memory, which can run out. What it calls for these is renamed.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "guest_ring.h"
#include "pack_linear.h"

struct guest_world guest_world;

static long virtsock_hypercall(enum virtsock_hc_op op, struct virtsock_hc *hc)
{
	return guest_world.hypercall(guest_world.host, op, hc);
}

static bool guest_may(u32 *left)
{
	if (!*left)
		return false;
	if (*left != U32_MAX)
		--*left;
	return true;
}

/* Each allocation is one, whatever it is of. */
static void *guest_got(void *p)
{
	guest_world.held += !!p;
	return p;
}

static struct page *guest_alloc_page(gfp_t gfp)
{
	return guest_may(&guest_world.allocs) ? guest_got(alloc_page(gfp)) : NULL;
}

static void guest_free_page(struct page *page)
{
	guest_world.held--;
	__free_page(page);
}

static void *guest_kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return guest_may(&guest_world.allocs) ?
		guest_got(kmalloc_array(n, size, gfp)) : NULL;
}

static void guest_kfree(void *p)
{
	guest_world.held -= !!p;
	kfree(p);
}

static void *guest_vmap(struct page **pages, unsigned int n, unsigned long flags,
			pgprot_t prot)
{
	return guest_may(&guest_world.allocs) ?
		guest_got(vmap(pages, n, flags, prot)) : NULL;
}

static void guest_vunmap(void *p)
{
	guest_world.held--;
	vunmap(p);
}

static unsigned long guest_get_pages(gfp_t gfp, unsigned int order)
{
	if (order < GUEST_ORDERS)
		guest_world.gfp[order] = gfp;
	if (order > guest_world.order || !guest_may(&guest_world.allocs))
		return 0;
	return (unsigned long)guest_got((void *)__get_free_pages(gfp, order));
}

static void guest_free_pages(unsigned long addr, unsigned int order)
{
	guest_world.held -= !!addr;
	free_pages(addr, order);
}

static struct sk_buff *guest_unpack(const struct virtsock_rec_info *info, u32 off,
				    gfp_t gfp)
{
	guest_world.packet_gfp = gfp;
	if (guest_world.no_atomic && !gfpflags_allow_blocking(gfp))
		return NULL;
	if (!guest_may(&guest_world.packets))
		return NULL;
	return guest_world.linear ? linear_unpack(info, off, gfp) :
				    virtsock_unpack(info, off, gfp);
}

static struct sk_buff *guest_unpack_page(const struct virtsock_rec_info *info,
					 struct page *page, u32 off, gfp_t gfp)
{
	return guest_world.no_refer ? NULL : virtsock_unpack_page(info, page, off, gfp);
}

static void guest_tap(const struct virtsock_rec *rec, struct sk_buff *skb, u32 len)
{
	guest_world.shown++;
	virtsock_tap(rec, skb, len);
}

#undef alloc_page
#undef __free_page
#undef kmalloc_array
#undef __get_free_pages
#define alloc_page		guest_alloc_page
#define __free_page		guest_free_page
#define kmalloc_array		guest_kmalloc_array
#define kfree			guest_kfree
#define vmap			guest_vmap
#define vunmap			guest_vunmap
#define __get_free_pages	guest_get_pages
#define free_pages		guest_free_pages
#define virtsock_unpack		guest_unpack
#define virtsock_unpack_page	guest_unpack_page
#define virtsock_tap		guest_tap

#include "net/vmw_vsock_virtsock/ring.c"
