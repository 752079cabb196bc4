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
 * hellos=MS it only says HELLO, and is bound to nothing; with relink=MS it begins one
 * link after the other. With stolen=EPOCH it has that of another VM's link. With
 * sweep=1 it asks for a connection to each port.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/irq_vectors.h>
#include <asm/kvm_para.h>
#include <linux/virtio_vsock.h>
#include "bad.h"

module_param_named(epoch, bad_epoch, ulong, 0444);
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

module_param_named(bell, bad_bell, ulong, 0444);
MODULE_PARM_DESC(bell, "where to ring when there is something to take (grant)");

static unsigned int stranger;
module_param(stranger, uint, 0444);
MODULE_PARM_DESC(stranger, "port of the host, of somebody else's connection");

static unsigned int from = 1;
module_param(from, uint, 0444);
MODULE_PARM_DESC(from, "port of that connection's other end, or not (stranger)");

static bool sweep;
module_param(sweep, bool, 0444);
MODULE_PARM_DESC(sweep, "ask for a connection to each of the first 65536 ports");

static unsigned int relink;
module_param(relink, uint, 0444);
MODULE_PARM_DESC(relink, "how long to begin new links without end, in ms");

static unsigned int storm;
module_param(storm, uint, 0444);
MODULE_PARM_DESC(storm, "how long to make hypercalls without end, in ms");

static unsigned int hellos;
module_param(hellos, uint, 0444);
MODULE_PARM_DESC(hellos, "how long to say HELLO without end, in ms");

static unsigned long stolen;
module_param(stolen, ulong, 0444);
MODULE_PARM_DESC(stolen, "epoch of another VM's link");

/* A connection to a port of the host, which may send as much as @credit */
static struct virtsock_rec connect_to(u32 port, u32 credit)
{
	struct virtsock_rec rec;

	bad_link_up();
	rec = bad_good_rec();
	if (!stream)
		rec.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_SEQPACKET);
	rec.dst_port = cpu_to_le32(port);
	rec.buf_alloc = cpu_to_le32(credit);
	rec.msg_limit = cpu_to_le32(credit);
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST);
	rec.size = cpu_to_le32(sizeof(rec));
	rec.len = 0;
	rec.nr_msgs = 0;
	bad_expect("request", 0, bad_send(&rec, sizeof(rec)));
	bad_expect("accepted", 0, bad_await_op(VIRTIO_VSOCK_OP_RESPONSE));
	return rec;
}

/* Messages of 16 bytes, as many as the bytes of the receiver's buffer allow */
static void try_flood(void)
{
	const u32 size = sizeof(struct virtsock_rec) + 16;
	struct virtsock_rec rec = connect_to(flood, 1 << 18);
	u32 n, i;

	if (closed)
		bad_expect("closed", 0, bad_await_op(VIRTIO_VSOCK_OP_SHUTDOWN));
	rec.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW);
	rec.flags = cpu_to_le32(stream ? 0 : VIRTIO_VSOCK_SEQ_EOM);
	rec.size = cpu_to_le32(size);
	rec.len = cpu_to_le32(16);
	rec.nr_msgs = cpu_to_le16(1);
	BUILD_BUG_ON(BAD_RING % (sizeof(rec) + 16));
	for (n = bytes / 16; n; n -= i) {
		/* The request was no multiple of this. */
		for (i = 0; i < n && i < BAD_RING / size - 1; i++) {
			bad_put(&rec, sizeof(rec));
			/* What was there before is the payload. */
			bad_head += size - sizeof(rec);
		}
		bad_expect("flood", 0, bad_flush_all());
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
	u32 op;

	bad_link_up();
	for (op = VIRTIO_VSOCK_OP_RESPONSE; time_before(jiffies, end); op++) {
		bool rw = op == VIRTIO_VSOCK_OP_RW;

		r.rec = bad_good_rec();
		r.rec.src_port = cpu_to_le32(from);
		r.rec.dst_port = cpu_to_le32(stranger);
		r.rec.buf_alloc = cpu_to_le32(1 << 18);
		r.rec.msg_limit = cpu_to_le32(1 << 18);
		r.rec.op = cpu_to_le16(op);
		r.rec.flags = cpu_to_le32(op == VIRTIO_VSOCK_OP_SHUTDOWN ? 3 : 0);
		r.rec.len = cpu_to_le32(rw ? sizeof(r.payload) : 0);
		r.rec.nr_msgs = cpu_to_le16(rw);
		r.rec.size = cpu_to_le32(rw ? sizeof(r) : sizeof(r.rec));
		bad_put(&r, le32_to_cpu(r.rec.size));
		if (bad_flush_all()) {
			bad_expect("stranger", 0, -1);
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
	unsigned long end = jiffies + msecs_to_jiffies(storm);
	unsigned int n = 0;
	long ret;

	/* It rings: by a vector that this kernel acknowledges. */
	bad_vector = RESCHEDULE_VECTOR;
	bad_link_up();
	do {
		ret = bad_flush_to(bad_epoch, bad_head, VIRTSOCK_FF_ARM, virt_to_phys(bad_rx),
				   BAD_RX);
		n++;
		cond_resched();
	} while (!ret && time_before(jiffies, end));
	bad_expect("storm", 0, ret);
	bad_link_down();
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
		ret = bad_call(VIRTSOCK_HC_HELLO, &rbx, &rcx, 0, 0);
		n++;
		cond_resched();
	} while (ret == -VIRTSOCK_EUNBOUND && time_before(jiffies, end));
	bad_expect("bound to nothing", VIRTSOCK_EUNBOUND, ret);
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
		bad_expect("another VM's epoch", VIRTSOCK_ESTALE,
			   bad_call(op, &rbx, &rcx, virt_to_phys(bad_rx), BAD_RX));
	}
	if (memchr_inv(bad_rx, 0, BAD_RX)) {
		pr_err("virtsock_bad: something came by another VM's epoch\n");
		bad_failed++;
	}
}

static int __init bad_init(void)
{
	if (bad_mem_init()) {
		bad_failed++;
	} else if (bad_epoch) {
		bad_expect("head beyond the transport's ring", VIRTSOCK_EPROTO,
			   bad_flush_to(bad_epoch, 0x7ffffff8, 0, 0, 0));
	} else if (stolen) {
		try_stolen();
	} else if (flood) {
		try_flood();
	} else if (grant) {
		/* And it takes none of that, though it may have itself called. */
		connect_to(grant, S32_MAX);
		bad_expect("silence", 0, bad_flush_all());
		bad_expect("arm", 0, bad_flush_to(bad_epoch, bad_head,
						  bad_bell ? VIRTSOCK_FF_ARM : 0, 0, 0));
	} else if (stranger) {
		try_stranger();
	} else if (storm) {
		try_storm();
	} else if (hellos) {
		try_hellos();
	} else if (sweep) {
		bad_try_sweep();
	} else if (relink) {
		bad_try_relink(relink);
	} else {
		bad_try_register();
		bad_try_records();
		bad_try_noise();
	}
	bad_mem_exit();
	return bad_failed ? -EINVAL : 0;
}

static void __exit bad_exit(void)
{
}

module_init(bad_init);
module_exit(bad_exit);
MODULE_DESCRIPTION("virtsock: a guest that means harm");
MODULE_LICENSE("GPL");
