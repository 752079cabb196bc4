/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtsock_core: what the guest's and the host's transport share.
 *
 * Order of locks, outermost first:
 *   lock_sock(sk)
 *   the owner of a link's flush (guest) or the link's mutex (host)
 *   a side's lock (bh)
 *   slock of a socket, or the lock of what waits for the other side (bh)
 *   the wait queue of the socket's lock (irq)
 *   a lane's skbs.lock (irq)
 *   virtsock_sock.lock, the common code's rx_lock and tx_lock (bh, leaves)
 */
#ifndef _VIRTSOCK_CORE_H
#define _VIRTSOCK_CORE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/virtio_vsock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/af_vsock.h>
#include <uapi/linux/virtsock.h>
#include <virtsock/credit.h>
#include <virtsock/reason.h>
#include <virtsock/rec.h>

/**
 * struct virtsock_sock - state of a socket, vsk->trans
 * @vvs: the common code's state; first, as it frees what vsk->trans points to
 * @lock: protects @credit and the flags below; bh, a leaf
 * @credit: records sent and admitted, newest byte credit of the peer
 * @buf_size: the buffer's size as the program wants it, or what it has grown to
 *	where the program wants none; @vvs.buf_alloc is the largest that it ever
 *	was, as the peer may send by what it was told
 * @buf_fixed: the program has said how large it is to be; under lock_sock
 * @buf_grown: it has grown beyond what the program knows; under lock_sock
 * @buf_taken: bytes by which it has grown; under lock_sock
 * @promised: bytes that the peer was told to send up to, cumulative
 * @deferred: bytes of those that wait for a lane's worker
 * @sent_fwd: fwd_cnt that left last
 * @sent_limit: record limit that left last
 * @sent_alloc: buf_alloc that left last
 * @tx_cid: who its packets go to, for the host: the peer's address changes
 *	before a socket is given to another transport
 * @full: there was no space when a writer, or poll, looked last
 * @asked: this side is blocked and has asked the peer for credit
 * @peer_blocked: the peer asked for credit and was not given any since
 * @peer_stalled: it has asked for credit since the connection was begun
 * @credit_queued: a credit update of this socket waits in a queue
 * @urgent_queued: one that must leave at once is among them
 * @soon_queued: one that must not wait for long is
 * @answered: something was sent since the last receive, so a further send is
 *	no reply
 * @more: what is sent is not the last piece of its message, or has MSG_MORE; under
 *	lock_sock
 * @room: bytes of payload that its next packet is made for, if more than its
 *	message; under lock_sock
 * @need: bytes that a message takes which did not fit; under lock_sock
 * @begun: a message is being sent that must not wait; under lock_sock
 * @told: SHUTDOWN_MASK bits that the peer was told of; under lock_sock
 * @blocks: the last receive had to wait in recv(), not in poll
 * @cut: its link has ended: it sends nothing, as its ports may be another
 *	connection's on the next link; cleared by a new connect()
 * @dead: it was connected then; set once, never cleared
 * @heard_all: it was connected then, but the peer had sent its last byte
 * @dead_link: on the list of those that virtsock_reset() ends
 * @side_link: on the list of its side's sockets; the side's lock
 * @held: it holds the side's module; the side's lock
 * @parked: received packets that wait until the program lets the socket go;
 *	the socket's spinlock
 * @parked_size: memory that these take (truesize); the same lock
 * @lane: where they came from, while there are any
 * @bell: waits for that, or for who is connecting on a cut link; the same lock
 * @rung: on that lane's list of the same name
 * @batch_seq: the batch that took what it sent last; the guest link's lock
 * @polled: nothing was sent since it was polled last; the same lock
 *
 * Lives from the transport's .init to its .destruct, i.e. as long as the
 * socket is assigned to the transport; whoever holds a reference to the
 * connected socket may use it.
 */
