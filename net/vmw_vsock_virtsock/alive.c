// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the link still exist? Nobody tells a guest that was migrated, or whose
 * doorbell got lost; listeners need to know, too, but not at once.
 */
#include "guest.h"

/* Seconds without a hypercall before the guest makes one to see who answers */
#define VIRTSOCK_ALIVE_BUSY	1
#define VIRTSOCK_ALIVE_IDLE	10

static unsigned long virtsock_alive_period(void)
{
	return (READ_ONCE(virtsock_guest_side.held) ? VIRTSOCK_ALIVE_BUSY :
						      VIRTSOCK_ALIVE_IDLE) * HZ;
}

static void virtsock_alive_work(struct work_struct *work)
{
	struct virtsock_link *l = container_of(to_delayed_work(work),
					       struct virtsock_link, alive_work);
	unsigned long period = virtsock_alive_period();
	long left = READ_ONCE(l->last_call) + period - jiffies;

	if (!READ_ONCE(l->up))
		return;
	if (left <= 0) {
		virtsock_flush(l, VIRTSOCK_FLUSH_ALIVE);
		left = period;
	}
	/* A period from the last call: one from now on could be twice as long. */
	queue_delayed_work(l->wq, &l->alive_work, left);
}

/**
 * virtsock_alive() - start to watch the link, or watch it more closely
 * @l: the link
 *
 * Context: process.
 */
void virtsock_alive(struct virtsock_link *l)
{
	long period = virtsock_alive_period();
	long left = READ_ONCE(l->last_call) + period - jiffies;

	/* From the last call: sockets that come and go do not put it off for ever. */
	mod_delayed_work(l->wq, &l->alive_work, clamp(left, 1L, period));
}

/* A host that is full calls when it is not, and a call takes all along then. */
static void virtsock_soon_work(struct work_struct *work)
{
	struct virtsock_link *l = container_of(to_delayed_work(work),
					       struct virtsock_link, soon_work);

	if (READ_ONCE(l->up) && READ_ONCE(l->soon) && !READ_ONCE(l->stopped))
		virtsock_flush(l, VIRTSOCK_FLUSH_SOON);
}

/**
 * virtsock_alive_soon() - something must not wait for the next call for long
 * @l: the link; @l->soon is set
 *
 * A timer of its own for each would cost more than it is worth: one in
 * VIRTSOCK_SOON_DELAY is for all.
 *
 * Context: any but hard irq.
 */
void virtsock_alive_soon(struct virtsock_link *l)
{
	queue_delayed_work(l->wq, &l->soon_work, VIRTSOCK_SOON_DELAY);
}

/**
 * virtsock_alive_init() - be ready to watch the link
 * @l: the link
 *
 * Context: process, module init.
 */
void virtsock_alive_init(struct virtsock_link *l)
{
	INIT_DELAYED_WORK(&l->alive_work, virtsock_alive_work);
	INIT_DELAYED_WORK(&l->soon_work, virtsock_soon_work);
}

/**
 * virtsock_alive_exit() - watch it no more
 * @l: the link, down for good
 *
 * Context: process, module exit.
 */
void virtsock_alive_exit(struct virtsock_link *l)
{
	cancel_delayed_work_sync(&l->alive_work);
	cancel_delayed_work_sync(&l->soon_work);
}
