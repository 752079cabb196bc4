// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the guest: one read of the batch into our own memory, then record by
 * record, checked there, to the sockets. What is not consumed stays in the
 * ring and is read anew by the next call.
 */
#include <linux/sched/signal.h>
#include <trace/events/virtsock.h>
#include "host.h"

/* One hypercall's budget, in payload and in records */
#define VIRTSOCK_PULL_BYTES	0x100000U
#define VIRTSOCK_PULL_RECORDS	4096U
/* So many packets are delivered together, or half of what may wait for lanes */
#define VIRTSOCK_CHUNK_PACKETS	256U
/* So much is read at once: it may be a device's memory, which is slow. */
#define VIRTSOCK_READ_MAX	0x10000U
/* Answers that may wait for the guest before it gets to ask more */
#define VIRTSOCK_PULL_ANSWERS	1024U

/* Read the ring from vm->tail on. Return: 0 or -EFAULT. */
static int virtsock_read_ring(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
			      u32 span)
{
	u32 pos = vm->tail, done = 0;

	while (done < span) {
		u32 page = pos / VIRTSOCK_PAGE_SIZE % vm->nr_pages;
		u32 off = pos % VIRTSOCK_PAGE_SIZE;
		u32 n = min(span - done, VIRTSOCK_PAGE_SIZE - off);
		u32 next = page + 1;

		/* Pages that lie in a row are one read. */
		while (n < span - done && next < vm->nr_pages &&
		       n <= VIRTSOCK_READ_MAX - VIRTSOCK_PAGE_SIZE &&
		       vm->ring[next] == vm->ring[page] +
					 (u64)(next - page) * VIRTSOCK_PAGE_SIZE) {
			n += min(span - done - n, VIRTSOCK_PAGE_SIZE);
			next++;
		}
		if (kvm_vcpu_read_guest(vcpu, vm->ring[page] + off,
					vm->pull_buf + done, n))
			return -EFAULT;
		done += n;
		pos += n;
		cond_resched();
	}
	return 0;
}

/*
 * A packet's part of a payload, from @pos on, out of the batch or from where
 * the segments say. Return: 0 or -EFAULT.
 */
static int virtsock_read_payload(struct kvm_vcpu *vcpu, struct sk_buff *skb,
				 const struct virtsock_rec_info *info,
				 const void *rec, u32 pos)
{
	const struct virtsock_seg *seg = info->segs;
	u32 off = 0, n;

	if (!info->nr_segs)
		return skb_store_bits(skb, 0, rec + info->payload + pos, skb->len);

	while (pos >= le32_to_cpu(seg->len))
		pos -= le32_to_cpu((seg++)->len);
	for (; off < skb->len; off += n) {
		void *room = virtsock_skb_room(skb, off, &n);

		n = min3(n, skb->len - off, le32_to_cpu(seg->len) - pos);
		if (kvm_vcpu_read_guest(vcpu, le64_to_cpu(seg->addr) + pos, room, n))
			return -EFAULT;
		pos += n;
		if (pos == le32_to_cpu(seg->len)) {
			pos = 0;
			seg++;
		}
	}
	return 0;
}

/* A large record in one packet, or NULL: it has to do without the arena. */
static struct sk_buff *virtsock_pull_large(struct virtsock_vm *vm,
					   const struct virtsock_rec_info *info)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;
	u32 off;

	if (!VIRTSOCK_COMPAT_RX_FRAGS || info->len < VIRTSOCK_POOL_MIN ||
	    !virtsock_reader_seen(vm->rxq.t, info))
		return NULL;
	page = virtsock_arena_room(&vm->arena, info->len, gfp, &off);
	if (!page)
		return NULL;
	return virtsock_unpack_page(info, page, off, gfp);
}

/*
 * A record becomes one packet or several, but all of them or none. Return: 0,
 * -EFAULT, -ENOMEM.
 */