struct virtsock_sock {
	struct virtio_vsock_sock vvs;
	spinlock_t lock;
	struct virtsock_credit credit;
	u32 buf_size;
	u32 buf_taken;
	u32 promised;
	u32 deferred;
	u32 sent_fwd;
	u32 sent_limit;
	u32 sent_alloc;
	u32 tx_cid;
	u32 need;
	u32 room;
	bool buf_fixed;
	bool buf_grown;
	bool full;
	bool asked;
	bool peer_blocked;
	bool peer_stalled;
	bool credit_queued;
	bool urgent_queued;
	bool soon_queued;
	bool answered;
	bool more;
	bool begun;
	u8 told;
	bool blocks;
	bool cut;
	bool dead;
	bool heard_all;
	bool held;
	struct list_head dead_link;
	struct list_head side_link;
	struct sk_buff_head parked;
	u64 parked_size;
	struct list_head rung;
	struct virtsock_lane *lane;
	struct wait_queue_entry bell;
	u32 batch_seq;
	bool polled;
};

s64 virtsock_stream_has_space(struct vsock_sock *vsk);

/* NULL for a socket of another transport, or of none (a listener) */
static inline struct virtsock_sock *virtsock_sk(const struct vsock_sock *vsk)
{
	const struct vsock_transport *t = READ_ONCE(vsk->transport);

	return t && t->stream_has_space == virtsock_stream_has_space ? vsk->trans : NULL;
}

/*
 * The same with slock held, and for one that is not connected, too: its next
 * connect() may give it to another transport. virtsock_destruct() takes the flag
 * off, and the spinlock after that, before the state goes.
 */
static inline struct virtsock_sock *virtsock_sk_locked(struct sock *sk,
						       bool connected)
{
	if (!connected && !sock_flag(sk, SOCK_USE_WRITE_QUEUE))
		return NULL;
	smp_rmb();	/* pairs with virtsock_sock_init() */
	return virtsock_sk(vsock_sk(sk));
}

/*
 * Bytes of a stream that may become one packet for its reader. The reader's
 * side gives credit back packet by packet: where one has half of the buffer, a
 * reader that waits for more than the other half (SO_RCVLOWAT) and the writer
 * would both wait. Like this it may wait for three quarters, but for what gathers
 * up to VIRTSOCK_OPEN_MIN where that is more. The writer's own buffer is the window
 * where it is the smaller one.
 */
static inline u32 virtsock_merge_max(const struct virtsock_sock *vs)
{
	if (!vs)
		return 0;
	return min3(READ_ONCE(vs->vvs.peer_buf_alloc) / 4,
		    READ_ONCE(vs->buf_size) / 4, VIRTSOCK_REC_LEN_MAX);
}

/* A packet may have so much of one message, however small the buffers are */
#define VIRTSOCK_OPEN_MIN	4096U

static inline u32 virtsock_packet_max(const struct virtsock_sock *vs)
{
	return max(virtsock_merge_max(vs), VIRTSOCK_OPEN_MIN);
}

/*
 * Bytes that the peer may have on the way and in the queue, by what it was told.
 * vs->lock held. More than the buffer ever was: it sends what it may not, and
 * gets nothing for it.
 */
static inline u32 virtsock_promised(struct virtsock_sock *vs, u32 fwd_cnt)
{
	u32 left = vs->promised - fwd_cnt;

	return left <= vs->vvs.buf_alloc ? left : 0;
}

/* Ours in skb->cb, behind the common code's */
struct virtsock_skb_cb {
	struct virtio_vsock_skb_cb virtio;
	u32 msg_limit;
	u32 charge;	/* received: to the backlog while it waits for a worker */
	u32 paid;	/* received: to its socket, likewise */
	u32 gen;	/* received: the link it came by, counted by its queue */
	u32 pos;	/* sent: end of its record in the ring; where its payload goes */
	u16 nr_msgs;
	bool denied;	/* received: as if nobody had the port */
	bool unseen;	/* received: nobody has looked for its socket yet */
	bool slow;	/* received: no work to do before programs have the CPU */
};

static inline struct virtsock_skb_cb *virtsock_skb_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct virtsock_skb_cb) > sizeof(skb->cb));
	return (struct virtsock_skb_cb *)skb->cb;
}

static inline u16 virtsock_skb_op(struct sk_buff *skb)
{
	return le16_to_cpu(virtio_vsock_hdr(skb)->op);
}

