// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that means harm: hypercalls with wrong epochs, rings, records and
 * addresses, each with the answer that is due. Loads if all answers were right.
 *
 * With epoch=… it breaks the link that the transport has; without, no transport
 * is loaded, and it makes links of its own. With flood=PORT it connects there,
 * and sends small messages without regard for credit in records. With
 * stranger=PORT it sends everything there, for 3 s, as if it had a connection.
 * With storm=MS it makes hypercalls for so long, whatever it is told; with
 * hellos=MS it only says HELLO, and is bound to nothing. With stolen=EPOCH it has
 * that of another VM's link.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <asm/irq_vectors.h>
#include <asm/kvm_para.h>
#include <linux/virtio_vsock.h>
#include <linux/virtsock.h>

#define PAGES	VIRTSOCK_RING_PAGES_MIN
#define RING	(PAGES * VIRTSOCK_PAGE_SIZE)
#define ORDER	5

static unsigned long epoch;
module_param(epoch, ulong, 0444);
MODULE_PARM_DESC(epoch, "of the link to break");

static unsigned int flood;
module_param(flood, uint, 0444);
MODULE_PARM_DESC(flood, "port of the host to fill with small messages");

static unsigned int bytes = 1 << 18;
module_param(bytes, uint, 0444);
MODULE_PARM_DESC(bytes, "of these messages (flood)");

static bool stream;
module_param(stream, bool, 0444);
MODULE_PARM_DESC(stream, "that is no messages, but a stream (flood)");

static bool closed;
module_param(closed, bool, 0444);
MODULE_PARM_DESC(closed, "not before its program has closed the connection");

static unsigned int grant;
module_param(grant, uint, 0444);
MODULE_PARM_DESC(grant, "port of the host whose program may send without end");

static unsigned long bell;
module_param(bell, ulong, 0444);
MODULE_PARM_DESC(bell, "where to ring when there is something to take (grant)");

static unsigned int stranger;
module_param(stranger, uint, 0444);
MODULE_PARM_DESC(stranger, "port of the host, of somebody else's connection");

static unsigned int storm;
module_param(storm, uint, 0444);
MODULE_PARM_DESC(storm, "how long to make hypercalls without end, in ms");

static unsigned int hellos;
module_param(hellos, uint, 0444);
MODULE_PARM_DESC(hellos, "how long to say HELLO without end, in ms");

static unsigned long stolen;
module_param(stolen, ulong, 0444);
MODULE_PARM_DESC(stolen, "epoch of another VM's link");

static unsigned int failed, cid, head;
static u32 tail;	/* as the host said last */
static void *ring, *rx;

static long call(unsigned int op, unsigned long *rbx, unsigned long *rcx,
		 unsigned long rdx, unsigned long rsi)
{
	long rax = VIRTSOCK_HC_BASE + op;

	asm volatile(KVM_HYPERCALL
		     : "+a" (rax), "+b" (*rbx), "+c" (*rcx), "+d" (rdx), "+S" (rsi)
		     : : "memory");
	return rax;
}

static long flush_to(u64 ep, u32 to, u32 flags, u64 gpa, u64 len)
{
	unsigned long rbx = ep, rcx = virtsock_flush_arg(to, flags);
	long ret = call(VIRTSOCK_HC_FLUSH, &rbx, &rcx, gpa, len);

	if (!ret)
		tail = rbx;
	return ret;
}

static void expect(const char *name, long want, long got)
{
	if (got == -want) {
		pr_info("virtsock_bad: ok %s\n", name);
		return;
	}
	pr_err("virtsock_bad: not ok %s: %ld, expected %ld\n", name, got, -want);
	failed++;
}

static long hello(void)
{
	unsigned long rbx, rcx;
	int tries = 250;
	long ret;

	do {
		rbx = VIRTSOCK_ABI_VERSION;
		rcx = 0;
		ret = call(VIRTSOCK_HC_HELLO, &rbx, &rcx, 0, 0);
		if (ret != -VIRTSOCK_EAGAIN)
			break;
		msleep(20);
	} while (--tries);
	cid = lower_32_bits(rbx);
	epoch = rcx;
	head = 0;
	return ret;
}

/* Where to ring; a kernel does not acknowledge this one. See try_storm(). */
static u8 doorbell = SPURIOUS_APIC_VECTOR;

static struct virtsock_setup *setup_new(void)
{
	struct virtsock_setup *s;
	int i;

