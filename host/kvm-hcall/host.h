/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's side: VMs, their links, and the hypercall */
#ifndef _VIRTSOCK_HOST_H
#define _VIRTSOCK_HOST_H

#include <linux/kref.h>
#include <linux/kvm_host.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <virtsock/control.h>
#include <virtsock/core.h>
#include <virtsock/moderate.h>

/* Bytes that may wait for host programs that hold their sockets, per VM */
#define VIRTSOCK_BACKLOG_DEFAULT	(8U << 20)
#define VIRTSOCK_BACKLOG_MIN		(256U << 10)
#define VIRTSOCK_BACKLOG_MAX		0x40000000U

/* Why a link ends; bits of virtsock_vm.why */
enum virtsock_end {
	VIRTSOCK_END_LINK,	/* the link only: the binding stays */
	VIRTSOCK_END_GONE,	/* the binding too */
	VIRTSOCK_END_EXIT,	/* with GONE: the VMM died */
	VIRTSOCK_END_AGAIN	/* with GONE: it did not, the binding is for its next VM */
};

/* Whose programs connect to the other side's */
enum virtsock_connects {
	VIRTSOCK_GUEST_CONNECTS,
	VIRTSOCK_HOST_CONNECTS
};

/* What of a VM is limited */
enum virtsock_meter {
	VIRTSOCK_METER_RX,	/* bytes from the guest */
	VIRTSOCK_METER_TX,	/* bytes to it */
	VIRTSOCK_METER_CALLS,	/* hypercalls */
	VIRTSOCK_METER_NR
};

struct virtsock_policy;

/**
 * struct virtsock_vm - a VM that has a CID
 *
 * Found by CID (RCU) and, once it said HELLO, by its struct kvm (RCU). A
 * reference keeps the object, its struct kvm, and thereby its vCPUs. The table
 * holds one from vm add to the end of @end_work with GONE; a queued @end_work
 * holds one; lookups take one for as long as they use it.
 *
 * @ref: see above
 * @by_cid: virtsock_vms; virtsock_vms_lock, RCU
 * @by_kvm: virtsock_kvms; virtsock_vms_lock, RCU
 * @rcu: lookups may still see it; kfree_rcu() wants it in the first 4096 bytes,
 *	and lock debugging makes what is below larger than that
 * @cid: constant
 * @pid: thread group of the VMM, constant; a struct pid is never another
 *	process's, whatever becomes of its number
 * @name: label; virtsock_vms_lock
 * @backlog: bytes that may wait in @rxq
 * @policy: what the VM may do, NULL: anything; written under virtsock_vms_lock
 * @kvm: set once, at HELLO, under @lock and virtsock_vms_lock; referenced
 * @vendor: the module whose code ends @kvm; as long, set before it
 * @mn: tells of the death of the VMM; registered with @kvm
 * @why: bits of enum virtsock_end, set with the request to end
 * @end_work: ends the link in process context
 * @resetting: the sockets of this CID are being reset
 *
 * @lock: serialises the hypercalls of this VM and @end_work; protects the link
 * @state: enum virtsock_state
 * @reason: VIRTSOCK_E* of the last HELLO that was refused, 0 once it was not
 * @told: what of that the administrator was told, 0 for nothing
 * @epoch: of the link
 * @ring: guest addresses of the ring's pages, read once at REGISTER
 * @nr_pages: number of them
 * @tail: position up to which the ring was consumed
 * @ended: jiffies when the last link ended
 * @pull_buf: the batch as read, one ring in size
 * @push_buf: the batch to write
 * @arena: what large payload is read to; @lock
 * @pause_ns: how long to wait as this hypercall met a limit; 0: it did not; @lock
 *
 * @tx_lock: bh; protects the members below
 * @txq: packets that wait for the guest
 * @tx_answers: answers to what the guest sent among them
 * @waits: more than credit that nobody is blocked on is among them: worth a call
 * @soon: some of that credit must not wait for long
 * @tx_up: there is a link to take them
 * @armed: ring when something comes
 * @bell: may that wait for more?
 * @bell_timer: it has waited long enough; starts only while @tx_up
 * @kick: the guest shall call though @txq is empty: it may send again
 * @stopped: the guest was told to wait, until @rxq drained or for a limit
 * @paused: a limit, or what is in @sent, keeps what waits from the guest: it is
 *	not rung for it
 * @doorbell: where to ring, as in DOORBELL
 *
 * @sent: packets that the guest has, and nobody had time to free
 * @sent_work: frees them; holds a reference while it is queued
 *
 * @lingerer: where a vCPU sleeps until there is an answer; @tx_lock
 * @linger_since: when a wait began that was in vain, in ns; 0: none; @tx_lock
 * @linger_skip: calls not to sleep in, as it was no use lately; written
 *	under @lock, read without
 * @linger_fails: how often in a row it was none; @lock
 * @linger_ns: how long to wait for an answer now, adaptive
 * @kick_work: rings again where a doorbell was not answered
 * @kick_delay: its period now, in jiffies
 * @soon_work: runs @kick_work before long for what is @soon
 * @rxq: packets from the guest on their way to their sockets
 * @stats: counters
 * @release_work: frees the object
 * @next: this binding's next VM, with a reference; by @end_work before it is known
 * @left: it is in no table any more, and all of its end is done
 * @behind: the VM before it in this binding has yet to let go of KVM's
 */
