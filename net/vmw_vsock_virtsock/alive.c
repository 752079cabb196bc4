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
	mod_delayed_work(l->wq, &l->alive_work, virtsock_alive_period());
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
}
