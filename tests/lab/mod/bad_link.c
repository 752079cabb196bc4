// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring, the buffer and the calls of a link that no transport knows of, or of the
 * one that the transport has.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include <asm/irq_vectors.h>
#include <asm/kvm_para.h>
#include "bad.h"

unsigned int bad_failed;
unsigned long bad_epoch, bad_bell;
unsigned int bad_cid;
u32 bad_head, bad_tail;
void *bad_ring, *bad_rx;
/* A kernel does not acknowledge this one. See try_storm(). */
u8 bad_vector = SPURIOUS_APIC_VECTOR;

int bad_mem_init(void)
{
	bad_ring = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, BAD_ORDER);
	bad_rx = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, BAD_ORDER);
	return bad_ring && bad_rx ? 0 : -ENOMEM;
}

void bad_mem_exit(void)
{
	free_pages((unsigned long)bad_ring, BAD_ORDER);
	free_pages((unsigned long)bad_rx, BAD_ORDER);
}

long bad_call(unsigned int op, unsigned long *rbx, unsigned long *rcx,
	      unsigned long rdx, unsigned long rsi)
{
	long rax = VIRTSOCK_HC_BASE + op;

	asm volatile(KVM_HYPERCALL
		     : "+a" (rax), "+b" (*rbx), "+c" (*rcx), "+d" (rdx), "+S" (rsi)
		     : : "memory");
	return rax;
}

long bad_flush_to(u64 ep, u32 to, u32 flags, u64 gpa, u64 len)
{
	unsigned long rbx = ep, rcx = virtsock_flush_arg(to, flags);
	long ret = bad_call(VIRTSOCK_HC_FLUSH, &rbx, &rcx, gpa, len);

	if (!ret)
		bad_tail = rbx;
	return ret;
}

void bad_expect(const char *name, long want, long got)
{
	if (got == -want) {
		pr_info("virtsock_bad: ok %s\n", name);
		return;
	}
	pr_err("virtsock_bad: not ok %s: %ld, expected %ld\n", name, got, -want);
	bad_failed++;
}

long bad_hello(void)
{
	unsigned long rbx, rcx;
	int tries = 250;
	long ret;

	do {
		rbx = VIRTSOCK_ABI_VERSION;
		rcx = 0;
		ret = bad_call(VIRTSOCK_HC_HELLO, &rbx, &rcx, 0, 0);
		if (ret != -VIRTSOCK_EAGAIN)
			break;
		msleep(20);
	} while (--tries);
	bad_cid = lower_32_bits(rbx);
	bad_epoch = rcx;
	bad_head = 0;
	return ret;
}

struct virtsock_setup *bad_setup_new(void)
{
	struct virtsock_setup *s;
	int i;

	s = kzalloc(struct_size(s, pages, BAD_PAGES), GFP_KERNEL);
	if (!s)
		return NULL;
	s->size = cpu_to_le32(struct_size(s, pages, BAD_PAGES));
	s->nr_pages = cpu_to_le32(BAD_PAGES);
	s->doorbell = cpu_to_le64(bad_bell ?: virtsock_doorbell_arg(0, bad_vector, 0));
	for (i = 0; i < BAD_PAGES; i++)
		s->pages[i] = cpu_to_le64(virt_to_phys(bad_ring) + i * PAGE_SIZE);
	return s;
}

long bad_setup_try(struct virtsock_setup *s)
{
	unsigned long rbx = bad_epoch, rcx = virt_to_phys(s);

	return bad_call(VIRTSOCK_HC_REGISTER, &rbx, &rcx, 0, 0);
}

/* A link of our own, new. */
void bad_link_up(void)
{
	struct virtsock_setup *s = bad_setup_new();
	long ret = bad_hello();

	if (!ret && s)
		ret = bad_setup_try(s);
	if (ret) {
		pr_err("virtsock_bad: not ok link: %ld\n", ret);
		bad_failed++;
	}
	kfree(s);
}

void bad_link_down(void)
{
	unsigned long rbx = bad_epoch, rcx = 0;

	bad_expect("goodbye", 0, bad_call(VIRTSOCK_HC_UNREGISTER, &rbx, &rcx, 0, 0));
}

struct virtsock_rec bad_good_rec(void)
{
	return (struct virtsock_rec) {
		.size = cpu_to_le32(sizeof(struct virtsock_rec) + 8),
		.len = cpu_to_le32(5),
		.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW),
		.src_cid = cpu_to_le32(bad_cid),
		.dst_cid = cpu_to_le32(VMADDR_CID_HOST),
		.src_port = cpu_to_le32(1),
		.dst_port = cpu_to_le32(2),
		.nr_msgs = cpu_to_le16(1),
	};
}

/* Into the ring, round its end; the caller has seen to the room. */
void bad_put(const void *rec, u32 len)
{
	u32 off = bad_head % BAD_RING, part = min_t(u32, len, BAD_RING - off);

	memcpy(bad_ring + off, rec, part);
	memcpy(bad_ring, rec + part, len - part);
	bad_head += len;
}

long bad_send(const struct virtsock_rec *rec, u32 len)
{
	bad_put(rec, len);
	return bad_flush_to(bad_epoch, bad_head, 0, virt_to_phys(bad_rx), BAD_RX);
}

/* Have all of the ring consumed. Lanes may have to catch up first. */
long bad_flush_all(void)
{
	int tries = 1000;
	long ret;

	do {
		ret = bad_flush_to(bad_epoch, bad_head, 0, virt_to_phys(bad_rx), BAD_RX);
		if (ret || bad_tail == bad_head)
			return ret;
		msleep(20);
	} while (--tries);
	return -VIRTSOCK_ENOMEM;
}

/* Until the host has sent such a record; what else it sent is forgotten. */
long bad_await_op(u16 op)
{
	unsigned long end = jiffies + 60 * HZ;
	const struct virtsock_rec *rec;
	u32 pos;
	long ret;

	/* It may have come with the last call. */
	do {
		for (pos = 0; pos + sizeof(*rec) <= BAD_RX;
		     pos += le32_to_cpu(rec->size)) {
			rec = bad_rx + pos;
			if (!rec->size)
				break;
			if (le16_to_cpu(rec->op) == op)
				return 0;
		}
		msleep(20);
		memset(bad_rx, 0, BAD_RX);
		ret = bad_flush_all();
		if (ret)
			return ret;
	} while (time_before(jiffies, end));
	return -VIRTSOCK_EAGAIN;
}
