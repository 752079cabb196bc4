// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the link: HELLO, REGISTER, up; lost, its connections ended, and
 * HELLO again for as long as the administrator wants it.
 */
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include "guest.h"
#include "hypercall.h"

/* How often an unbound guest asks again */
#define VIRTSOCK_RETRY		(2 * HZ)
/* How often while the host ends an older link */
#define VIRTSOCK_RETRY_BUSY	(HZ / 50 + 1)

struct virtsock_link virtsock_link = {
	.cid = VMADDR_CID_ANY,
};

static const char *virtsock_reason(long err)
{
	switch (-err) {
	case VIRTSOCK_EUNBOUND:
		return "no CID is bound to this VM; on the host: virtsock vm add pid PID cid CID";
	case VIRTSOCK_EVERSION:
		return "the host's module speaks another version; install the same one on both";
	case VIRTSOCK_ENOAPIC:
		return "the VM has no in-kernel local APIC; start it without kernel_irqchip=off";
	case VIRTSOCK_EHYPERV:
		return "Hyper-V or Xen takes all hypercalls; start it without hv-* or xen-version";
	case VIRTSOCK_EDOWN:
		return "the host's administrator has taken the link down";
	case VIRTSOCK_EPROTO:
		return "the host found the ring malformed";
	case VIRTSOCK_ESTALE:
		return "the host has ended the link (reset, migration, or unbound)";
	case VIRTSOCK_EINVAL:
	case VIRTSOCK_EFAULT:
		return "the host refused our ring; install the same version on both";
	case VIRTSOCK_ENOMEM:
		return "the host is out of memory; we ask again";
	case 1000:
		return "the host has no virtsock; on the host: modprobe virtsock_host";
	default:
		return "the host does not answer as virtsock does (Xen? another vendor's CPU?)";
	}
}

/* Said once for each new reason: an unbound guest asks for ever. */
static void virtsock_refused(struct virtsock_link *l, long err)
{
	u32 reason = err < 0 && err >= -4095 ? -err : 1;

	if (reason == l->reason || reason == VIRTSOCK_EAGAIN)
		return;
	l->reason = reason;
	pr_info("virtsock: no link yet (%ld): %s\n", err, virtsock_reason(err));
}

static void virtsock_set_cid(struct virtsock_link *l, u32 cid)
{
	l->cid = cid;
	/* What programs see, and sockets after we are gone */
	WRITE_ONCE(virtsock_guest_side.cid, cid);
}

/* Context: state_lock held. Return: 0 or the host's (negative) answer. */
static long virtsock_hello(struct virtsock_link *l)
{
	struct virtsock_hc hc = {
		.rbx = VIRTSOCK_ABI_VERSION,
		.rcx = VIRTSOCK_FEATURES,
	};
	long err = virtsock_call(l, VIRTSOCK_HC_HELLO, &hc);

	if (err)
		return err;
	if (hc.rbx >> 32 != VIRTSOCK_MAGIC || hc.rdx & ~VIRTSOCK_FEATURES)
		return -1;
	l->epoch = hc.rcx;
	virtsock_set_cid(l, lower_32_bits(hc.rbx));
	l->state = VIRTSOCK_STATE_HELLO;
	return 0;
}

/* Context: state_lock held. Return: 0 or the host's (negative) answer. */
static long virtsock_register(struct virtsock_link *l, u64 doorbell)
{
	struct virtsock_setup *setup;
	size_t size = struct_size(setup, pages, VIRTSOCK_RING_PAGES);
	struct virtsock_hc hc = { .rbx = l->epoch };
	long err;
	int i;

	setup = kzalloc(size, GFP_KERNEL);
	if (!setup)
		return -VIRTSOCK_ENOMEM;
	setup->size = cpu_to_le32(size);
	setup->nr_pages = cpu_to_le32(VIRTSOCK_RING_PAGES);
	setup->doorbell = cpu_to_le64(doorbell);
	for (i = 0; i < VIRTSOCK_RING_PAGES; i++)
		setup->pages[i] = cpu_to_le64(page_to_phys(l->pages[i]));
	hc.rcx = virt_to_phys(setup);
	err = virtsock_call(l, VIRTSOCK_HC_REGISTER, &hc);
	kfree(setup);
	return err;
}

