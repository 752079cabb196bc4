// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doorbell: an edge interrupt without a device. The vector comes from the
 * kernel's own vector allocator through an irq domain below it, so affinity,
 * CPU hotplug and /proc/interrupts work as for any other; whenever it moves,
 * the host is told by a hypercall.
 *
 * It only says that something waits. It may be lost or merged: the host rings
 * again while something waits, and the guest looks from time to time.
 */
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <trace/events/virtsock.h>
#include "guest.h"
#include "hypercall.h"

/* Tell the host where to ring. Context: any, irqs may be off. */
static void virtsock_doorbell_tell(struct virtsock_link *l, struct irq_data *d)
{
	struct irq_data *parent = d->parent_data;
	struct irq_cfg *cfg = irqd_cfg(d);
	struct msi_msg msg = {};
	struct virtsock_hc hc;
	u64 arg;

	/* Only the parent knows whether destinations are logical (xAPIC). */
	parent->chip->irq_compose_msi_msg(parent, &msg);
	arg = virtsock_doorbell_arg(cfg->dest_apicid, cfg->vector,
				    msg.arch_addr_lo.dest_mode_logical);
	if (READ_ONCE(l->doorbell) == arg)
		return;
	WRITE_ONCE(l->doorbell, arg);
	/* Pairs with virtsock_link_up() */
	smp_mb();
	if (!READ_ONCE(l->up))
		return;	/* REGISTER carries it */
	hc.rbx = l->epoch;
	hc.rcx = arg;
	hc.rdx = 0;
	hc.rsi = 0;
	virtsock_call(l, VIRTSOCK_HC_DOORBELL, &hc);
}

static int virtsock_irq_set_affinity(struct irq_data *d,
				     const struct cpumask *mask, bool force)
{
	struct irq_data *parent = d->parent_data;
	int ret = parent->chip->irq_set_affinity(parent, mask, force);

	if (ret < 0 || ret == IRQ_SET_MASK_OK_DONE)
		return ret;
	virtsock_doorbell_tell(d->chip_data, d);
	return ret;
}

static struct irq_chip virtsock_irq_chip = {
	.name			= "virtsock",
	.irq_ack		= irq_chip_ack_parent,
	.irq_set_affinity	= virtsock_irq_set_affinity,
	.flags			= IRQCHIP_SKIP_SET_WAKE,
};

static int virtsock_domain_alloc(struct irq_domain *domain, unsigned int virq,
				 unsigned int nr, void *arg)
{
	int err = irq_domain_alloc_irqs_parent(domain, virq, nr, arg);

	if (err)
		return err;
	irq_domain_set_info(domain, virq, virq, &virtsock_irq_chip,
			    domain->host_data, handle_edge_irq, NULL, "edge");
	virtsock_compat_irq_moves(virq);
	return 0;
}

static void virtsock_domain_free(struct irq_domain *domain, unsigned int virq,
				 unsigned int nr)
{
	irq_domain_free_irqs_parent(domain, virq, nr);
}

static int virtsock_domain_activate(struct irq_domain *domain,
				    struct irq_data *d, bool reserve)
{
	if (!reserve)
		virtsock_doorbell_tell(domain->host_data, d);
	return 0;
}

static const struct irq_domain_ops virtsock_domain_ops = {
	.alloc		= virtsock_domain_alloc,
	.free		= virtsock_domain_free,
	.activate	= virtsock_domain_activate,
};

static irqreturn_t virtsock_doorbell_irq(int irq, void *data)
{
	struct virtsock_link *l = data;

	virtsock_stat_inc(&l->stats, VIRTSOCK_STATS_A_DOORBELLS);
	trace_virtsock_link_doorbell(l->cid);
	tasklet_hi_schedule(&l->poll);
	return IRQ_HANDLED;
}

/**
 * virtsock_doorbell_init() - get an interrupt
 * @l: the link
 *
 * Context: process, module init.
 * Return: 0 or a negative errno.
 */
int virtsock_doorbell_init(struct virtsock_link *l)
{
	struct irq_alloc_info info = {};
	struct fwnode_handle *fwnode;
	int virq, err;

	fwnode = irq_domain_alloc_named_fwnode("virtsock");
	if (!fwnode)
		return -ENOMEM;
	l->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, fwnode,
						&virtsock_domain_ops, l);
	if (!l->domain) {
		irq_domain_free_fwnode(fwnode);
		return -ENOMEM;
	}
	virq = irq_domain_alloc_irqs(l->domain, 1, NUMA_NO_NODE, &info);
	if (virq < 0) {
		err = virq;
		goto err_domain;
	}
	err = request_irq(virq, virtsock_doorbell_irq, 0, "virtsock", l);
	if (err)
		goto err_virq;
	l->virq = virq;
	return 0;

err_virq:
	irq_dispose_mapping(virq);
err_domain:
	irq_domain_remove(l->domain);
	irq_domain_free_fwnode(fwnode);
	return err;
}

/**
 * virtsock_doorbell_exit() - give the interrupt back
 * @l: the link, down: the host does not ring any more
 *
 * Context: process, module exit.
 */
void virtsock_doorbell_exit(struct virtsock_link *l)
{
	struct fwnode_handle *fwnode = l->domain->fwnode;

	free_irq(l->virq, l);
	irq_dispose_mapping(l->virq);
	irq_domain_remove(l->domain);
	irq_domain_free_fwnode(fwnode);
}
