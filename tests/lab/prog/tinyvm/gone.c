// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that goes away under a link: its slot, or what the VMM had mapped there.
 * The next call that needs it costs the VM its link, and nobody anything else.
 */
#include <stdio.h>
#include <sys/mman.h>
#include "link.h"

/* What goes away has a slot of its own. */
#define SLOT		1
#define SLOT_GPA	(4UL << 20)
#define SLOT_SIZE	(1UL << 20)

static void *area;

static void put(struct tiny *t)
{
	area = mmap(NULL, SLOT_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	tiny_slot(t, SLOT, SLOT_GPA, area, SLOT_SIZE);
}

static void take_slot(struct tiny *t)
{
	tiny_slot(t, SLOT, SLOT_GPA, area, 0);
	munmap(area, SLOT_SIZE);
	area = NULL;
}

/* KVM still has the slot, which leads nowhere. */
static void take_map(struct tiny *t)
{
	(void)t;
	munmap(area, SLOT_SIZE);
}

static void clean(struct tiny *t)
{
	if (area)
		tiny_slot(t, SLOT, SLOT_GPA, area, 0);
}

static void ring_gone(struct tiny *t, const char *way, void (*take)(struct tiny *t))
{
	unsigned int head;

	put(t);
	expect(way, "HELLO", 0, hello(t));
	expect(way, "REGISTER a ring there", 0, set_up(t, SLOT_GPA));
	head = record(area, 0);
	head += record((uint8_t *)area + head, 0);
	expect(way, "FLUSH", 0, flush(t, head / 2, 0, RX));
	take(t);
	expect(way, "FLUSH of nothing", 0, flush(t, head / 2, 0, RX));
	expect(way, "FLUSH of what was there", -VIRTSOCK_EPROTO, flush(t, head, 0, RX));
	expect(way, "the link is over", -VIRTSOCK_ESTALE, flush(t, head, 0, RX));
	clean(t);
}

/* The ring stays, its record's payload does not. */
static void payload_gone(struct tiny *t, const char *way, void (*take)(struct tiny *t))
{
	uint8_t *ring = t->mem + RING;
	unsigned int head;

	put(t);
	expect(way, "HELLO for a payload", 0, hello(t));
	expect(way, "REGISTER for a payload", 0, set_up(t, RING));
	head = record(ring, SLOT_GPA);
	head += record(ring + head, SLOT_GPA);
	expect(way, "FLUSH of a payload", 0, flush(t, head / 2, 0, RX));
	take(t);
	expect(way, "FLUSH of a payload that was there", -VIRTSOCK_EPROTO,
	       flush(t, head, 0, RX));
	expect(way, "the link of the payload is over", -VIRTSOCK_ESTALE, flush(t, head, 0, RX));
	clean(t);
}

/* A program of the host connects, so that the guest has something to receive. */
static void rx_gone(struct tiny *t, const char *way, void (*take)(struct tiny *t))
{
	int fd;

	put(t);
	expect(way, "HELLO again", 0, hello(t));
	expect(way, "REGISTER a ring elsewhere", 0, set_up(t, RING));
	fd = host_connects();
	take(t);
	expect(way, "FLUSH with a buffer that was there", -VIRTSOCK_EPROTO,
	       flush(t, 0, 0, SLOT_GPA));
	expect(way, "the link is over, too", -VIRTSOCK_ESTALE, flush(t, 0, 0, RX));
	host_is_reset(way, fd);
	clean(t);
}

int gone(struct tiny *t)
{
	ring_gone(t, "slot", take_slot);
	ring_gone(t, "mapping", take_map);
	payload_gone(t, "slot", take_slot);
	payload_gone(t, "mapping", take_map);
	rx_gone(t, "slot", take_slot);
	rx_gone(t, "mapping", take_map);
	printf("%d passed, %d failed\n", number - failed, failed);
	return !!failed;
}
