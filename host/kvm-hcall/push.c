// SPDX-License-Identifier: GPL-2.0-only
/*
 * To the guest: packets wait in the VM's queue until the guest calls; they are
 * packed and written to the buffer that this very call names. What is large is
 * written from where it lies.
 */
#include <linux/rcuwait.h>
#include <trace/events/virtsock.h>
#include "host.h"

/* Payload of this size and more is not copied into the batch first. */
#define VIRTSOCK_PUSH_ROOM_MIN	4096U

static bool virtsock_is_control(struct sk_buff *skb)
{
	return virtsock_skb_op(skb) != VIRTIO_VSOCK_OP_RW;
}

/* A packet's payload. Return: 0 or -EFAULT. */
static int virtsock_write_payload(struct kvm_vcpu *vcpu, u64 gpa, struct sk_buff *skb)
{
	u32 off = 0, n;

	for (; off < skb->len; off += n) {
		void *from = virtsock_skb_room(skb, off, &n);

		if (kvm_vcpu_write_guest(vcpu, gpa + off, from, n))
			return -EFAULT;
	}
	return 0;
}

/* A batch, and from @skbs what it has only room for. Return: 0 or -EFAULT. */
static int virtsock_write_batch(struct kvm_vcpu *vcpu, u64 gpa,
				const struct virtsock_packer *p,
				struct sk_buff_head *skbs)
{
	struct sk_buff *skb;
	u32 done = 0, pos;

	skb_queue_walk(skbs, skb) {
		if (!virtsock_pack_room(p, skb))
			continue;
		pos = virtsock_skb_cb(skb)->pos;
		if (pos > done &&
		    kvm_vcpu_write_guest(vcpu, gpa + done, p->buf + done, pos - done))
			return -EFAULT;
		if (virtsock_write_payload(vcpu, gpa + pos, skb))
			return -EFAULT;
		done = pos + skb->len;
	}
	if (p->used > done &&
	    kvm_vcpu_write_guest(vcpu, gpa + done, p->buf + done, p->used - done))
		return -EFAULT;
	return 0;
}

/**
 * virtsock_push() - give the guest what waits for it
 * @vcpu: the caller
 * @vm: its VM
 * @gpa: receive buffer, guest address
 * @len: bytes there
 * @flags: VIRTSOCK_FR_* are added
 *
 * Context: vCPU thread, vm->lock held.
 * Return: bytes written, -EFAULT for an address that is not the guest's.
 */
int virtsock_push(struct kvm_vcpu *vcpu, struct virtsock_vm *vm, u64 gpa,
		  u32 len, u64 *flags)
{
	struct virtsock_packer p = {
		.buf = vm->push_buf,
		.size = len,
		.room_min = VIRTSOCK_PUSH_ROOM_MIN,
	};
	struct sk_buff_head batch, done;
	struct sk_buff *skb;
	u32 control = 0;
	int err;

	__skb_queue_head_init(&batch);
	__skb_queue_head_init(&done);
	spin_lock_bh(&vm->tx_lock);
	skb_queue_splice_init(&vm->txq, &batch);
	WRITE_ONCE(vm->waits, false);
	spin_unlock_bh(&vm->tx_lock);
	if (skb_queue_empty(&batch))
		return 0;

	while ((skb = skb_peek(&batch)) && virtsock_pack(&p, skb)) {
		__skb_unlink(skb, &batch);
		__skb_queue_tail(&done, skb);
		control += virtsock_is_control(skb);
	}
	virtsock_pack_seal(&p);
	if (!skb_queue_empty(&batch))
		*flags |= VIRTSOCK_FR_RX_MORE;
	spin_lock_bh(&vm->tx_lock);
	if (!skb_queue_empty(&batch))
		WRITE_ONCE(vm->waits, true);
	skb_queue_splice(&batch, &vm->txq);
	vm->tx_control -= control;
	if (p.messages)
		virtsock_moderate_taken(&vm->bell, ktime_get_ns(), p.messages,
					p.bytes);
	spin_unlock_bh(&vm->tx_lock);
	err = virtsock_write_batch(vcpu, gpa, &p, &done);
	while ((skb = __skb_dequeue(&done)))
		virtsock_sock_sent(skb);

	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_TX_BYTES, p.bytes);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_TX_MESSAGES, p.messages);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_TX_RECORDS, p.records);
	/* Those that are back in the VM's queue are still counted here. */
	trace_virtsock_vm_push(vm->cid, &p, skb_queue_len(&batch));
	return err ?: p.used;
}