struct virtsock_vm {
	struct kref ref;
	struct hlist_node by_cid;
	struct hlist_node by_kvm;
	struct rcu_head rcu;
	u32 cid;
	struct pid *pid;
	char name[VIRTSOCK_NAME_MAX + 1];
	u32 backlog;
	struct virtsock_policy __rcu *policy;
	struct kvm *kvm;
	struct module *vendor;
	struct mmu_notifier mn;
	unsigned long why;
	struct work_struct end_work;
	bool resetting;

	struct mutex lock;
	u32 state;
	u32 reason;
	u32 told;
	u64 epoch;
	u64 *ring;
	u32 nr_pages;
	u32 tail;
	unsigned long ended;
	void *pull_buf;
	void *push_buf;
	struct virtsock_arena arena;
	u64 pause_ns;

	spinlock_t tx_lock;
	struct sk_buff_head txq;
	u32 tx_answers;
	bool waits;
	bool soon;
	bool tx_up;
	bool armed;
	bool kick;
	bool stopped;
	bool paused;
	struct virtsock_moderation bell;
	struct hrtimer bell_timer;
	u64 doorbell;

	struct sk_buff_head sent;
	struct work_struct sent_work;

	struct rcuwait *lingerer;
	u32 linger_ns;
	u64 linger_since;
	u32 linger_skip;
	u32 linger_fails;
	struct delayed_work kick_work;
	struct delayed_work soon_work;
	unsigned long kick_delay;
	struct virtsock_rxq rxq;
	struct virtsock_stats stats;
	struct work_struct release_work;
	struct virtsock_vm *next;
	bool behind;
	bool left;
};

/*
 * Lanes, which may wait for programs; what may have to wake many of them, which
 * is for its share of the CPU; the ends of links, which wait for a VMM that has a
 * hypercall wait; what frees a VM, which may wait for its VMM for ever; and
 * doorbells, which must do none of these
 */
extern struct workqueue_struct *virtsock_lane_wq;
extern struct workqueue_struct *virtsock_sent_wq;
extern struct workqueue_struct *virtsock_host_wq;
extern struct workqueue_struct *virtsock_free_wq;
extern struct workqueue_struct *virtsock_kick_wq;

/* vm.c */
extern struct mutex virtsock_vms_lock;

struct virtsock_vm *virtsock_vm_find(u32 cid);
struct virtsock_vm *virtsock_vm_by_cid(u32 cid);
struct virtsock_vm *virtsock_vm_by_pid(struct pid *pid);
void virtsock_vm_put(struct virtsock_vm *vm);
void virtsock_vm_end(struct virtsock_vm *vm, unsigned long why);
struct virtsock_vm *virtsock_vm_alloc(u32 cid, struct pid *pid);

/* bind.c */
void virtsock_vm_left(struct virtsock_vm *vm);
int virtsock_vm_add(u32 cid, u32 pid, const struct virtsock_vm_config *config,
		    struct netlink_ext_ack *extack);
int virtsock_vm_del(u32 cid);
int virtsock_vm_set(u32 cid, const struct virtsock_vm_config *config,
		    struct netlink_ext_ack *extack);
int virtsock_vm_next(u32 cid, struct virtsock_vm_info *info);
void virtsock_vm_del_all(void);

/* attach.c */

struct virtsock_vm *virtsock_vm_by_kvm(struct kvm *kvm);
struct virtsock_vm *virtsock_vm_attach(struct kvm_vcpu *vcpu);
void virtsock_vm_detach(struct virtsock_vm *vm);
bool virtsock_vm_orphaned(struct virtsock_vm *vm);
bool virtsock_vm_dies(struct virtsock_vm *vm);
unsigned long virtsock_vm_stale(struct virtsock_vm *vm);
void virtsock_vm_reset_by_kvm(struct kvm *kvm);

/* vendor.c */

struct module *virtsock_vendor_get(struct kvm_vcpu *vcpu);

/* hcall.c */

/*
 * So long may a hypercall take from the ring, and so long wake those who wait for
 * room. What it has not come to is for the next one, or for a worker. In jiffies,
 * which cost nothing to read: 20 ms.
 */
