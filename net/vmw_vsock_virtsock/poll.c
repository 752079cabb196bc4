// SPDX-License-Identifier: GPL-2.0-only
/* Does a program poll because it has nothing else to do? */
#include <linux/sched.h>
#include "guest.h"

/* Who has polled so often without having to wait is expected to go on ... */
#define VIRTSOCK_BUSY_POLLS	8
/* ... and by so many powers of two more often where that was wrong before */
#define VIRTSOCK_DOUBT_MAX	6

/**
 * virtsock_poll_waits() - a program polls, and has sent something before
 * @vs: the socket
 *
 * Many poll before each thing they do, and find something. Who has not slept
 * since it polled this socket before, so many times in a row, is busy, and
 * likely to send more soon: what it has sent so far is the scheduler's. But who
 * polls again and has sent nothing in between does wait, if awake.
 *
 * Context: process, socket and the link's lock held.
 * Return: true if what it has sent shall leave now.
 */
bool virtsock_poll_waits(struct virtsock_sock *vs)
{
	u32 enough = VIRTSOCK_BUSY_POLLS << vs->doubt;

	if (vs->switches != current->nvcsw) {
		/* What was held back waited for a timer: was it worth that? */
		if (vs->busy >= 4 * enough)
			vs->doubt -= !!vs->doubt;
		else if (vs->busy > enough && vs->doubt < VIRTSOCK_DOUBT_MAX)
			vs->doubt++;
		vs->busy = 0;
		enough = VIRTSOCK_BUSY_POLLS << vs->doubt;
	}
	vs->switches = current->nvcsw;
	if (vs->polled)
		return true;
	vs->polled = true;
	if (vs->busy < U16_MAX)
		vs->busy++;
	return vs->busy <= enough;
}
