/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of a kernel as pull.c, pack.c, rec.c and the headers they include
 * need to compile. What they only mention is an empty structure, or aborts.
 */
#ifndef _FUZZ_KERNEL_H
#define _FUZZ_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>

#define PAGE_SIZE	4096UL
#define U16_MAX		0xffffU
#define U32_MAX		0xffffffffU
#define TASK_COMM_LEN	16
#define MAX_SKB_FRAGS	17

/* Guest, host and this program are little endian. */
#define cpu_to_le16(x)	((__le16)(x))
#define cpu_to_le32(x)	((__le32)(x))
#define cpu_to_le64(x)	((__le64)(x))
#define le16_to_cpu(x)	((u16)(x))
#define le32_to_cpu(x)	((u32)(x))
#define le64_to_cpu(x)	((u64)(x))

#define ALIGN(x, a)		(((x) + (a) - 1) / (a) * (a))
#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#define EXPORT_SYMBOL_GPL(name)	_Static_assert(sizeof(&(name)), #name)
#define check_add_overflow(a, b, sum)	__builtin_add_overflow(a, b, sum)

#define min_t(type, a, b) ({			\
	type _a = (a), _b = (b);		\
	_a < _b ? _a : _b;			\
})
#define min(a, b)	min_t(__typeof__(a), a, b)
#define max(a, b)	((a) > (b) ? (a) : (b))
#define min3(a, b, c)	min(min(a, b), c)

#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define __rcu
#define rcu_access_pointer(p) READ_ONCE(p)
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Structures that are members of ours and have no say here */
struct kref { int unused; };
struct hlist_node { int unused; };
struct mmu_notifier { int unused; };
struct work_struct { int unused; };
struct delayed_work { int unused; };
struct hrtimer { int unused; };
struct mutex { int unused; };
struct rcu_head { int unused; };
struct list_head { int unused; };
struct wait_queue_entry { int unused; };
struct kvm_vcpu { int unused; };
struct kvm;
struct pid;
struct rcuwait;
struct module;
struct net;
struct iov_iter;
struct netlink_ext_ack;
struct workqueue_struct;
struct vsock_transport_send_notify_data;

#define wait_queue_head_t	struct wait_queue_entry
#define spinlock_t		struct mutex
#define atomic_t		struct fuzz_atomic
#define atomic64_t		struct fuzz_atomic64

struct fuzz_atomic { int v; };
struct fuzz_atomic64 { u64 v; };

static inline int atomic_read(const atomic_t *a)
{
	return a->v;
}

static inline void atomic64_add(u64 n, atomic64_t *a)
{
	a->v += n;
}

static inline void atomic64_inc(atomic64_t *a)
{
	a->v++;
}

/* Others run while the host is here: what they do is the input's choice. */
void fuzz_smp_mb(void);
bool fuzz_signal_pending(void);
void fuzz_cond_resched(void);

#define smp_mb()		fuzz_smp_mb()
#define smp_rmb()		((void)0)
/* Time goes by where packets are delivered. */
extern unsigned long fuzz_jiffies;
#define HZ			250
#define jiffies			fuzz_jiffies
#define time_before(a, b)	((long)((a) - (b)) < 0)
#define signal_pending(task)	fuzz_signal_pending()
#define cond_resched()		fuzz_cond_resched()
#define spin_lock_bh(lock)	((void)(lock))
#define spin_unlock_bh(lock)	((void)(lock))

int kvm_vcpu_read_guest(struct kvm_vcpu *vcpu, u64 gpa, void *data,
			unsigned long len);

/* Sockets: a received packet has none yet. */
struct sock {
	struct fuzz_atomic sk_refcnt;
	void (*sk_write_space)(struct sock *sk);
};

struct vsock_sock;
struct vsock_transport {
	s64 (*stream_has_space)(struct vsock_sock *vsk);
};

struct vsock_sock {
	const struct vsock_transport *transport;
	void *trans;
};

