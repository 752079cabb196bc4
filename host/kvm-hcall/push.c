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
/* One hypercall's budget in packets; in bytes it is the guest's buffer */
#define VIRTSOCK_PUSH_PACKETS	1024U
/* So many of them are freed before whoever waits for that has a turn */
#define VIRTSOCK_SENT_BUDGET	64

/*
 * Does the guest get it for what it sent? What the host's programs ask, and the
 * credit that they give, is theirs, and bounded by how many sockets they have.
 */
static bool virtsock_is_answer(struct sk_buff *skb)
{
	return virtio_vsock_skb_reply(skb);
}

/*
 * KVM's ring of dirty pages, where the VMM asked for one, takes an entry for each
 * page of each piece that is written, and is read when the guest is entered
 * again. Return: how many it takes before that, but for its reserve.
 */
static u32 virtsock_dirty_room(const struct kvm_vcpu *vcpu)
{
	const struct kvm_dirty_ring *ring = &vcpu->dirty_ring;
	u32 used;

	if (!vcpu->kvm->dirty_ring_size)
		return U32_MAX;
	used = READ_ONCE(ring->dirty_index) - READ_ONCE(ring->reset_index);
	return used < ring->soft_limit ? ring->soft_limit - used : 0;
}

/* What a packet takes there beyond an entry for every 4 KiB of its batch */
static u32 virtsock_dirty_more(const struct virtsock_packer *p, const struct sk_buff *skb)
{
	/* Both ends of what comes before it, of its linear part, of each fragment */
	return virtsock_pack_room(p, skb) ? 2 * (2 + skb_shinfo(skb)->nr_frags) : 0;
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

static void virtsock_sent_queue(struct virtsock_vm *vm)
{
	kref_get(&vm->ref);
	if (!queue_work(virtsock_sent_wq, &vm->sent_work))
		virtsock_vm_put(vm);
}

/**
 * virtsock_push_sent_work() - free what the guest has (work)
 * @work: of the VM, whose reference it drops
 *
 * Context: process.
 */
void virtsock_push_sent_work(struct work_struct *work)
{
	struct virtsock_vm *vm = container_of(work, struct virtsock_vm, sent_work);
	int budget = VIRTSOCK_SENT_BUDGET;
	struct sk_buff *skb;
	u32 left;

	while (budget-- && (skb = skb_dequeue(&vm->sent))) {
		virtsock_sock_sent(skb);
		cond_resched();
	}
	/* Pairs with the one in virtsock_push_stuck() */
	smp_mb();
	left = skb_queue_len_lockless(&vm->sent);
	if (left)
		virtsock_sent_queue(vm);
	if (left < VIRTSOCK_PUSH_PACKETS / 2 && READ_ONCE(vm->paused))
		virtsock_kick(vm);
	virtsock_vm_put(vm);
}

/**
 * virtsock_push_stuck() - are too many that the guest has still to be freed?
 * @vm: the VM
 *
 * It gets no more until the worker is done with half of them, which then has it
 * call again.
 *
 * Context: vCPU thread, vm->lock held.
 * Return: so it is.
 */
bool virtsock_push_stuck(struct virtsock_vm *vm)
{
	bool was;

	if (skb_queue_len_lockless(&vm->sent) < VIRTSOCK_PUSH_PACKETS)
		return false;
	spin_lock_bh(&vm->tx_lock);
	was = vm->paused;
	vm->paused = true;
	spin_unlock_bh(&vm->tx_lock);
	/* The worker takes them first, and then looks whether we wait. */
	smp_mb();
	if (skb_queue_len_lockless(&vm->sent) >= VIRTSOCK_PUSH_PACKETS / 2)
		return true;
	/* For a limit, or as the guest was told to wait: so it stays. */
	spin_lock_bh(&vm->tx_lock);
	vm->paused = was;
	spin_unlock_bh(&vm->tx_lock);
	return false;
}

/*
 * Of a socket, or of all: what the guest has is freed now. No writer is woken: the
 * socket has another link soon, or its writers hear that it has none. Where it is
 * all, no socket waits for us: what is on our list must not look at its state.
 */
static void virtsock_sent_purge(struct virtsock_vm *vm, const struct sock *sk)
{
	struct sk_buff *skb, *next;
	struct sk_buff_head freeme;

	__skb_queue_head_init(&freeme);
	spin_lock_irq(&vm->sent.lock);
	skb_queue_walk_safe(&vm->sent, skb, next) {
		if (!sk || skb->sk == sk) {
			__skb_unlink(skb, &vm->sent);
			__skb_queue_tail(&freeme, skb);
		}
	}
	spin_unlock_irq(&vm->sent.lock);
	while ((skb = __skb_dequeue(&freeme))) {
		if (sk)
			virtsock_compat_consume_sent(skb);
		else
			consume_skb(skb);
		cond_resched();
	}
	/* Those that the worker has in its hands */
	flush_work(&vm->sent_work);
}

/*
 * The guest has these. That may be news to who waits for room, or for pages of
 * MSG_ZEROCOPY, and how many those are is the host programs' to say: after @until
 * they are for a worker.
 */
static void virtsock_push_sent(struct virtsock_vm *vm, struct sk_buff_head *done,
			       unsigned long until)
{
	struct sk_buff *skb;

	while (time_before(jiffies, until) && (skb = __skb_dequeue(done)))
		virtsock_sock_sent(skb);
	if (skb_queue_empty(done))
		return;
	spin_lock_irq(&vm->sent.lock);
	skb_queue_splice_tail(done, &vm->sent);
	spin_unlock_irq(&vm->sent.lock);
	virtsock_sent_queue(vm);
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
	u32 answers = 0, packets = 0, left, room, dirty = 0;
	unsigned long until = jiffies + VIRTSOCK_CALL_TIME;
	int err;

	if (virtsock_push_stuck(vm))
		return 0;
	__skb_queue_head_init(&batch);
	__skb_queue_head_init(&done);
	spin_lock_bh(&vm->tx_lock);
	skb_queue_splice_init(&vm->txq, &batch);
	WRITE_ONCE(vm->waits, false);
	WRITE_ONCE(vm->soon, false);
	spin_unlock_bh(&vm->tx_lock);
	if (skb_queue_empty(&batch))
		return 0;

	left = virtsock_policy_left(vm, VIRTSOCK_METER_TX);
	/* The reserve of 64 entries is for the last packet. */
	room = virtsock_dirty_room(vcpu);
	while ((skb = skb_peek(&batch)) && p.used < left &&
	       packets < VIRTSOCK_PUSH_PACKETS &&
	       dirty + p.used / PAGE_SIZE < room && virtsock_pack(&p, skb)) {
		dirty += virtsock_dirty_more(&p, skb);
		__skb_unlink(skb, &batch);
		__skb_queue_tail(&done, skb);
		answers += virtsock_is_answer(skb);
		packets++;
	}
	virtsock_pack_seal(&p);
	virtsock_policy_took(vm, VIRTSOCK_METER_TX, p.used);
	if (!skb_queue_empty(&batch) && p.used < left)
		*flags |= VIRTSOCK_FR_RX_MORE;
	else if (!skb_queue_empty(&batch))
		virtsock_policy_over(vm, VIRTSOCK_METER_TX);
	spin_lock_bh(&vm->tx_lock);
	if (!skb_queue_empty(&batch))
		WRITE_ONCE(vm->waits, true);
	skb_queue_splice(&batch, &vm->txq);
	vm->tx_answers -= answers;
	if (p.messages)
		virtsock_moderate_taken(&vm->bell, ktime_get_ns(), p.messages,
					p.bytes);
	spin_unlock_bh(&vm->tx_lock);
	err = virtsock_write_batch(vcpu, gpa, &p, &done);
	virtsock_push_sent(vm, &done, until);

	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_TX_BYTES, p.bytes);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_TX_MESSAGES, p.messages);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_TX_RECORDS, p.records);
	/* Those that are back in the VM's queue are still counted here. */
	trace_virtsock_vm_push(vm->cid, &p, packets, skb_queue_len(&batch));
	return err ?: p.used;
}

