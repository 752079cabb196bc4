// SPDX-License-Identifier: GPL-2.0-only
/* Everything that a guest can say wrong, each with the answer that is due */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include <asm/kvm_para.h>
#include "bad.h"

void bad_try_register(void)
{
	struct virtsock_setup *s = bad_setup_new(), good;
	unsigned long rbx, rcx;
	__le64 page;

	if (!s)
		return;
	good = *s;
	page = s->pages[7];
	bad_expect("hello", 0, bad_hello());
	rbx = bad_epoch;
	rcx = ~0UL;
	bad_expect("setup nowhere", VIRTSOCK_EFAULT,
		   bad_call(VIRTSOCK_HC_REGISTER, &rbx, &rcx, 0, 0));
	rbx = bad_epoch;
	rcx = 0xfee00000UL;
	bad_expect("setup in the APIC", VIRTSOCK_EFAULT,
		   bad_call(VIRTSOCK_HC_REGISTER, &rbx, &rcx, 0, 0));
	s->nr_pages = 0;
	bad_expect("no pages", VIRTSOCK_EINVAL, bad_setup_try(s));
	s->nr_pages = cpu_to_le32(BAD_PAGES + 1);
	bad_expect("odd pages", VIRTSOCK_EINVAL, bad_setup_try(s));
	s->nr_pages = cpu_to_le32(1U << 31);
	bad_expect("too many pages", VIRTSOCK_EINVAL, bad_setup_try(s));
	s->nr_pages = good.nr_pages;
	s->size = 0;
	bad_expect("wrong size", VIRTSOCK_EINVAL, bad_setup_try(s));
	s->size = good.size;
	s->doorbell = cpu_to_le64(virtsock_doorbell_arg(0, 14, 0));
	bad_expect("exception vector", VIRTSOCK_EINVAL, bad_setup_try(s));
	s->doorbell = cpu_to_le64(~0ULL);
	bad_expect("wild doorbell", VIRTSOCK_EINVAL, bad_setup_try(s));
	s->doorbell = good.doorbell;
	s->pages[7] = cpu_to_le64(le64_to_cpu(page) + 8);
	bad_expect("unaligned page", VIRTSOCK_EFAULT, bad_setup_try(s));
	s->pages[7] = cpu_to_le64(1ULL << 45);
	bad_expect("page nowhere", VIRTSOCK_EFAULT, bad_setup_try(s));
	s->pages[7] = cpu_to_le64(0xfee00000);
	bad_expect("page in the APIC", VIRTSOCK_EFAULT, bad_setup_try(s));
	s->pages[7] = page;
	bad_expect("flush before register", VIRTSOCK_EINVAL, bad_flush_to(bad_epoch, 0, 0, 0, 0));
	bad_expect("register", 0, bad_setup_try(s));
	bad_expect("register twice", VIRTSOCK_EINVAL, bad_setup_try(s));
	bad_expect("unknown flag", VIRTSOCK_EINVAL, bad_flush_to(bad_epoch, 0, 1U << 20, 0, 0));
	bad_expect("unknown ring", VIRTSOCK_EINVAL,
		   bad_flush_to(bad_epoch, 0, 1U << VIRTSOCK_FF_RING_SHIFT, 0, 0));
	bad_expect("small buffer", VIRTSOCK_EINVAL,
		   bad_flush_to(bad_epoch, 0, 0, virt_to_phys(bad_rx), 4096));
	bad_expect("unaligned buffer", VIRTSOCK_EINVAL,
		   bad_flush_to(bad_epoch, 0, 0, virt_to_phys(bad_rx) + 1, BAD_RX));
	bad_expect("wrong epoch", VIRTSOCK_ESTALE, bad_flush_to(bad_epoch + 1, 0, 0, 0, 0));
	bad_expect("epoch 0", VIRTSOCK_ESTALE, bad_flush_to(0, 0, 0, 0, 0));
	bad_expect("no such operation", 1000, bad_call(VIRTSOCK_HC_NR, &rbx, &rcx, 0, 0));
	bad_expect("empty flush", 0, bad_flush_to(bad_epoch, 0, 0, 0, 0));
	kfree(s);
}