	s = kzalloc(struct_size(s, pages, PAGES), GFP_KERNEL);
	if (!s)
		return NULL;
	s->size = cpu_to_le32(struct_size(s, pages, PAGES));
	s->nr_pages = cpu_to_le32(PAGES);
	s->doorbell = cpu_to_le64(bell ?: virtsock_doorbell_arg(0, doorbell, 0));
	for (i = 0; i < PAGES; i++)
		s->pages[i] = cpu_to_le64(virt_to_phys(ring) + i * PAGE_SIZE);
	return s;
}

static long setup_try(struct virtsock_setup *s)
{
	unsigned long rbx = epoch, rcx = virt_to_phys(s);

	return call(VIRTSOCK_HC_REGISTER, &rbx, &rcx, 0, 0);
}

/* A link of our own, new. */
static void link_up(void)
{
	struct virtsock_setup *s = setup_new();
	long ret = hello();

	if (!ret && s)
		ret = setup_try(s);
	if (ret) {
		pr_err("virtsock_bad: not ok link: %ld\n", ret);
		failed++;
	}
	kfree(s);
}

static struct virtsock_rec good_rec(void)
{
	return (struct virtsock_rec) {
		.size = cpu_to_le32(sizeof(struct virtsock_rec) + 8),
		.len = cpu_to_le32(5),
		.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW),
		.src_cid = cpu_to_le32(cid),
		.dst_cid = cpu_to_le32(VMADDR_CID_HOST),
		.src_port = cpu_to_le32(1),
		.dst_port = cpu_to_le32(2),
		.nr_msgs = cpu_to_le16(1),
	};
}

static long send(const struct virtsock_rec *rec, u32 len)
{
	memcpy(ring + head, rec, len);
	head += len;
	return flush_to(epoch, head, 0, virt_to_phys(rx), PAGE_SIZE << ORDER);
}

static void try_register(void)
{
	struct virtsock_setup *s = setup_new(), good;
	unsigned long rbx, rcx;
	__le64 page;

	if (!s)
		return;
	good = *s;
	page = s->pages[7];
	expect("hello", 0, hello());
	rbx = epoch;
	rcx = ~0UL;
	expect("setup nowhere", VIRTSOCK_EFAULT,
	       call(VIRTSOCK_HC_REGISTER, &rbx, &rcx, 0, 0));
	rbx = epoch;
	rcx = 0xfee00000UL;
	expect("setup in the APIC", VIRTSOCK_EFAULT,
	       call(VIRTSOCK_HC_REGISTER, &rbx, &rcx, 0, 0));
	s->nr_pages = 0;
	expect("no pages", VIRTSOCK_EINVAL, setup_try(s));
	s->nr_pages = cpu_to_le32(PAGES + 1);
	expect("odd pages", VIRTSOCK_EINVAL, setup_try(s));
	s->nr_pages = cpu_to_le32(1U << 31);
	expect("too many pages", VIRTSOCK_EINVAL, setup_try(s));
	s->nr_pages = good.nr_pages;
	s->size = 0;
	expect("wrong size", VIRTSOCK_EINVAL, setup_try(s));
	s->size = good.size;
	s->doorbell = cpu_to_le64(virtsock_doorbell_arg(0, 14, 0));
	expect("exception vector", VIRTSOCK_EINVAL, setup_try(s));
	s->doorbell = cpu_to_le64(~0ULL);
	expect("wild doorbell", VIRTSOCK_EINVAL, setup_try(s));
	s->doorbell = good.doorbell;
	s->pages[7] = cpu_to_le64(le64_to_cpu(page) + 8);
	expect("unaligned page", VIRTSOCK_EFAULT, setup_try(s));
	s->pages[7] = cpu_to_le64(1ULL << 45);
	expect("page nowhere", VIRTSOCK_EFAULT, setup_try(s));
	s->pages[7] = cpu_to_le64(0xfee00000);
	expect("page in the APIC", VIRTSOCK_EFAULT, setup_try(s));
	s->pages[7] = page;
	expect("flush before register", VIRTSOCK_EINVAL, flush_to(epoch, 0, 0, 0, 0));
	expect("register", 0, setup_try(s));
	expect("register twice", VIRTSOCK_EINVAL, setup_try(s));
	expect("unknown flag", VIRTSOCK_EINVAL, flush_to(epoch, 0, 1U << 20, 0, 0));
	expect("unknown ring", VIRTSOCK_EINVAL,
	       flush_to(epoch, 0, 1U << VIRTSOCK_FF_RING_SHIFT, 0, 0));
	expect("small buffer", VIRTSOCK_EINVAL,
	       flush_to(epoch, 0, 0, virt_to_phys(rx), 4096));
	expect("unaligned buffer", VIRTSOCK_EINVAL,
	       flush_to(epoch, 0, 0, virt_to_phys(rx) + 1, PAGE_SIZE << ORDER));
	expect("wrong epoch", VIRTSOCK_ESTALE, flush_to(epoch + 1, 0, 0, 0, 0));
	expect("epoch 0", VIRTSOCK_ESTALE, flush_to(0, 0, 0, 0, 0));
	expect("no such operation", 1000, call(VIRTSOCK_HC_NR, &rbx, &rcx, 0, 0));
	expect("empty flush", 0, flush_to(epoch, 0, 0, 0, 0));
	kfree(s);
}