/* What a packet that the common code sends means for the scheduler */
enum virtsock_tx_class {
	VIRTSOCK_TX_DATA,	/* payload */
	VIRTSOCK_TX_REPLY,	/* payload after a receive */
	VIRTSOCK_TX_MORE,	/* payload, more to follow at once */
	VIRTSOCK_TX_CONTROL,
	VIRTSOCK_TX_CREDIT,	/* credit nobody waits for */
	VIRTSOCK_TX_SOON,	/* a little for a peer that is blocked */
	VIRTSOCK_TX_URGENT,	/* credit the peer is blocked on */
	VIRTSOCK_TX_DROP	/* superseded: the caller frees it */
};

/* sock.c */

/* How long VIRTSOCK_TX_SOON waits for another reason to call, in jiffies */
#define VIRTSOCK_SOON_DELAY	max(HZ / 20, 1)

int virtsock_sock_init(struct vsock_sock *vsk, struct vsock_sock *psk);
void virtsock_credit_check(struct vsock_sock *vsk);
ssize_t virtsock_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
				size_t len, int flags);
ssize_t virtsock_seqpacket_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
				   int flags);
u32 virtsock_seqpacket_has_data(struct vsock_sock *vsk);
enum virtsock_tx_class virtsock_sock_message(struct virtsock_sock *vs);
enum virtsock_tx_class virtsock_sock_tx(struct sk_buff *skb);
void virtsock_sock_untx(struct sk_buff *skb);
void virtsock_sock_stamp(struct sk_buff *skb);
void virtsock_sock_rx(struct sock *sk, struct sk_buff *skb);
bool virtsock_sock_rx_over(struct sock *sk);
void virtsock_sock_rx_done(struct sock *sk, u16 nr_msgs, u32 paid);

/* pool.c */

#define VIRTSOCK_POOL_ORDER	2
#define VIRTSOCK_POOL_BYTES	((u32)(PAGE_SIZE << VIRTSOCK_POOL_ORDER))

/* Less would waste more than half of a page */
#define VIRTSOCK_POOL_MIN	(VIRTSOCK_POOL_BYTES / 2)

void virtsock_pool_init(void);
void virtsock_pool_exit(void);
struct sk_buff *virtsock_pool_alloc(u32 len, gfp_t gfp);
bool virtsock_pool_append(struct sk_buff *skb, struct iov_iter *from, u32 len);

/* buffer.c */

/* A socket's buffer where its program sets none, as the vsock core has it */
#define VIRTSOCK_BUF_DEFAULT	(256U * 1024U)

void virtsock_buf_grow(struct virtsock_sock *vs);
void virtsock_buf_release(struct virtsock_sock *vs);
void virtsock_notify_buffer_size(struct vsock_sock *vsk, u64 *val);

/* send.c */
struct sk_buff *virtsock_alloc_packet(struct vsock_sock *vsk, u16 op, u32 room,
				      gfp_t gfp);
void virtsock_fill_packet(struct vsock_sock *vsk, struct sk_buff *skb, u16 op);
int virtsock_send_packet(struct vsock_sock *vsk, struct sk_buff *skb);
bool virtsock_send_credit(struct vsock_sock *vsk, u16 op);
ssize_t virtsock_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
				size_t len);
int virtsock_notify_send_init(struct vsock_sock *vsk,
			      struct vsock_transport_send_notify_data *data);
int virtsock_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			       size_t len);

/* append.c */

/* A larger message is not copied while others wait for the queue */
#define VIRTSOCK_APPEND_MAX	8192U

/* Payload in one piece, of a packet that messages gather in: 16 KiB with all */
#define VIRTSOCK_OPEN_MAX	((u32)SKB_WITH_OVERHEAD(16384) - \
				 (u32)VIRTIO_VSOCK_SKB_HEADROOM)

bool virtsock_append(struct sk_buff *skb, struct vsock_sock *vsk,
		     struct msghdr *msg, u32 len, enum virtsock_tx_class *class);
ssize_t virtsock_open(struct vsock_sock *vsk, struct msghdr *msg, size_t len);