/* From now on there may be hypercalls. Context: state_lock held. */
static void virtsock_link_up(struct virtsock_link *l, u64 registered)
{
	struct virtsock_hc hc = {};

	l->reason = 0;
	l->state = VIRTSOCK_STATE_UP;
	spin_lock_bh(&l->lock);
	l->up = true;
	spin_unlock_bh(&l->lock);
	/* Pairs with virtsock_doorbell_tell(): it sees "up", or we what it set. */
	smp_mb();
	/* It may tell the host, too, meanwhile: the newest must come last. */
	while ((hc.rcx = READ_ONCE(l->doorbell)) != registered) {
		registered = hc.rcx;
		hc.rbx = l->epoch;
		virtsock_call(l, VIRTSOCK_HC_DOORBELL, &hc);
	}

	pr_info("virtsock: link up, CID %u\n", l->cid);
	virtsock_control_event(VIRTSOCK_EVENT_LINK_UP, l->cid, 0, NULL);
	/* Arms the doorbell, and brings what waits already. */
	virtsock_flush(l, VIRTSOCK_FLUSH_UP);
	virtsock_alive(l);
}

/*
 * End what the old link left. Programs learn of it before the log does, which a serial
 * console may make slow. Context: state_lock held.
 */
static void virtsock_end(struct virtsock_link *l)
{
	u32 cid = l->cid;
	long lost;

	spin_lock_bh(&l->lock);
	l->up = false;
	lost = l->lost;
	l->lost = 0;
	spin_unlock_bh(&l->lock);
	virtsock_tx_wait(l);
	virtsock_tx_purge(l);
	/* What the peer closed in order stays readable: deliver it first. */
	virtsock_rxq_drain(&l->rxq);
	virtsock_reset(&virtsock_guest_side, NULL);
	virtsock_stat_inc(&l->stats, VIRTSOCK_STATS_A_RESETS);
	virtsock_control_event(VIRTSOCK_EVENT_LINK_DOWN, l->cid, 0, NULL);
	virtsock_set_cid(l, VMADDR_CID_ANY);
	l->epoch = 0;
	l->state = VIRTSOCK_STATE_DOWN;
	l->ending = false;
	if (lost)
		pr_notice("virtsock: CID %u: link lost (%ld): %s\n", cid, lost,
			  virtsock_reason(lost));
}

static void virtsock_link_work(struct work_struct *work)
{
	struct virtsock_link *l = container_of(to_delayed_work(work),
					       struct virtsock_link, link_work);
	unsigned long retry = VIRTSOCK_RETRY;
	u64 doorbell;
	long err;

	mutex_lock(&l->state_lock);
	if (l->ending)
		virtsock_end(l);
	if (!l->admin_up || l->asleep || l->state == VIRTSOCK_STATE_UP)
		goto out;

	doorbell = READ_ONCE(l->doorbell);
	err = virtsock_hello(l);
	if (!err)
		err = virtsock_register(l, doorbell);
	if (err) {
		virtsock_refused(l, err);
		virtsock_set_cid(l, VMADDR_CID_ANY);
		l->state = VIRTSOCK_STATE_DOWN;
		if (err == -VIRTSOCK_EAGAIN)
			retry = VIRTSOCK_RETRY_BUSY;
		queue_delayed_work(l->wq, &l->link_work, retry);
		goto out;
	}

	virtsock_link_up(l, doorbell);
out:
	mutex_unlock(&l->state_lock);
}

/**
 * virtsock_link_lost() - the host does not know this link any more
 * @l: the link; its last owner has marked it as ending
 * @err: what the host answered
 *
 * Context: any but hard irq.
 */
void virtsock_link_lost(struct virtsock_link *l, long err)
{
	if (err == -VIRTSOCK_EPROTO)
		virtsock_stat_inc(&l->stats, VIRTSOCK_STATS_A_MALFORMED);
	mod_delayed_work(l->wq, &l->link_work, 0);
}

/* An announced end. Context: state_lock held. */
static void virtsock_say_goodbye(struct virtsock_link *l)
{
	struct virtsock_hc hc = { .rbx = l->epoch };

	if (l->state != VIRTSOCK_STATE_UP)
		return;
	virtsock_flush_sync(l);
	spin_lock_bh(&l->lock);
	l->up = false;
	spin_unlock_bh(&l->lock);
	virtsock_tx_wait(l);
	virtsock_call(l, VIRTSOCK_HC_UNREGISTER, &hc);
	l->ending = true;
}

