// SPDX-License-Identifier: GPL-2.0-only
/* The guest's side of the netlink family: virtsock link show|up|down */
#include "guest.h"

static void virtsock_link_get(struct virtsock_link_info *info)
{
	struct virtsock_link *l = &virtsock_link;

	mutex_lock(&l->state_lock);
	info->cid = l->cid == VMADDR_CID_ANY ? 0 : l->cid;
	info->state = l->ending ? VIRTSOCK_STATE_ENDING : l->state;
	info->reason = l->reason;
	info->epoch = l->epoch;
	info->admin_up = l->admin_up;
	info->ring_size = VIRTSOCK_RING_SIZE;
	info->policy = virtsock_policy_names[READ_ONCE(l->sched.policy)];
	virtsock_control_stats(&l->stats, info->stats);
	mutex_unlock(&l->state_lock);
}

static int virtsock_link_set(bool up)
{
	return virtsock_link_admin(&virtsock_link, up);
}

const struct virtsock_guest_ops virtsock_link_ops = {
	.link_get = virtsock_link_get,
	.link_set = virtsock_link_set,
};