/* transport.c */

/* What a program is about to wait in */
enum virtsock_wait {
	VIRTSOCK_WAIT_RECV,	/* asleep, for data */
	VIRTSOCK_WAIT_SEND,	/* asleep, for room */
	VIRTSOCK_WAIT_POLL	/* perhaps: poll() had no data to tell of */
};

/**
 * struct virtsock_side_ops - how a side's module carries packets
 * @owner: the module; held by each socket that has, or may get, a connection
 * @tx: a packet, consumed; bytes of payload taken, or a negative errno
 * @append: more of a stream, by virtsock_append(), to what waits last; false if
 *	nothing was taken
 * @forget: drop what a socket wanted to send. With the flag also wait until
 *	nothing refers to its state any more.
 * @about_to_wait: a program is about to wait on a socket that it has locked;
 *	never sleeps itself; may be NULL
 * @opened: there is a first socket now; may be NULL
 *
 * Context: process.
 */
struct virtsock_side_ops {
	struct module *owner;
	int (*tx)(struct sk_buff *skb);
	bool (*append)(struct vsock_sock *vsk, struct msghdr *msg, u32 len);
	void (*forget)(struct vsock_sock *vsk, bool sync);
	void (*about_to_wait)(struct vsock_sock *vsk, enum virtsock_wait wait);
	void (*opened)(void);
};

/**
 * struct virtsock_side - the guest's or the host's transport
 * @t: what a socket points to for as long as it is open; first
 * @cid: own CID (guest)
 * @lock: protects the members below, and @held of each socket; bh
 * @ops: NULL while no module is there
 * @socks: all sockets that are assigned to @t, and two marks while virtsock_reset()
 *	goes through them
 * @held: sockets that hold the module
 */
struct virtsock_side {
	struct virtio_transport t;
	u32 cid;
	spinlock_t lock;
	const struct virtsock_side_ops *ops;
	struct list_head socks;
	u32 held;
};

extern struct virtsock_side virtsock_guest_side, virtsock_host_side;

int virtsock_side_register(struct virtsock_side *side,
			   const struct virtsock_side_ops *ops, int features);
void virtsock_side_unregister(struct virtsock_side *side);
void virtsock_side_wait(void);
bool virtsock_side_append(struct vsock_sock *vsk, struct msghdr *msg, u32 len);
int virtsock_cancel_pkt(struct vsock_sock *vsk);

/* reset.c */
void virtsock_sock_late(struct sock *sk);
void virtsock_sock_release(struct vsock_sock *vsk);
void virtsock_sock_error(struct vsock_sock *vsk);
bool virtsock_sock_refuse(struct sock *sk);
struct module *virtsock_sock_unhold(struct virtsock_side *side, struct virtsock_sock *vs);
void virtsock_reset(struct virtsock_side *side, bool (*meant)(u32 cid));
void virtsock_reset_late(struct virtsock_side *side, struct virtsock_sock *vs);

/* pack.c */

/**
 * struct virtsock_packer - packets on their way into one batch
 * @buf: where the batch goes
 * @size: bytes there
 * @used: bytes filled
 * @cid: source CID for all of them; 0: as each packet says
 * @seg_min: payloads of this size and more stay where they are (0: none do)
 * @room_min: payloads of this size and more get room, which the caller fills
 *	(0: none do)
 * @last: last record, or NULL; may still grow
 * @last_sk: its socket
 * @last_skb: the packet that its payload begins with
 * @last_apart: a part of its payload is in its packets only
 * @records: records in the batch
 * @messages: messages in them
 * @bytes: payload in them
 */
struct virtsock_packer {
	void *buf;
	u32 size;
	u32 used;
	u32 cid;
	u32 seg_min;
	u32 room_min;
	struct virtsock_rec *last;
	struct sock *last_sk;
	struct sk_buff *last_skb;
	bool last_apart;
	u32 records;
	u32 messages;
	u32 bytes;
};

bool virtsock_pack(struct virtsock_packer *p, struct sk_buff *skb);