/**
 * virtsock_push_arm() - the guest leaves: ring when something comes
 * @vm: the VM
 * @arm: it wants that
 *
 * Under the same lock as the queue, so nothing falls between "nothing waits"
 * and "ring from now on". Credit that nobody is blocked on may wait: it goes
 * with the next call, whoever makes that. So does what a limit keeps from the
 * guest, which is rung when there is more of that.
 *
 * Context: vCPU thread, vm->lock held.
 * Return: false if something waits already, and the guest must call again.
 */
bool virtsock_push_arm(struct virtsock_vm *vm, bool arm)
{
	bool idle;

	spin_lock_bh(&vm->tx_lock);
	idle = (!vm->waits || vm->paused) && !vm->kick;
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
	bool ring = false, soon = false;

	spin_lock_bh(&vm->tx_lock);
	if (!vm->tx_up) {
		spin_unlock_bh(&vm->tx_lock);
		return -ENODEV;
	}
	__skb_queue_tail(&vm->txq, skb);
	vm->tx_answers += virtsock_is_answer(skb);
	/* Credit nobody waits for goes with the guest's next call. */
	if (class == VIRTSOCK_TX_SOON) {
		/* Who waits for a limit, or for room, is called for that. */
		soon = !vm->soon && !vm->paused && !vm->stopped;
		WRITE_ONCE(vm->soon, true);
	} else if (class != VIRTSOCK_TX_CREDIT) {
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
	if (soon)
		virtsock_kick_soon(vm);
	return 0;
}

/* Does a packet ask for a connection that is not allowed? */
static bool virtsock_push_denies(struct virtsock_vm *vm, struct sk_buff *skb)
{
	return virtsock_skb_op(skb) == VIRTIO_VSOCK_OP_REQUEST &&
	       !virtsock_policy_allows(vm, VIRTSOCK_HOST_CONNECTS,
				       le32_to_cpu(virtio_vsock_hdr(skb)->dst_port));
}

/**
 * virtsock_host_tx() - a packet for a guest (send_pkt)
 * @skb: the packet, consumed
 *
 * Context: process.
 * Return: bytes of payload taken; -ENODEV where no VM with that CID has a link,
 * -EACCES for a connect to a port that its policy does not allow.
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
		err = virtsock_push_denies(vm, skb) ? -EACCES :
		      virtsock_push_queue(vm, skb, class);
		virtsock_vm_put(vm);
	}
	if (err) {
		virtsock_sock_untx(skb);
		virtsock_drop(skb, err == -EACCES ? VIRTSOCK_DROP_POLICY :
						    VIRTSOCK_DROP_NO_LINK);
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
	if (!skb) {
		virtsock_drop_rec(&info, VIRTSOCK_DROP_NO_MEMORY);
		return;
	}
	virtio_vsock_skb_set_reply(skb);
	if (virtsock_push_queue(vm, skb, VIRTSOCK_TX_CONTROL))
		virtsock_drop(skb, VIRTSOCK_DROP_NO_LINK);
}

/**
 * virtsock_host_forget() - forget what a socket wanted to send
 * @vsk: the socket
 * @sync: also wait until no hypercall, nor its worker, holds a packet of it
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
			vm->tx_answers -= virtsock_is_answer(skb);
			__skb_queue_tail(&freeme, skb);
		}
	}
	spin_unlock_bh(&vm->tx_lock);
	if (sync) {
		mutex_unlock(&vm->lock);
		virtsock_sent_purge(vm, sk_vsock(vsk));
	}
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
	struct sk_buff *skb;

	__skb_queue_head_init(&freeme);
	spin_lock_bh(&vm->tx_lock);
	vm->tx_up = false;
	vm->armed = false;
	WRITE_ONCE(vm->soon, false);
	WRITE_ONCE(vm->waits, false);
	skb_queue_splice_init(&vm->txq, &freeme);
	vm->tx_answers = 0;
	spin_unlock_bh(&vm->tx_lock);
	virtsock_doorbell_stop(vm);
	while ((skb = __skb_dequeue(&freeme))) {
		virtsock_drop(skb, VIRTSOCK_DROP_LINK_END);
		cond_resched();
	}
	/* A socket looks for its packets at the VM that has its CID then. */
	virtsock_sent_purge(vm, NULL);
}
