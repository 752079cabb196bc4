/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's transport: one link to the host */
#ifndef _VIRTSOCK_GUEST_H
#define _VIRTSOCK_GUEST_H

#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <virtsock/control.h>
#include <virtsock/core.h>
#include <virtsock/sched.h>

#define VIRTSOCK_RING_PAGES	64U
#define VIRTSOCK_RING_SIZE	(VIRTSOCK_RING_PAGES * VIRTSOCK_PAGE_SIZE)
#define VIRTSOCK_RX_ORDER	7	/* where there is memory in a row */
#define VIRTSOCK_RX_ORDER_MIN	5
#define VIRTSOCK_BATCH_BYTES	(1024 * 1024)
#define VIRTSOCK_SEG_MIN	4096U
/* Packets refer to a receive buffer that is at least so full. */
#define VIRTSOCK_RX_REFER_MIN	0x10000U

/* Tasks that are remembered for how they poll, by their number */
#define VIRTSOCK_POLLERS_BITS	6

/**
 * struct virtsock_poller - a task that polls with something unsent
 * @pid: which; who shares its slot takes it over
 * @batch_seq: the batch that it had something in at the last of them
 * @busy: sockets it polled in a row without having slept; of those that follow
 *	each other in one batch, one, where that leaves for its size only
 * @doubt: how many more of them it takes to believe that
 * @switches: it has slept so often, by its own will, at the last of them
 */
struct virtsock_poller {
	pid_t pid;
	u32 batch_seq;
	u16 busy;
	u8 doubt;
	unsigned long switches;
};

/**
 * struct virtsock_link - the link to the host; there is one, static
 *
 * @lock: bh; protects the members up to @sched
 * @txq: packets that wait for a flush
 * @up: ring registered; hypercalls may be made by the owner of the flush
 * @flushing: somebody owns the flush: the ring, @batch, @inflight and the
 *	receive buffer are its
 * @again: somebody else wants a flush; the owner makes it
 * @stopped: the host is full; its doorbell tells when to go on; read without
 * @soon: credit in @txq must not wait for long; read without
 * @batch_seq: number of the batch that is gathered now
 * @pollers: who polls, and whether they mean to sleep
 * @sched: when to flush
 *
 * @idle: woken when @flushing falls
 * @batch: packets of this flush on their way into the ring
 * @inflight: packets in the ring; freed when the host has consumed them
 * @ring: the ring, mapped twice in a row, so that a record may run across its
 *	end without being cut
 * @pages: the ring's pages
 * @head: position up to which the ring is filled
 * @tail: position up to which the host consumed it
 * @rx_buf: receive buffer; the link's own, or one of @arena
 * @rx_own: the link's own, whose payload is copied
 * @rx_page: the one of @arena, or NULL
 * @rx_large: the last batch with payload had large payload
 * @arena: receive buffers that packets refer to
 * @rx_size: bytes of the link's own
 * @rx_off: first byte of it that is not delivered yet (short of memory)
 * @rx_len: bytes in it
 * @rx_done: bytes of the payload there that are delivered
 *
 * @rxq: received packets; its producer is the owner of the flush
 * @reply_waits: a packet that must leave was sent from a lane's worker
 * @timer: the scheduler's
 * @poll: tasklet of the doorbell
 * @flush_work: where a flush goes on that took too long, or needs memory
 * @alive_work: polls where nothing else did: each second while there are
 *	connections, each ten otherwise
 * @soon_work: a flush before long for what is @soon
 * @last_call: jiffies of the last hypercall
 * @wq: for all of them and the lanes
 *
 * @state_lock: serialises what brings the link up and down
 * @link_work: brings it up; ends what a lost link leaves
 * @admin_up: the administrator wants it; @state_lock
 * @asleep: an image of memory is being made, or read back, or the module is not
 *	ready yet; @state_lock
 * @ending: a lost link is not cleaned up yet
 * @lost: why it is lost, a negative VIRTSOCK_E*; 0: the end was announced; @lock
 * @state: enum virtsock_state
 * @reason: VIRTSOCK_E* of the last refusal
 * @cid: ours, VMADDR_CID_ANY without a link
 * @epoch: the link's
 * @doorbell: argument of DOORBELL, 0 before the interrupt is set up
 * @virq: the doorbell's interrupt
 * @domain: where it comes from
 * @stats: counters
 */