/* Has a packet got room only, at its cb's pos of the batch? */
static inline bool virtsock_pack_room(const struct virtsock_packer *p,
				      const struct sk_buff *skb)
{
	return p->room_min && skb->len >= p->room_min;
}

void virtsock_sock_sent(struct sk_buff *skb);
void virtsock_pack_seal(struct virtsock_packer *p);
struct sk_buff *virtsock_unpack(const struct virtsock_rec_info *info,
				u32 off, gfp_t gfp);
struct sk_buff *virtsock_unpack_page(const struct virtsock_rec_info *info,
				     struct page *page, u32 off, gfp_t gfp);
void *virtsock_skb_room(struct sk_buff *skb, u32 off, u32 *len);

/* arena.c */

#define VIRTSOCK_ARENA_PAGES	4
#define VIRTSOCK_ARENA_ORDER	7
#define VIRTSOCK_ARENA_BYTES	((u32)(PAGE_SIZE << VIRTSOCK_ARENA_ORDER))

/**
 * struct virtsock_arena - buffers that packets refer to
 * @pages: the first page of each, with a reference of the arena's
 * @nr: how many there are
 * @cur: the one that is used now
 * @used: bytes of it
 * @failed: there was no memory for another one
 * @retry: jiffies when to try again
 *
 * Zeroes are an empty one. The owner serialises.
 */
struct virtsock_arena {
	struct page *pages[VIRTSOCK_ARENA_PAGES];
	u32 nr;
	u32 cur;
	u32 used;
	bool failed;
	unsigned long retry;
};

struct page *virtsock_arena_page(struct virtsock_arena *a, gfp_t gfp);
struct page *virtsock_arena_room(struct virtsock_arena *a, u32 len, gfp_t gfp,
				 u32 *off);
void virtsock_arena_free(struct virtsock_arena *a);

/* tap.c */
void virtsock_tap(const struct virtsock_rec *rec, struct sk_buff *skb, u32 len);

/* drop.c */
void virtsock_drop_seen(struct sk_buff *skb, enum virtsock_drop_reason why);
void virtsock_drop(struct sk_buff *skb, enum virtsock_drop_reason why);
void virtsock_drop_all(struct sk_buff_head *skbs, enum virtsock_drop_reason why);
void virtsock_drop_rec(const struct virtsock_rec_info *rec,
		       enum virtsock_drop_reason why);

/* rxq.c */

#define VIRTSOCK_RXQ_LANES	16

/**
 * struct virtsock_lane - packets of some connections, in order
 * @rxq: the queue it belongs to
 * @skbs: what waits for the worker; its lock protects it
 * @unseen: what comes behind that: packets of which nobody has looked for the
 *	socket yet, and what came after them; its own lock
 * @nr_unseen: packets there, or on the way from there to @skbs: until it is 0
 *	all is put there
 * @rung: sockets that were let go, with packets parked; the same lock
 * @late: packets for sockets that they are no part of; the same lock
 * @nr_late: how many
 * @late_rung: one of those sockets was let go
 * @work: delivers @skbs in process context
 * @busy: it goes on where it stopped; the worker's own
 * @since: jiffies when it began to; the worker's own
 * @pending: packets queued and neither delivered nor parked yet; while it is
 *	not 0 nothing may overtake through the fast path
 * @gen: of the packet that the worker has in its hands; the worker's own
 */
struct virtsock_lane {
	struct virtsock_rxq *rxq;
	struct sk_buff_head skbs;
	struct sk_buff_head unseen;
	atomic_t nr_unseen;
	struct list_head rung;
	struct list_head late;
	u32 nr_late;
	bool late_rung;
	struct work_struct work;
	bool busy;
	unsigned long since;
	atomic_t pending;
	u32 gen;
};