static int virtsock_pull_record(struct kvm_vcpu *vcpu, struct virtsock_vm *vm,
				const struct virtsock_rec_info *info,
				const void *rec, struct sk_buff_head *packets)
{
	struct sk_buff *skb, *next, *first = NULL, **link = &first;
	u32 done = 0;

	do {
		skb = done ? NULL : virtsock_pull_large(vm, info);
		if (!skb)
			skb = virtsock_unpack(info, done, GFP_KERNEL_ACCOUNT |
							  __GFP_NORETRY | __GFP_NOWARN);
		if (!skb) {
			kfree_skb_list(first);
			return -ENOMEM;
		}
		*link = skb;
		link = &skb->next;
		if (info->len && virtsock_read_payload(vcpu, skb, info, rec, done)) {
			kfree_skb_list(first);
			return -EFAULT;
		}
		done += skb->len;
	} while (done < info->len);

	virtsock_tap(rec, info->nr_segs ? first : NULL, info->len);
	skb_list_walk_safe(first, skb, next) {
		skb_mark_not_on_list(skb);
		__skb_queue_tail(packets, skb);
	}
	return 0;
}

/*
 * To the sockets. To make packets may let others run, and the first receiver
 * that wakes would take the CPU for each record anew; to deliver them does not.
 * How long one takes is the host programs' to say: after @until the rest is for
 * the workers.
 */
static void virtsock_pull_deliver(struct virtsock_vm *vm,
				  struct sk_buff_head *packets,
				  unsigned long until, u32 *fast)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(packets))) {
		if (time_before(jiffies, until))
			*fast += virtsock_rxq_add(&vm->rxq, skb, NULL);
		else
			virtsock_rxq_add_later(&vm->rxq, skb);
	}
}

/* Let others run. What they take is not this hypercall's time. */
static void virtsock_pull_resched(unsigned long *until)
{
	unsigned long before = jiffies;

	cond_resched();
	*until += jiffies - before;
}

/* Host programs do not keep up. Return: true if the guest has to wait. */
static bool virtsock_backlog_full(struct virtsock_vm *vm)
{
	u32 backlog = READ_ONCE(vm->backlog);
	bool full;

	if (atomic_read(&vm->rxq.bytes) < backlog)
		return false;
	spin_lock_bh(&vm->tx_lock);
	vm->stopped = true;
	/* It may have drained just before that was to be seen. */
	smp_mb();
	full = atomic_read(&vm->rxq.bytes) > READ_ONCE(vm->rxq.low);
	if (!full)
		vm->stopped = false;
	spin_unlock_bh(&vm->tx_lock);
	return full;
}

/**
 * virtsock_pull() - consume the ring
 * @vcpu: the caller
 * @vm: its VM
 * @head: position up to which the guest filled the ring
 * @flags: VIRTSOCK_FR_* are added
 *
 * Context: vCPU thread, vm->lock held.
 * Return: 0; -EPROTO or -EFAULT for what the guest must not do.
 */