#define VIRTSOCK_CALL_TIME	max(HZ / 50, 2)

/**
 * struct virtsock_regs - a hypercall's arguments and results
 * @rax: result
 * @rbx: first argument, first result
 * @rcx: second
 * @rdx: third
 * @rsi: fourth argument
 */
struct virtsock_regs {
	u64 rax;
	u64 rbx;
	u64 rcx;
	u64 rdx;
	u64 rsi;
};

void virtsock_hcall(struct kvm_vcpu *vcpu, u32 op, struct virtsock_regs *regs);
void virtsock_hcall_foreign(struct kvm_vcpu *vcpu);

/* linger.c */
void virtsock_linger_late(struct virtsock_vm *vm);
bool virtsock_linger(struct kvm_vcpu *vcpu, struct virtsock_vm *vm);

/* pull.c */
int virtsock_pull(struct kvm_vcpu *vcpu, struct virtsock_vm *vm, u32 head,
		  u64 *flags);

/* push.c */
bool virtsock_push_stuck(struct virtsock_vm *vm);
int virtsock_push(struct kvm_vcpu *vcpu, struct virtsock_vm *vm, u64 gpa,
		  u32 len, u64 *flags);
bool virtsock_push_arm(struct virtsock_vm *vm, bool arm);
int virtsock_host_tx(struct sk_buff *skb);
bool virtsock_host_append(struct vsock_sock *vsk, struct msghdr *msg, u32 len);
void virtsock_host_about_to_wait(struct vsock_sock *vsk, enum virtsock_wait wait);
void virtsock_push_reset(struct virtsock_vm *vm, const struct virtsock_rec_info *rec);
void virtsock_host_forget(struct vsock_sock *vsk, bool sync);
void virtsock_push_purge(struct virtsock_vm *vm);
void virtsock_push_sent_work(struct work_struct *work);

/* doorbell.c */
void virtsock_ring(struct virtsock_vm *vm);
bool virtsock_bell(struct virtsock_vm *vm, enum virtsock_tx_class class, u32 len);
void virtsock_bell_now(struct virtsock_vm *vm);
void virtsock_kick(struct virtsock_vm *vm);
void virtsock_kick_soon(struct virtsock_vm *vm);
void virtsock_kick_later(struct virtsock_vm *vm);
void virtsock_kick_in(struct virtsock_vm *vm, u64 ns);
void virtsock_doorbell_setup(struct virtsock_vm *vm);
void virtsock_doorbell_stop(struct virtsock_vm *vm);
int virtsock_doorbell_set(struct virtsock_vm *vm, u64 arg);

/* hook.c */
int virtsock_hook_init(void);
void virtsock_hook_exit(void);

/* policy.c */
bool __virtsock_policy_allows(struct virtsock_vm *vm, enum virtsock_connects who,
			      u32 port);
int virtsock_policy_check(const struct virtsock_vm_config *config,
			  struct netlink_ext_ack *extack);
int virtsock_policy_set(struct virtsock_vm *vm,
			const struct virtsock_vm_config *config);
void virtsock_policy_show(struct virtsock_vm *vm, struct virtsock_vm_info *info);
void virtsock_policy_move(struct virtsock_vm *to, struct virtsock_vm *from);
void virtsock_policy_free(struct virtsock_vm *vm);

u32 __virtsock_policy_left(struct virtsock_vm *vm, enum virtsock_meter meter);
void __virtsock_policy_took(struct virtsock_vm *vm, enum virtsock_meter meter,
			    u32 units);
bool virtsock_policy_call(struct virtsock_vm *vm);
void virtsock_policy_over(struct virtsock_vm *vm, enum virtsock_meter meter);
void virtsock_policy_pause(struct virtsock_vm *vm);

/* How much may move now? Context: vm->lock held. Return: units, 0: wait. */
static inline u32 virtsock_policy_left(struct virtsock_vm *vm,
				       enum virtsock_meter meter)
{
	return rcu_access_pointer(vm->policy) ? __virtsock_policy_left(vm, meter) :
						U32_MAX;
}

/* So much has moved. Context: vm->lock held. */
static inline void virtsock_policy_took(struct virtsock_vm *vm,
					enum virtsock_meter meter, u32 units)
{
	if (rcu_access_pointer(vm->policy))
		__virtsock_policy_took(vm, meter, units);
}

/* May this port be connected to? Context: any; the VM does not go meanwhile. */
static inline bool virtsock_policy_allows(struct virtsock_vm *vm,
					  enum virtsock_connects who, u32 port)
{
	return !rcu_access_pointer(vm->policy) ||
	       __virtsock_policy_allows(vm, who, port);
}

/* control.c */
extern const struct virtsock_host_ops virtsock_vm_ops;

#endif
