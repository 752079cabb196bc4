// SPDX-License-Identifier: GPL-2.0-only
/* The halves of a subtest speak over a connection of their own. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vsapi.h"

static uint64_t meetings = 0x5a5a0000;

void tell(uint64_t val)
{
	if (send(me.ctl, &val, sizeof(val), MSG_NOSIGNAL) != sizeof(val))
		report_fail("the other half is gone (tell)");
}

uint64_t hear(void)
{
	uint64_t val;
	ssize_t len;

	/* What completes in a ring of ours interrupts a recv() that has a timeout. */
	do {
		len = recv(me.ctl, &val, sizeof(val), MSG_WAITALL);
	} while (len < 0 && errno == EINTR);
	if (len != sizeof(val))
		report_fail("the other half is gone (hear)");
	return val;
}

uint64_t swap(uint64_t val)
{
	tell(val);
	return hear();
}

/* Both halves are here. */
void meet(void)
{
	uint64_t mine = ++meetings, other = swap(mine);

	if (other != mine)
		report_fail("the halves have lost each other: %llx, %llx",
			    (unsigned long long)mine, (unsigned long long)other);
}