#define BAD(name, field, value) do {				\
	struct virtsock_rec rec[2] = { good_rec() };		\
								\
	link_up();						\
	rec[0] = good_rec();					\
	rec[0].field = value;					\
	expect(name, VIRTSOCK_EPROTO, send(rec, 56));		\
} while (0)

static void try_records(void)
{
	struct virtsock_rec two[2];
	struct virtsock_seg *seg = (struct virtsock_seg *)&two[1];

	link_up();
	expect("head beyond the ring", VIRTSOCK_EPROTO,
	       flush_to(epoch, RING + 8, 0, 0, 0));
	expect("the link is lost", VIRTSOCK_ESTALE, flush_to(epoch, 0, 0, 0, 0));
	link_up();
	expect("unaligned head", VIRTSOCK_EPROTO, flush_to(epoch, 4, 0, 0, 0));
	BAD("size 0", size, 0);
	BAD("size beyond the head", size, cpu_to_le32(4096));
	BAD("odd size", size, cpu_to_le32(55));
	BAD("length beyond the size", len, cpu_to_le32(4096));
	BAD("huge length", len, cpu_to_le32(~0U));
	BAD("unknown type", type, cpu_to_le16(9));
	BAD("unknown operation", op, cpu_to_le16(99));
	BAD("unknown flags", flags, cpu_to_le32(~0U));
	BAD("somebody else's CID", src_cid, cpu_to_le32(cid + 1));
	BAD("the host's CID", src_cid, cpu_to_le32(VMADDR_CID_HOST));
	BAD("too many segments", nr_segs, 255);
	BAD("reserved", reserved, 1);

	memset(two, 0, sizeof(two));
	link_up();
	two[0] = good_rec();
	two[0].size = cpu_to_le32(64);
	two[0].nr_segs = 1;
	seg->addr = cpu_to_le64(1ULL << 45);
	seg->len = two[0].len;
	expect("segment nowhere", VIRTSOCK_EPROTO, send(two, 64));
	link_up();
	seg->addr = cpu_to_le64(0xfee00000);
	expect("segment in the APIC", VIRTSOCK_EPROTO, send(two, 64));
	link_up();
	seg->addr = cpu_to_le64(virt_to_phys(ring));
	memcpy(ring + head, two, 64);
	head += 64;
	expect("segment in the ring itself", 0, flush_to(epoch, head, 0, 0, 0));
	/* The reset of the unknown connection waits by now. */
	msleep(50);
	expect("buffer nowhere", VIRTSOCK_EPROTO,
	       flush_to(epoch, head, 0, 1ULL << 45, PAGE_SIZE << ORDER));
}

/* Whole rings of noise: any answer will do, but none from a broken host. */
static void try_noise(void)
{
	struct virtsock_rec rec;
	int i;

	for (i = 0; i < 20; i++) {
		link_up();
		get_random_bytes(ring, RING);
		*(struct virtsock_rec *)ring = good_rec();
		flush_to(epoch, get_random_u32() % RING & ~7U, 0, virt_to_phys(rx),
			 PAGE_SIZE << ORDER);
	}
	/* Connections to nowhere without end, and nobody fetches the answers. */
	link_up();
	rec = good_rec();
	rec.size = cpu_to_le32(sizeof(rec));
	rec.len = 0;
	rec.nr_msgs = 0;
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST);
	tail = 0;
	for (i = 0; i < 200; i++) {
		for (; head - tail + sizeof(rec) <= RING; head += sizeof(rec)) {
			u32 off = head % RING;
			u32 part = min_t(u32, sizeof(rec), RING - off);

			rec.src_port = cpu_to_le32(head / sizeof(rec));
			memcpy(ring + off, &rec, part);
			memcpy(ring, (void *)&rec + part, sizeof(rec) - part);
		}
		if (flush_to(epoch, head, 0, 0, 0))
			break;
		msleep(20);
	}
	if (i < 200 || tail == head) {
		pr_err("virtsock_bad: not ok answers: the host takes more, %u after %d\n",
		       tail, i);
		failed++;
	}
	pr_info("virtsock_bad: %zu connects taken, nobody fetches the answers\n",
		tail / sizeof(rec));
	expect("goodbye", 0, ({
		unsigned long rbx, rcx = 0;

		link_up();
		rbx = epoch;
		call(VIRTSOCK_HC_UNREGISTER, &rbx, &rcx, 0, 0);
	}));
}