/* An announced end, and what the link leaves. Context: state_lock held. */
static void virtsock_leave(struct virtsock_link *l)
{
	virtsock_say_goodbye(l);
	if (l->ending)
		virtsock_end(l);
}

/**
 * virtsock_link_admin() - the administrator takes the link up or down
 * @l: the link
 * @up: which
 *
 * Down ends all connections with ECONNRESET before this returns.
 *
 * Context: process.
 * Return: 0.
 */
int virtsock_link_admin(struct virtsock_link *l, bool up)
{
	mutex_lock(&l->state_lock);
	l->admin_up = up;
	l->reason = 0;
	if (!up)
		virtsock_leave(l);
	mutex_unlock(&l->state_lock);
	if (up)
		mod_delayed_work(l->wq, &l->link_work, 0);
	return 0;
}

/*
 * The host cannot see a kexec, and what it writes after one would land in
 * somebody else's memory, were it not for the epoch: say goodbye in any case.
 * The programs are gone, or go without being told.
 */
static int virtsock_reboot(struct notifier_block *nb, unsigned long action,
			   void *data)
{
	struct virtsock_link *l = &virtsock_link;

	mutex_lock(&l->state_lock);
	l->admin_up = false;
	virtsock_say_goodbye(l);
	mutex_unlock(&l->state_lock);
	return NOTIFY_DONE;
}

static struct notifier_block virtsock_reboot_nb = {
	.notifier_call = virtsock_reboot,
};

static void virtsock_awake(struct virtsock_link *l)
{
	mutex_lock(&l->state_lock);
	l->asleep = false;
	mutex_unlock(&l->state_lock);
	mod_delayed_work(l->wq, &l->link_work, 0);
}

/*
 * What an image of memory says of a link is not true any more when it is read
 * back, and the same VM, which the host has not seen reset, could go on with it:
 * what was received meanwhile would be missing, and nobody would know. So no image
 * has a link, nor has the kernel that reads one. To RAM nothing is taken back.
 */
static int virtsock_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	struct virtsock_link *l = &virtsock_link;

	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		mutex_lock(&l->state_lock);
		l->asleep = true;
		virtsock_leave(l);
		mutex_unlock(&l->state_lock);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		virtsock_awake(l);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block virtsock_pm_nb = {
	.notifier_call = virtsock_pm,
};

/**
 * virtsock_link_init() - make the link ready, not up
 * @l: the link
 *
 * Context: process, module init.
 * Return: 0 or a negative errno.
 */
int virtsock_link_init(struct virtsock_link *l)
{
	int err;

	mutex_init(&l->state_lock);
	INIT_DELAYED_WORK(&l->link_work, virtsock_link_work);
	atomic_set(&l->reply_waits, 0);
	l->admin_up = true;
	l->asleep = true;
	err = virtsock_flush_init(l);
	if (err)
		return err;
	err = virtsock_doorbell_init(l);
	if (err)
		goto err_flush;
	err = register_reboot_notifier(&virtsock_reboot_nb);
	if (err)
		goto err_doorbell;
	return 0;

err_doorbell:
	virtsock_doorbell_exit(l);
err_flush:
	virtsock_flush_exit(l);
	return err;
}

/**
 * virtsock_link_start() - look for the host, from now on
 * @l: the link
 *
 * The first try is made before this returns: where the host is ready, so are
 * we when modprobe ends. A hibernation that has begun does not tell us any more:
 * then it is awaited, and nobody freezes who waits here.
 *
 * Context: process, module init.
 */
void virtsock_link_start(struct virtsock_link *l)
{
	unsigned int flags = lock_system_sleep();

	/* It fails where it is registered already. */
	register_pm_notifier(&virtsock_pm_nb);
	virtsock_awake(l);
	flush_delayed_work(&l->link_work);
	unlock_system_sleep(flags);
}

/**
 * virtsock_link_exit() - say goodbye and free everything
 * @l: the link; no socket is left
 *
 * Context: process, module exit.
 */
void virtsock_link_exit(struct virtsock_link *l)
{
	/* It says so where the link was not started. */
	unregister_pm_notifier(&virtsock_pm_nb);
	unregister_reboot_notifier(&virtsock_reboot_nb);
	virtsock_link_admin(l, false);
	cancel_delayed_work_sync(&l->link_work);
	virtsock_doorbell_exit(l);
	virtsock_flush_exit(l);
}