/**
 * struct virtsock_rxq - received packets on their way to their sockets
 * @t: the transport they came by
 * @wq: where the lanes run
 * @mm: whose cgroup pays for them (host), or NULL; there as long as the lanes run
 * @waiting: packets that wait, in a lane or parked
 * @bytes: memory held by them, beyond what their sockets' buffers are there for
 * @gen: links that have ended; what came before the last end is stale
 * @seed: of the hash, so that no program can choose its lane
 * @idle: woken when nothing waits
 * @low: @drained is called when @bytes falls below this again
 * @drained: context: any but hard irq, perhaps under a socket's spinlock
 * @end: called in a lane's worker after it delivered: replies may leave now
 * @lanes: by connection, so order holds and nobody waits for a stranger
 *
 * Owned by a VM (host) or the link (guest). One producer at a time.
 */
struct virtsock_rxq {
	struct virtio_transport *t;
	struct workqueue_struct *wq;
	struct mm_struct *mm;
	u32 gen;
	u32 seed;
	wait_queue_head_t idle;
	atomic_t waiting;
	atomic_t bytes;
	u32 low;
	void (*drained)(struct virtsock_rxq *q);
	void (*end)(struct virtsock_rxq *q);
	struct virtsock_lane lanes[VIRTSOCK_RXQ_LANES];
};

void virtsock_rxq_init(struct virtsock_rxq *q, struct virtio_transport *t,
		       struct workqueue_struct *wq);
bool virtsock_rxq_add(struct virtsock_rxq *q, struct sk_buff *skb,
		      struct sock *locked);
void virtsock_rxq_add_later(struct virtsock_rxq *q, struct sk_buff *skb);
void virtsock_rxq_drain(struct virtsock_rxq *q);
void virtsock_rxq_flush(struct virtsock_rxq *q);
bool virtsock_rxq_in_worker(struct virtsock_rxq *q);
bool virtsock_rxq_stale(void);
void virtsock_rxq_forget(struct virtsock_rxq *q, struct sk_buff *skb,
			 enum virtsock_drop_reason why);
void virtsock_rxq_uncharge(struct virtsock_rxq *q, u32 bytes);

/* park.c */
void virtsock_park_init(struct virtsock_sock *vs);
bool virtsock_park(struct virtsock_lane *lane, struct sock *sk,
		   struct sk_buff *skb, bool connected);
struct virtsock_rxq *virtsock_park_take(struct sock *sk, struct virtsock_sock *vs,
					enum virtsock_drop_reason why,
					struct sk_buff_head *list);
void virtsock_park_purge(struct sock *sk, struct virtsock_sock *vs);
bool virtsock_park_refuse(struct sock *sk, struct virtsock_sock *vs);
void virtsock_unpark(struct virtsock_lane *lane);

/* Does something wait with this socket? slock held. */
static inline bool virtsock_parked(struct sock *sk)
{
	struct virtsock_sock *vs = virtsock_sk(vsock_sk(sk));

	return vs && !skb_queue_empty(&vs->parked);
}

/* late.c */
int virtsock_late(struct virtsock_lane *lane, struct sock *sk,
		  struct sk_buff *skb);
void virtsock_late_back(struct virtsock_lane *lane);
void virtsock_late_purge(struct virtsock_lane *lane);

/* deliver.c */

/* Packets that are copied into the one before them: GOOD_COPY_LEN of the common code */
#define VIRTSOCK_SMALL	128

bool virtsock_deliver_fast(struct virtsock_lane *lane, struct sk_buff *skb,
			   struct sock *locked);
u32 virtsock_deliver_later(struct virtio_transport *t, struct sk_buff *skb);
bool virtsock_reader_seen(struct virtio_transport *t,
			  const struct virtsock_rec_info *info);
bool virtsock_deliver_slow(struct virtsock_lane *lane, struct sk_buff *skb);

/**
 * struct virtsock_stats - counters, by enum virtsock_stats_attr
 * @v: the counters; relaxed, each exact in itself
 */
struct virtsock_stats {
	atomic64_t v[VIRTSOCK_STATS_A_MAX + 1];
};

static inline void virtsock_stat_add(struct virtsock_stats *s,
				     enum virtsock_stats_attr a, u64 n)
{
	if (n)
		atomic64_add(n, &s->v[a]);
}

static inline void virtsock_stat_inc(struct virtsock_stats *s,
				     enum virtsock_stats_attr a)
{
	atomic64_inc(&s->v[a]);
}

#endif