/**
 * virtsock_push_arm() - the guest leaves: ring when something comes
 * @vm: the VM
 * @arm: it wants that
 *
 * Under the same lock as the queue, so nothing falls between "nothing waits"
 * and "ring from now on". Credit that nobody is blocked on may wait: it goes
 * with the next call, whoever makes that.
 *
 * Context: vCPU thread, vm->lock held.
 * Return: false if something waits already, and the guest must call again.
 */
bool virtsock_push_arm(struct virtsock_vm *vm, bool arm)
{
	bool idle;

	spin_lock_bh(&vm->tx_lock);
	idle = !vm->waits && !vm->kick;
	vm->armed = arm && idle;
	/* Of an earlier arming, its timer may be gone. */
	virtsock_moderate_release(&vm->bell);
	spin_unlock_bh(&vm->tx_lock);
	return idle;
}

static int virtsock_push_queue(struct virtsock_vm *vm, struct sk_buff *skb,
			       enum virtsock_tx_class class)
{
	struct rcuwait *lingerer = NULL;
	bool ring = false;

	spin_lock_bh(&vm->tx_lock);
	if (!vm->tx_up) {
		spin_unlock_bh(&vm->tx_lock);
		return -ENODEV;
	}
	__skb_queue_tail(&vm->txq, skb);
	vm->tx_control += virtsock_is_control(skb);
	/* Credit nobody waits for goes with the guest's next call. */
	if (class != VIRTSOCK_TX_CREDIT) {
		WRITE_ONCE(vm->waits, true);
		lingerer = vm->lingerer;
		ring = virtsock_bell(vm, class, skb->len);
	}
	spin_unlock_bh(&vm->tx_lock);
	/* It may be awake by now; its vCPU lives as long as the VM. */
	if (lingerer)
		rcuwait_wake_up(lingerer);
	if (ring)
		virtsock_ring(vm);
	return 0;
}

/**
 * virtsock_host_tx() - a packet for a guest (send_pkt)
 * @skb: the packet, consumed
 *
 * Context: process.
 * Return: bytes of payload taken; -ENODEV where no VM with that CID has a link.
 */
int virtsock_host_tx(struct sk_buff *skb)
{
	u64 cid = le64_to_cpu(virtio_vsock_hdr(skb)->dst_cid);
	enum virtsock_tx_class class;
	struct virtsock_vm *vm;
	int len = skb->len;
	int err = -ENODEV;

	class = virtsock_sock_tx(skb);
	if (class == VIRTSOCK_TX_DROP) {
		consume_skb(skb);
		return len;
	}
	vm = cid <= U32_MAX ? virtsock_vm_by_cid(cid) : NULL;
	if (vm) {
		err = virtsock_push_queue(vm, skb, class);
		virtsock_vm_put(vm);
	}
	if (err) {
		virtsock_sock_untx(skb);
		virtsock_drop(skb, VIRTSOCK_DROP_NO_LINK);
		return err;
	}
	return len;
}

/**
 * virtsock_host_append() - more of a stream for a guest, to what waits last
 * @vsk: the socket
 * @msg: the program's message
 * @len: bytes of it to send
 *
 * Where payload waits, the guest is to call already, or will be when there is
 * more of it.
 *
 * Context: process, socket locked.
 * Return: true if all of it was taken; false if nothing was.
 */
bool virtsock_host_append(struct vsock_sock *vsk, struct msghdr *msg, u32 len)
{
	enum virtsock_tx_class class;
	bool done = false, ring = false;
	struct virtsock_vm *vm;

	/* For each message: a reference would cost as much as all the rest. */
	rcu_read_lock();
	vm = virtsock_vm_find(vsk->remote_addr.svm_cid);
	if (vm) {
		spin_lock_bh(&vm->tx_lock);
		done = virtsock_append(skb_peek_tail(&vm->txq), vsk, msg, len, &class);
		ring = done && vm->bell.held && virtsock_bell(vm, class, len) &&
		       kref_get_unless_zero(&vm->ref);
		spin_unlock_bh(&vm->tx_lock);
	}
	rcu_read_unlock();
	if (ring) {
		virtsock_ring(vm);
		virtsock_vm_put(vm);
	}
	return done;
}