#define BAD(name, field, value) do {				\
	struct virtsock_rec rec[2] = { bad_good_rec() };		\
								\
	bad_link_up();						\
	rec[0] = bad_good_rec();					\
	rec[0].field = value;					\
	bad_expect(name, VIRTSOCK_EPROTO, bad_send(rec, 56));		\
} while (0)

void bad_try_records(void)
{
	struct virtsock_rec two[2];
	struct virtsock_seg *seg = (struct virtsock_seg *)&two[1];

	bad_link_up();
	bad_expect("head beyond the ring", VIRTSOCK_EPROTO,
		   bad_flush_to(bad_epoch, BAD_RING + 8, 0, 0, 0));
	bad_expect("the link is lost", VIRTSOCK_ESTALE, bad_flush_to(bad_epoch, 0, 0, 0, 0));
	bad_link_up();
	bad_expect("unaligned head", VIRTSOCK_EPROTO, bad_flush_to(bad_epoch, 4, 0, 0, 0));
	BAD("size 0", size, 0);
	BAD("size beyond the head", size, cpu_to_le32(4096));
	BAD("odd size", size, cpu_to_le32(55));
	BAD("length beyond the size", len, cpu_to_le32(4096));
	BAD("huge length", len, cpu_to_le32(~0U));
	BAD("unknown type", type, cpu_to_le16(9));
	BAD("unknown operation", op, cpu_to_le16(99));
	BAD("unknown flags", flags, cpu_to_le32(~0U));
	BAD("somebody else's CID", src_cid, cpu_to_le32(bad_cid + 1));
	BAD("the host's CID", src_cid, cpu_to_le32(VMADDR_CID_HOST));
	BAD("too many segments", nr_segs, 255);
	BAD("reserved", reserved, 1);

	memset(two, 0, sizeof(two));
	bad_link_up();
	two[0] = bad_good_rec();
	two[0].size = cpu_to_le32(64);
	two[0].nr_segs = 1;
	seg->addr = cpu_to_le64(1ULL << 45);
	seg->len = two[0].len;
	bad_expect("segment nowhere", VIRTSOCK_EPROTO, bad_send(two, 64));
	bad_link_up();
	seg->addr = cpu_to_le64(0xfee00000);
	bad_expect("segment in the APIC", VIRTSOCK_EPROTO, bad_send(two, 64));
	bad_link_up();
	seg->addr = cpu_to_le64(virt_to_phys(bad_ring));
	memcpy(bad_ring + bad_head, two, 64);
	bad_head += 64;
	bad_expect("segment in the ring itself", 0, bad_flush_to(bad_epoch, bad_head, 0, 0, 0));
	/* The reset of the unknown connection waits by now. */
	msleep(50);
	bad_expect("buffer nowhere", VIRTSOCK_EPROTO,
		   bad_flush_to(bad_epoch, bad_head, 0, 1ULL << 45, BAD_RX));
}

/* Whole rings of noise: any answer will do, but none from a broken host. */
void bad_try_noise(void)
{
	struct virtsock_rec rec;
	int i;

	for (i = 0; i < 20; i++) {
		bad_link_up();
		get_random_bytes(bad_ring, BAD_RING);
		*(struct virtsock_rec *)bad_ring = bad_good_rec();
		bad_flush_to(bad_epoch, get_random_u32() % BAD_RING & ~7U, 0, virt_to_phys(bad_rx),
			     BAD_RX);
	}
	/* Connections to nowhere without end, and nobody fetches the answers. */
	bad_link_up();
	rec = bad_good_rec();
	rec.size = cpu_to_le32(sizeof(rec));
	rec.len = 0;
	rec.nr_msgs = 0;
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST);
	bad_tail = 0;
	for (i = 0; i < 200; i++) {
		while (bad_head - bad_tail + sizeof(rec) <= BAD_RING) {
			rec.src_port = cpu_to_le32(bad_head / sizeof(rec));
			bad_put(&rec, sizeof(rec));
		}
		if (bad_flush_to(bad_epoch, bad_head, 0, 0, 0))
			break;
		msleep(20);
	}
	if (i < 200 || bad_tail == bad_head) {
		pr_err("virtsock_bad: not ok answers: the host takes more, %u after %d\n",
		       bad_tail, i);
		bad_failed++;
	}
	pr_info("virtsock_bad: %zu connects taken, nobody fetches the answers\n",
		bad_tail / sizeof(rec));
	bad_link_up();
	bad_link_down();
}