/* Have all of the ring consumed. Lanes may have to catch up first. */
static long flush_all(void)
{
	int tries = 1000;
	long ret;

	do {
		ret = flush_to(epoch, head, 0, virt_to_phys(rx), PAGE_SIZE << ORDER);
		if (ret || tail == head)
			return ret;
		msleep(20);
	} while (--tries);
	return -VIRTSOCK_ENOMEM;
}

/* Until the host has sent such a record; what else it sent is forgotten. */
static long await_op(u16 op)
{
	unsigned long end = jiffies + 60 * HZ;
	const struct virtsock_rec *rec;
	u32 pos;
	long ret;

	/* It may have come with the last call. */
	do {
		for (pos = 0; pos + sizeof(*rec) <= PAGE_SIZE << ORDER;
		     pos += le32_to_cpu(rec->size)) {
			rec = rx + pos;
			if (!rec->size)
				break;
			if (le16_to_cpu(rec->op) == op)
				return 0;
		}
		msleep(20);
		memset(rx, 0, PAGE_SIZE << ORDER);
		ret = flush_all();
		if (ret)
			return ret;
	} while (time_before(jiffies, end));
	return -VIRTSOCK_EAGAIN;
}

/* A connection to a port of the host, which may send as much as @credit */
static struct virtsock_rec connect_to(u32 port, u32 credit)
{
	struct virtsock_rec rec;

	link_up();
	rec = good_rec();
	if (!stream)
		rec.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_SEQPACKET);
	rec.dst_port = cpu_to_le32(port);
	rec.buf_alloc = cpu_to_le32(credit);
	rec.msg_limit = cpu_to_le32(credit);
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST);
	rec.size = cpu_to_le32(sizeof(rec));
	rec.len = 0;
	rec.nr_msgs = 0;
	expect("request", 0, send(&rec, sizeof(rec)));
	expect("accepted", 0, await_op(VIRTIO_VSOCK_OP_RESPONSE));
	return rec;
}

/* Messages of 16 bytes, as many as the bytes of the receiver's buffer allow */
static void try_flood(void)
{
	const u32 size = sizeof(struct virtsock_rec) + 16;
	struct virtsock_rec rec = connect_to(flood, 1 << 18);
	u32 n, i;

	if (closed)
		expect("closed", 0, await_op(VIRTIO_VSOCK_OP_SHUTDOWN));
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW);
	rec.flags = cpu_to_le32(stream ? 0 : VIRTIO_VSOCK_SEQ_EOM);
	rec.size = cpu_to_le32(size);
	rec.len = cpu_to_le32(16);
	rec.nr_msgs = cpu_to_le16(1);
	BUILD_BUG_ON(RING % (sizeof(rec) + 16));
	for (n = bytes / 16; n; n -= i) {
		/* The request was no multiple of this. */
		for (i = 0; i < n && i < RING / size - 1; i++, head += size) {
			u32 off = head % RING;
			u32 part = min_t(u32, sizeof(rec), RING - off);

			memcpy(ring + off, &rec, part);
			memcpy(ring, (void *)&rec + part, sizeof(rec) - part);
		}
		expect("flood", 0, flush_all());
	}
}

