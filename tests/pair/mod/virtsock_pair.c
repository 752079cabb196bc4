// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays KVM between the guest's and the host's module in one kernel.
 *
 * A process that makes a VM of /dev/virtsock_pair is the VMM; its threads in
 * RUN are the vCPUs' threads. A hypercall of the guest's module is handed to
 * one of them, and until it has answered, the CPU that called stands still, as
 * a vCPU does that has left the guest. So each side runs in the contexts it has
 * in a real VM, on CPUs of its own: what runs on the guest's must not be waited
 * for by the host.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/fcntl.h>
#include <linux/irqflags.h>
#include <linux/kvm_host.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <asm/apic.h>
#include <trace/events/ipi.h>
#include <uapi/linux/kvm_para.h>
#include <uapi/linux/virtsock.h>
#include "lie.h"
#include "virtsock_pair.h"

struct virtsock_pair_call {
	struct list_head link;
	u32 op;
	struct virtsock_pair_regs regs;
	struct completion done;
	int cpu;
};

/* The VM there is, and what its guest asks; its threads wait */
static DEFINE_SPINLOCK(pair_lock);
static struct kvm *pair_vm;
static LIST_HEAD(pair_calls);
static DECLARE_WAIT_QUEUE_HEAD(pair_wait);

static const struct virtsock_pair_hook *pair_hook;
DEFINE_STATIC_SRCU(pair_srcu);

/* For the tests: VMs that exist, hypercalls made, those from irqs-off code */
static atomic_t pair_vms = ATOMIC_INIT(0);
static atomic_t pair_hcalls = ATOMIC_INIT(0);
static atomic_t pair_irqs_off = ATOMIC_INIT(0);

static int pair_get_atomic(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops pair_atomic_ops = {
	.get = pair_get_atomic,
};

module_param_cb(vms, &pair_atomic_ops, &pair_vms, 0444);
module_param_cb(hypercalls, &pair_atomic_ops, &pair_hcalls, 0444);
module_param_cb(irqs_off, &pair_atomic_ops, &pair_irqs_off, 0444);

/* The calling CPU is in the host: it does nothing but take interrupts. */
static void pair_stand_still(struct completion *done)
{
	while (!completion_done(done)) {
		if (irqs_disabled()) {
			cpu_relax();
			continue;
		}
		local_irq_disable();
		if (completion_done(done))
			local_irq_enable();
		else
			safe_halt();
	}
}

long virtsock_pair_hypercall(u32 op, unsigned long *regs)
{
	struct virtsock_pair_call call = {
		.op = op,
		.regs = {
			.rbx = regs[0], .rcx = regs[1],
			.rdx = regs[2], .rsi = regs[3],
		},
		.cpu = raw_smp_processor_id(),
	};
	unsigned long flags;
	bool up;

	atomic_inc(&pair_hcalls);
	if (irqs_disabled())
		atomic_inc(&pair_irqs_off);
	init_completion(&call.done);
	spin_lock_irqsave(&pair_lock, flags);
	up = pair_vm && pair_vm->runners;
	if (up)
		list_add_tail(&call.link, &pair_calls);
	spin_unlock_irqrestore(&pair_lock, flags);
	/* No host, or one that has no virtsock */
	if (!up)
		return -KVM_ENOSYS;

	wake_up(&pair_wait);
	if (preemptible())
		wait_for_completion(&call.done);
	else
		pair_stand_still(&call.done);
	regs[0] = call.regs.rbx;
	regs[1] = call.regs.rcx;
	regs[2] = call.regs.rdx;
	regs[3] = call.regs.rsi;
	return call.regs.rax;
}
EXPORT_SYMBOL_GPL(virtsock_pair_hypercall);

static void pair_answer(struct kvm *kvm, struct virtsock_pair_call *call)
{
	struct virtsock_pair_regs asked = call->regs;
	const struct virtsock_pair_hook *hook;
	int idx, cpu = call->cpu;

	idx = srcu_read_lock(&pair_srcu);
	hook = READ_ONCE(pair_hook);
	call->regs.rax = -KVM_ENOSYS;
	if (kvm && hook)
		hook->hcall(&kvm->vcpu, call->op, &call->regs);
	if (call->op == VIRTSOCK_HC_FLUSH && !call->regs.rax)
		virtsock_pair_lie(&asked, &call->regs);
	srcu_read_unlock(&pair_srcu, idx);
	/* The caller's stack: no touching it from here on */
	complete(&call->done);
	if (cpu != raw_smp_processor_id())
		smp_send_reschedule(cpu);
}

static struct virtsock_pair_call *pair_take(void)
{
	struct virtsock_pair_call *call;

	spin_lock_irq(&pair_lock);
	call = list_first_entry_or_null(&pair_calls, struct virtsock_pair_call, link);
	if (call)
		list_del(&call->link);
	spin_unlock_irq(&pair_lock);
	return call;
}

/* A vCPU's thread. Return: -EINTR, for the VMM ends by a signal. */
static long pair_run(struct kvm *kvm)
{
	struct virtsock_pair_call *call;
	bool last;

	spin_lock_irq(&pair_lock);
	kvm->runners++;
	spin_unlock_irq(&pair_lock);

	while (!wait_event_interruptible_exclusive(pair_wait, (call = pair_take())))
		pair_answer(kvm, call);

	spin_lock_irq(&pair_lock);
	last = !--kvm->runners;
	spin_unlock_irq(&pair_lock);
	/* What came meanwhile: somebody else's, or nobody's */
	if (last)
		while ((call = pair_take()))
			pair_answer(NULL, call);
	else
		wake_up(&pair_wait);
	return -EINTR;
}

static long pair_reset(struct kvm *kvm)
{
	const struct virtsock_pair_hook *hook;
	int idx;

	idx = srcu_read_lock(&pair_srcu);
	hook = READ_ONCE(pair_hook);
	preempt_disable();
	if (hook)
		hook->reset(kvm);
	preempt_enable();
	srcu_read_unlock(&pair_srcu, idx);
	return 0;
}

static long pair_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VIRTSOCK_PAIR_RUN:
		return pair_run(file->private_data);
	case VIRTSOCK_PAIR_RESET:
		return pair_reset(file->private_data);
	}
	return -ENOTTY;
}