struct virtsock_link {
	spinlock_t lock;
	struct sk_buff_head txq;
	bool up;
	bool flushing;
	bool again;
	bool stopped;
	bool soon;
	u32 batch_seq;
	struct virtsock_poller pollers[1 << VIRTSOCK_POLLERS_BITS];
	struct virtsock_sched sched;

	wait_queue_head_t idle;
	struct sk_buff_head batch;
	struct sk_buff_head inflight;
	void *ring;
	struct page *pages[VIRTSOCK_RING_PAGES];
	u32 head;
	u32 tail;
	void *rx_buf;
	void *rx_own;
	struct page *rx_page;
	bool rx_large;
	struct virtsock_arena arena;
	u32 rx_size;
	u32 rx_off;
	u32 rx_len;
	u32 rx_done;

	struct virtsock_rxq rxq;
	atomic_t reply_waits;
	struct hrtimer timer;
	struct tasklet_struct poll;
	struct delayed_work flush_work;
	struct delayed_work alive_work;
	struct delayed_work soon_work;
	unsigned long last_call;
	struct workqueue_struct *wq;

	struct mutex state_lock;
	struct delayed_work link_work;
	bool admin_up;
	bool asleep;
	bool ending;
	long lost;
	u32 state;
	u32 reason;
	u32 cid;
	u64 epoch;
	u64 doorbell;
	int virq;
	struct irq_domain *domain;
	struct virtsock_stats stats;
};

extern struct virtsock_link virtsock_link;

struct virtsock_hc;

/* link.c */
int virtsock_link_init(struct virtsock_link *l);
void virtsock_link_start(struct virtsock_link *l);
void virtsock_link_exit(struct virtsock_link *l);
void virtsock_link_lost(struct virtsock_link *l, long err);
int virtsock_link_admin(struct virtsock_link *l, bool up);

/**
 * struct virtsock_flusher - who makes a flush
 * @gfp: how it may allocate
 * @locked: the socket it has locked, or NULL
 * @waits: it is about to wait for an answer
 * @why: for those who trace it
 */
struct virtsock_flusher {
	gfp_t gfp;
	struct sock *locked;
	bool waits;
	enum virtsock_flush_reason why;
};

/* ring.c */
int virtsock_ring_alloc(struct virtsock_link *l);
void virtsock_ring_free(struct virtsock_link *l);
bool virtsock_ring_fill(struct virtsock_link *l, struct virtsock_packer *p);
long virtsock_call(struct virtsock_link *l, enum virtsock_hc_op op,
		   struct virtsock_hc *hc);
long virtsock_ring_call(struct virtsock_link *l, bool waits);
int virtsock_ring_receive(struct virtsock_link *l, const struct virtsock_flusher *f);
void virtsock_ring_reap(struct virtsock_link *l);

/* flush.c */
int virtsock_flush_init(struct virtsock_link *l);
void virtsock_flush_exit(struct virtsock_link *l);
int virtsock_tx(struct virtsock_link *l, struct sk_buff *skb);
bool virtsock_tx_append(struct virtsock_link *l, struct vsock_sock *vsk,
			struct msghdr *msg, u32 len);
void virtsock_flush(struct virtsock_link *l, enum virtsock_flush_reason why);
void virtsock_flush_sync(struct virtsock_link *l);
void virtsock_about_to_wait(struct virtsock_link *l, struct vsock_sock *vsk,
			    enum virtsock_wait wait);
void virtsock_tx_cancel(struct virtsock_link *l, struct vsock_sock *vsk);
void virtsock_tx_forget(struct virtsock_link *l, struct vsock_sock *vsk);
void virtsock_tx_wait(struct virtsock_link *l);
void virtsock_tx_purge(struct virtsock_link *l);
void virtsock_flush_param(struct virtsock_link *l, enum virtsock_policy policy,
			  u64 deadline_ns);
extern const char * const virtsock_policy_names[VIRTSOCK_POLICY_NR];

/* poll.c */
bool virtsock_poll_waits(struct virtsock_link *l, struct virtsock_sock *vs);

/* alive.c */
void virtsock_alive(struct virtsock_link *l);
void virtsock_alive_soon(struct virtsock_link *l);
void virtsock_alive_init(struct virtsock_link *l);
void virtsock_alive_exit(struct virtsock_link *l);

/* doorbell.c */
int virtsock_doorbell_init(struct virtsock_link *l);
void virtsock_doorbell_exit(struct virtsock_link *l);

/* control.c */
extern const struct virtsock_guest_ops virtsock_link_ops;

#endif
