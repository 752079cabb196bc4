// SPDX-License-Identifier: GPL-2.0-only
/* What a guest may ask for, but not so often, or not there */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include "bad.h"

#define SWEEP_PORTS	65536

/* What came with the last call. Return: answers to what was asked once. */
static unsigned int sweep_take(unsigned long *open, unsigned int *accepted)
{
	const struct virtsock_rec *rec;
	unsigned int n = 0, port;
	u32 pos;

	for (pos = 0; pos + sizeof(*rec) <= BAD_RX; pos += le32_to_cpu(rec->size)) {
		rec = bad_rx + pos;
		if (!rec->size)
			break;
		port = le32_to_cpu(rec->src_port);
		switch (le16_to_cpu(rec->op)) {
		case VIRTIO_VSOCK_OP_RESPONSE:
			++*accepted;
			fallthrough;
		case VIRTIO_VSOCK_OP_RST:
			if (port < SWEEP_PORTS && test_and_clear_bit(port, open))
				n++;
			else
				bad_expect("one answer for each port", 0, -1);
		}
	}
	return n;
}

/* Each port is answered, once; how many accept is told. */
void bad_try_sweep(void)
{
	unsigned long end = jiffies + 60 * HZ, *open;
	unsigned int left = SWEEP_PORTS, port = 0, accepted = 0;
	struct virtsock_rec rec;
	long ret;

	open = bitmap_alloc(SWEEP_PORTS, GFP_KERNEL);
	if (!open) {
		bad_failed++;
		return;
	}
	bitmap_fill(open, SWEEP_PORTS);
	bad_link_up();
	bad_tail = 0;
	rec = bad_good_rec();
	rec.size = cpu_to_le32(sizeof(rec));
	rec.len = 0;
	rec.nr_msgs = 0;
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST);
	do {
		for (; port < SWEEP_PORTS &&
		     bad_head - bad_tail + sizeof(rec) <= BAD_RING; port++) {
			rec.dst_port = cpu_to_le32(port);
			bad_put(&rec, sizeof(rec));
		}
		memset(bad_rx, 0, BAD_RX);
		ret = bad_flush_to(bad_epoch, bad_head, 0, virt_to_phys(bad_rx), BAD_RX);
		left -= sweep_take(open, &accepted);
		/* Lanes may have to catch up. */
		if (!*(u32 *)bad_rx)
			msleep(20);
	} while (!ret && left && time_before(jiffies, end));
	bad_expect("sweep", 0, ret);
	bad_expect("all answered", 0, left);
	bad_link_down();
	bitmap_free(open);
	pr_info("virtsock_bad: %u of %u ports accept\n", accepted, SWEEP_PORTS);
}

/* The end of a link costs others time: 10 in a second may begin, and no more. */
void bad_try_relink(unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	unsigned int n = 0, most = ms / 100 + 2;

	do {
		bad_link_up();
		n++;
	} while (!bad_failed && time_before(jiffies, end));
	pr_info("virtsock_bad: %u links in %u ms\n", n, ms);
	bad_expect("links are few", 0, n <= most ? 0 : -(long)n);
	bad_link_down();
}