static int pair_vm_release(struct inode *inode, struct file *file)
{
	spin_lock_irq(&pair_lock);
	pair_vm = NULL;
	spin_unlock_irq(&pair_lock);
	virtsock_pair_put(file->private_data);
	return 0;
}

static const struct file_operations pair_vm_fops = {
	.owner		= THIS_MODULE,
	.release	= pair_vm_release,
	.unlocked_ioctl	= pair_vm_ioctl,
};

/* The VM's descriptor, by the name that "virtsock vm add" looks for */
static long pair_create(void)
{
	struct kvm *kvm = kzalloc(sizeof(*kvm), GFP_KERNEL);
	bool busy;
	int fd;

	if (!kvm)
		return -ENOMEM;
	refcount_set(&kvm->users_count, 1);
	kvm->mm = current->mm;
	mmgrab(kvm->mm);
	kvm->vcpu.kvm = kvm;
	rcuwait_init(&kvm->vcpu.wait);
	kvm->vcpu.arch.apic = &kvm->apic;
	kvm->vcpu.arch.apic_base = x2apic_enabled() ? X2APIC_ENABLE : 0;
	atomic_inc(&pair_vms);
	spin_lock_irq(&pair_lock);
	busy = pair_vm;
	if (!busy)
		pair_vm = kvm;
	spin_unlock_irq(&pair_lock);
	if (busy) {
		virtsock_pair_put(kvm);
		return -EBUSY;
	}
	fd = anon_inode_getfd("kvm-vm", &pair_vm_fops, kvm, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		spin_lock_irq(&pair_lock);
		pair_vm = NULL;
		spin_unlock_irq(&pair_lock);
		virtsock_pair_put(kvm);
	}
	return fd;
}

static long pair_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return cmd == VIRTSOCK_PAIR_CREATE ? pair_create() : -ENOTTY;
}

void virtsock_pair_get(struct kvm *kvm)
{
	refcount_inc(&kvm->users_count);
}
EXPORT_SYMBOL_GPL(virtsock_pair_get);

void virtsock_pair_put(struct kvm *kvm)
{
	if (!refcount_dec_and_test(&kvm->users_count))
		return;
	mmdrop(kvm->mm);
	kfree(kvm);
	atomic_dec(&pair_vms);
}
EXPORT_SYMBOL_GPL(virtsock_pair_put);

/* A real interrupt at a real local APIC */
void virtsock_pair_send_ipi(struct kvm_lapic *unused, u32 icr_low, u32 icr_high)
{
	unsigned long flags;

	local_irq_save(flags);
	apic->icr_write(icr_low, x2apic_enabled() ? icr_high : icr_high >> 24);
	local_irq_restore(flags);
}
EXPORT_SYMBOL_GPL(virtsock_pair_send_ipi);

void virtsock_pair_set_hook(const struct virtsock_pair_hook *hook)
{
	WRITE_ONCE(pair_hook, hook);
	if (!hook)
		synchronize_srcu(&pair_srcu);
}
EXPORT_SYMBOL_GPL(virtsock_pair_set_hook);

static const struct file_operations pair_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= pair_ioctl,
};

static struct miscdevice pair_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "virtsock_pair",
	.fops	= &pair_fops,
};

module_misc_device(pair_misc);
MODULE_DESCRIPTION("virtsock: KVM's part between both transports in one kernel");
MODULE_LICENSE("GPL");