int virtsock_pull(struct kvm_vcpu *vcpu, struct virtsock_vm *vm, u32 head,
		  u64 *flags)
{
	u32 size = vm->nr_pages * VIRTSOCK_PAGE_SIZE;
	int span = virtsock_ring_span(vm->tail, head, size);
	u32 bytes = 0, messages = 0, records = 0, count = 0, fast = 0;
	u32 left, held = 0, off = 0;
	struct sk_buff_head packets;
	unsigned long until;
	bool over = false;
	int err = 0;

	if (span <= 0)
		return span;
	left = virtsock_policy_left(vm, VIRTSOCK_METER_RX);
	if (!left) {
		virtsock_policy_over(vm, VIRTSOCK_METER_RX);
		*flags |= VIRTSOCK_FR_TX_STOP;
		return 0;
	}
	/* Answers that it may not fetch yet: to call again would be in vain. */
	if (READ_ONCE(vm->tx_answers) > VIRTSOCK_PULL_ANSWERS) {
		bool over = !virtsock_policy_left(vm, VIRTSOCK_METER_TX);

		if (over)
			virtsock_policy_over(vm, VIRTSOCK_METER_TX);
		if (over || virtsock_push_stuck(vm)) {
			*flags |= VIRTSOCK_FR_TX_STOP;
			return 0;
		}
	}
	err = virtsock_read_ring(vcpu, vm, span);
	if (err)
		return err;

	until = jiffies + VIRTSOCK_CALL_TIME;
	__skb_queue_head_init(&packets);
	while (off < span) {
		const void *rec = vm->pull_buf + off;
		struct virtsock_rec_info info;

		if (bytes >= VIRTSOCK_PULL_BYTES || records >= VIRTSOCK_PULL_RECORDS ||
		    READ_ONCE(vm->tx_answers) > VIRTSOCK_PULL_ANSWERS ||
		    ((signal_pending(current) || !time_before(jiffies, until)) &&
		     records)) {
			*flags |= VIRTSOCK_FR_TX_MORE;
			break;
		}
		over = bytes + records * sizeof(struct virtsock_rec) >= left;
		if (over) {
			*flags |= VIRTSOCK_FR_TX_STOP;
			break;
		}
		if (virtsock_backlog_full(vm)) {
			virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_STOPS);
			*flags |= VIRTSOCK_FR_TX_STOP;
			break;
		}
		err = virtsock_rec_parse(rec, span - off, true, &info);
		if (err < 0)
			break;
		err = info.src_cid == vm->cid ? 0 : -EPROTO;
		if (err)
			break;

		/* Other guests cannot be reached: say so, as a host would. */
		if (info.dst_cid != VMADDR_CID_HOST) {
			virtsock_drop_rec(&info, VIRTSOCK_DROP_NO_ROUTE);
			virtsock_push_reset(vm, &info);
		} else {
			/* Many such may be much to read, where that is slow. */
			if (info.nr_segs)
				virtsock_pull_resched(&until);
			err = virtsock_pull_record(vcpu, vm, &info, rec, &packets);
			if (err == -ENOMEM) {
				virtsock_kick_later(vm);
				virtsock_stat_inc(&vm->stats, VIRTSOCK_STATS_A_STOPS);
				*flags |= VIRTSOCK_FR_TX_STOP;
			}
			if (err < 0)
				break;
			/* The way of all requests: the time shall not tell. */
			if (info.op == VIRTIO_VSOCK_OP_REQUEST &&
			    !virtsock_policy_allows(vm, VIRTSOCK_GUEST_CONNECTS,
						    info.dst_port))
				virtsock_skb_cb(skb_peek_tail(&packets))->denied = true;
			held += info.len;
			if (held >= READ_ONCE(vm->backlog) / 2 ||
			    skb_queue_len(&packets) >= VIRTSOCK_CHUNK_PACKETS) {
				count += skb_queue_len(&packets);
				virtsock_pull_deliver(vm, &packets, until, &fast);
				held = 0;
				virtsock_pull_resched(&until);
			}
		}
		off += info.size;
		bytes += info.len;
		messages += info.nr_msgs;
		records++;
	}
	count += skb_queue_len(&packets);
	virtsock_pull_deliver(vm, &packets, until, &fast);
	vm->tail += off;
	virtsock_policy_took(vm, VIRTSOCK_METER_RX,
			     bytes + records * sizeof(struct virtsock_rec));
	if (over)
		virtsock_policy_over(vm, VIRTSOCK_METER_RX);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_RX_BYTES, bytes);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_RX_MESSAGES, messages);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_RX_RECORDS, records);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_FAST, fast);
	virtsock_stat_add(&vm->stats, VIRTSOCK_STATS_A_DEFERRED, count - fast);
	trace_virtsock_vm_pull(vm->cid, bytes, messages, records, count, fast, *flags);
	return err < 0 && err != -ENOMEM ? err : 0;
}
