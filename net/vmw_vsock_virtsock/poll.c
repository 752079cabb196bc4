// SPDX-License-Identifier: GPL-2.0-only
/* Does a program poll because it has nothing else to do? */
#include <linux/hash.h>
#include <linux/sched.h>
#include "guest.h"

/* Who has polled so often without having to wait is expected to go on ... */
#define VIRTSOCK_BUSY_POLLS	8
/* ... and by so many powers of two more often where that was wrong before */
#define VIRTSOCK_DOUBT_MAX	6

/* What is known of the current task. The link's lock held. */
static struct virtsock_poller *virtsock_poller(struct virtsock_link *l)
{
	pid_t pid = task_pid_nr(current);
	struct virtsock_poller *p;

	p = &l->pollers[hash_32(pid, VIRTSOCK_POLLERS_BITS)];
	if (p->pid != pid)
		*p = (struct virtsock_poller){ .pid = pid };
	return p;
}

/**
 * virtsock_poll_waits() - a program polls, and has sent something before
 * @l: the link
 * @vs: the socket
 *
 * Many poll before each thing they do, and find something. Who has not slept
 * since it polled before, this socket or another, so many times in a row, is
 * busy, and likely to send more soon: what it has sent so far is the
 * scheduler's. But who polls a socket again and has sent nothing in between
 * does wait, if awake.
 *
 * Context: process, socket and the link's lock held.
 * Return: true if what it has sent shall leave now.
 */
bool virtsock_poll_waits(struct virtsock_link *l, struct virtsock_sock *vs)
{
	struct virtsock_poller *p = virtsock_poller(l);
	u32 enough = VIRTSOCK_BUSY_POLLS << p->doubt;

	if (p->switches != current->nvcsw) {
		/* What was held back waited for a timer: was it worth that? */
		if (p->busy >= 4 * enough)
			p->doubt -= !!p->doubt;
		else if (p->busy > enough && p->doubt < VIRTSOCK_DOUBT_MAX)
			p->doubt++;
		p->busy = 0;
		enough = VIRTSOCK_BUSY_POLLS << p->doubt;
	}
	p->switches = current->nvcsw;
	if (vs->polled)
		return true;
	vs->polled = true;
	/* What is held back once is one doubt, however many sockets it polls. */
	if (p->busy < U16_MAX &&
	    (p->busy <= enough || p->batch_seq != l->batch_seq))
		p->busy++;
	p->batch_seq = l->batch_seq;
	return p->busy <= enough;
}