#define SOCK_USE_WRITE_QUEUE	0
#define vsock_sk(sk)		((struct vsock_sock *)(sk))
#define sock_flag(sk, flag)	((sk) && (flag))
#define sock_writeable(sk)	((sk)->sk_refcnt.v != 0)
#define refcount_inc_not_zero(r) ((r)->v != 0)
#define sock_put(sk)		((void)(sk))

/* Packets. The head and each fragment are allocated apart, to the byte. */
typedef struct fuzz_frag {
	u8 *at;
	u32 size;
} skb_frag_t;

struct skb_shared_info {
	u8 nr_frags;
	skb_frag_t frags[MAX_SKB_FRAGS];
};

struct sk_buff {
	struct sk_buff *next;
	struct sock *sk;
	u32 len;
	u32 data_len;
	u8 *head;
	u8 *data;
	char cb[48] __attribute__((aligned(8)));
	struct skb_shared_info shared;
};

struct sk_buff_head {
	struct sk_buff *first;
	struct sk_buff *last;
	u32 qlen;
};

#define GFP_KERNEL_ACCOUNT	0x1U
#define __GFP_ACCOUNT		0x1U
#define __GFP_NORETRY		0x2U
#define __GFP_NOWARN		0x4U
#define SKB_WITH_OVERHEAD(x)	((x) - 320)
#define SKB_TRUESIZE(x)		((x) + 576)

#define skb_shinfo(skb)		(&(skb)->shared)
#define skb_headlen(skb)	((skb)->len - (skb)->data_len)
#define skb_frag_size(frag)	((frag)->size)
#define skb_frag_address(frag)	((void *)(frag)->at)
#define skb_frag_off(frag)	((frag)->size * 0)
#define skb_frag_page(frag)	((frag)->at)
#define page_to_phys(page)	((phys_addr_t)(unsigned long)(page))
#define virt_to_phys(p)		((phys_addr_t)(unsigned long)(p))
#define skb_queue_len(q)	((q)->qlen)
#define skb_queue_empty(q)	(!(q)->qlen)
#define skb_peek_tail(q)	((q)->last)
#define skb_mark_not_on_list(skb) ((skb)->next = NULL)

#define skb_list_walk_safe(first, skb, after)				\
	for ((skb) = (first); (skb) && ((after) = (skb)->next, 1); (skb) = (after))

/* A buffer of the arena: as long as what it is for, to the byte */
struct page {
	u8 *at;
	u32 len;
};

#define PAGE_SHIFT		12
#define get_page(page)		((void)(page))
#define PAGE_ALIGN(len)		ALIGN(len, 4096)

void skb_add_rx_frag(struct sk_buff *skb, int i, struct page *page, int off,
		     int size, unsigned int truesize);
void consume_skb(struct sk_buff *skb);
void kfree_skb_list(struct sk_buff *skb);
int skb_store_bits(struct sk_buff *skb, int off, const void *from, int len);
int skb_copy_bits(const struct sk_buff *skb, int off, void *to, int len);

static inline void __skb_queue_head_init(struct sk_buff_head *q)
{
	*q = (struct sk_buff_head){ 0 };
}

static inline void __skb_queue_tail(struct sk_buff_head *q, struct sk_buff *skb)
{
	if (q->last)
		q->last->next = skb;
	else
		q->first = skb;
	q->last = skb;
	q->qlen++;
}

static inline struct sk_buff *__skb_dequeue(struct sk_buff_head *q)
{
	struct sk_buff *skb = q->first;

	if (!skb)
		return NULL;
	q->first = skb->next;
	if (!q->first)
		q->last = NULL;
	q->qlen--;
	skb->next = NULL;
	return skb;
}

static inline void trace_virtsock_vm_pull(u32 cid, u32 bytes, u32 messages,
					  u32 records, u32 packets, u32 fast,
					  u64 flags)
{
}

#endif