/* Answers, data, credit, goodbyes and resets to a socket that is not ours */
static void try_stranger(void)
{
	unsigned long end = jiffies + 3 * HZ;
	struct {
		struct virtsock_rec rec;
		u8 payload[16];
	} r = {};
	u32 op, i;

	link_up();
	for (op = VIRTIO_VSOCK_OP_RESPONSE; time_before(jiffies, end); op++) {
		bool rw = op == VIRTIO_VSOCK_OP_RW;

		r.rec = good_rec();
		r.rec.dst_port = cpu_to_le32(stranger);
		r.rec.buf_alloc = cpu_to_le32(1 << 18);
		r.rec.msg_limit = cpu_to_le32(1 << 18);
		r.rec.op = cpu_to_le16(op);
		r.rec.flags = cpu_to_le32(op == VIRTIO_VSOCK_OP_SHUTDOWN ? 3 : 0);
		r.rec.len = cpu_to_le32(rw ? sizeof(r.payload) : 0);
		r.rec.nr_msgs = cpu_to_le16(rw);
		r.rec.size = cpu_to_le32(rw ? sizeof(r) : sizeof(r.rec));
		for (i = 0; i < le32_to_cpu(r.rec.size); i++, head++)
			((u8 *)ring)[head % RING] = ((u8 *)&r)[i];
		if (flush_all()) {
			expect("stranger", 0, -1);
			return;
		}
		if (op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
			op = VIRTIO_VSOCK_OP_REQUEST;
			msleep(20);
		}
	}
}

static void try_storm(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(storm), rbx, rcx = 0;
	unsigned int n = 0;
	long ret;

	/* It rings: by a vector that this kernel acknowledges. */
	doorbell = RESCHEDULE_VECTOR;
	link_up();
	do {
		ret = flush_to(epoch, head, VIRTSOCK_FF_ARM, virt_to_phys(rx),
			       PAGE_SIZE << ORDER);
		n++;
		cond_resched();
	} while (!ret && time_before(jiffies, end));
	expect("storm", 0, ret);
	rbx = epoch;
	expect("goodbye", 0, call(VIRTSOCK_HC_UNREGISTER, &rbx, &rcx, 0, 0));
	pr_info("virtsock_bad: %u calls in %u ms\n", n, storm);
}

static void try_hellos(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(hellos), rbx, rcx;
	unsigned int n = 0;
	long ret;

	do {
		rbx = VIRTSOCK_ABI_VERSION;
		rcx = 0;
		ret = call(VIRTSOCK_HC_HELLO, &rbx, &rcx, 0, 0);
		n++;
		cond_resched();
	} while (ret == -VIRTSOCK_EUNBOUND && time_before(jiffies, end));
	expect("bound to nothing", VIRTSOCK_EUNBOUND, ret);
	pr_info("virtsock_bad: %u calls in %u ms\n", n, hellos);
}

/* Who knows another VM's epoch has nothing of that VM by it. */
static void try_stolen(void)
{
	unsigned long rbx, rcx;
	unsigned int op;

	for (op = VIRTSOCK_HC_HELLO + 1; op < VIRTSOCK_HC_NR; op++) {
		rbx = stolen;
		rcx = 0;
		expect("another VM's epoch", VIRTSOCK_ESTALE,
		       call(op, &rbx, &rcx, virt_to_phys(rx), PAGE_SIZE << ORDER));
	}
	if (memchr_inv(rx, 0, PAGE_SIZE << ORDER)) {
		pr_err("virtsock_bad: something came by another VM's epoch\n");
		failed++;
	}
}

static int __init bad_init(void)
{
	ring = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, ORDER);
	rx = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, ORDER);
	if (!ring || !rx) {
		failed++;
	} else if (epoch) {
		expect("head beyond the transport's ring", VIRTSOCK_EPROTO,
		       flush_to(epoch, 0x7ffffff8, 0, 0, 0));
	} else if (stolen) {
		try_stolen();
	} else if (flood) {
		try_flood();
	} else if (grant) {
		/* And it takes none of that, though it may have itself called. */
		connect_to(grant, S32_MAX);
		expect("silence", 0, flush_all());
		expect("arm", 0, flush_to(epoch, head, bell ? VIRTSOCK_FF_ARM : 0, 0, 0));
	} else if (stranger) {
		try_stranger();
	} else if (storm) {
		try_storm();
	} else if (hellos) {
		try_hellos();
	} else {
		try_register();
		try_records();
		try_noise();
	}
	free_pages((unsigned long)ring, ORDER);
	free_pages((unsigned long)rx, ORDER);
	return failed ? -EINVAL : 0;
}

static void __exit bad_exit(void)
{
}

module_init(bad_init);
module_exit(bad_exit);
MODULE_DESCRIPTION("virtsock: a guest that means harm");
MODULE_LICENSE("GPL");