/**
 * virtsock_host_about_to_wait() - a program is about to wait on a socket
 * @vsk: the socket
 * @wait: in what
 *
 * What it waits for may depend on what waits for the guest.
 *
 * Context: process, socket locked; perhaps after prepare_to_wait(), so it
 * never sleeps.
 */
void virtsock_host_about_to_wait(struct vsock_sock *vsk, enum virtsock_wait wait)
{
	struct virtsock_vm *vm;

	rcu_read_lock();
	vm = virtsock_vm_find(vsk->remote_addr.svm_cid);
	if (vm && (!READ_ONCE(vm->bell.held) || !kref_get_unless_zero(&vm->ref)))
		vm = NULL;
	rcu_read_unlock();
	if (vm) {
		virtsock_bell_now(vm);
		virtsock_vm_put(vm);
	}
}

/**
 * virtsock_push_reset() - answer a record that has no receiver by a reset
 * @vm: the VM it came from
 * @rec: the record
 *
 * Context: vCPU thread, vm->lock held.
 */
void virtsock_push_reset(struct virtsock_vm *vm, const struct virtsock_rec_info *rec)
{
	struct virtsock_rec_info info = {
		.type = rec->type,
		.op = VIRTIO_VSOCK_OP_RST,
		.src_cid = rec->dst_cid,
		.src_port = rec->dst_port,
		.dst_cid = rec->src_cid,
		.dst_port = rec->src_port,
	};
	struct sk_buff *skb;

	if (rec->op == VIRTIO_VSOCK_OP_RST)
		return;
	skb = virtsock_unpack(&info, 0, GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (!skb)
		virtsock_drop_rec(&info, VIRTSOCK_DROP_NO_MEMORY);
	else if (virtsock_push_queue(vm, skb, VIRTSOCK_TX_CONTROL))
		virtsock_drop(skb, VIRTSOCK_DROP_NO_LINK);
}

/**
 * virtsock_host_forget() - forget what a socket wanted to send
 * @vsk: the socket
 * @sync: also wait until no hypercall holds a packet of it
 *
 * Context: process.
 */
void virtsock_host_forget(struct vsock_sock *vsk, bool sync)
{
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct sk_buff_head freeme;
	struct sk_buff *skb, *next;
	struct virtsock_vm *vm;

	vm = vs ? virtsock_vm_by_cid(vs->tx_cid) : NULL;
	if (!vm)
		return;
	if (sync)
		mutex_lock(&vm->lock);
	__skb_queue_head_init(&freeme);
	spin_lock_bh(&vm->tx_lock);
	skb_queue_walk_safe(&vm->txq, skb, next) {
		if (skb->sk == sk_vsock(vsk)) {
			virtsock_sock_untx(skb);
			__skb_unlink(skb, &vm->txq);
			vm->tx_control -= virtsock_is_control(skb);
			__skb_queue_tail(&freeme, skb);
		}
	}
	spin_unlock_bh(&vm->tx_lock);
	if (sync)
		mutex_unlock(&vm->lock);
	virtsock_drop_all(&freeme, VIRTSOCK_DROP_SOCKET_END);
	virtsock_vm_put(vm);
}

/**
 * virtsock_push_purge() - the link has ended: take no more, forget the rest
 * @vm: the VM
 *
 * Context: process.
 */
void virtsock_push_purge(struct virtsock_vm *vm)
{
	struct sk_buff_head freeme;

	__skb_queue_head_init(&freeme);
	spin_lock_bh(&vm->tx_lock);
	vm->tx_up = false;
	vm->armed = false;
	WRITE_ONCE(vm->waits, false);
	skb_queue_splice_init(&vm->txq, &freeme);
	vm->tx_control = 0;
	spin_unlock_bh(&vm->tx_lock);
	virtsock_doorbell_stop(vm);
	virtsock_drop_all(&freeme, VIRTSOCK_DROP_LINK_END);
}
