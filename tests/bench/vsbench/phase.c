// SPDX-License-Identifier: GPL-2.0-only
/* One phase of either side, whatever its role. */
#include <string.h>

#include "vsbench.h"

void run_phase(struct side *s, enum role which, unsigned int usecs)
{
	bool multi = s->req.multi || s->req.n > 1;
	struct cpu before;

	memset(&s->done, 0, sizeof(s->done));
	cpu_read(&before);
	switch (which) {
	case ROLE_SOURCE:
		(multi ? source_multi : source)(s, usecs);
		break;
	case ROLE_SINK:
		(multi ? sink_multi : sink)(s);
		break;
	case ROLE_PING:
		(multi ? ping_multi : ping)(s, usecs);
		break;
	case ROLE_ECHO:
		(multi ? echo_multi : echo)(s);
		break;
	}
	cpu_since(&s->done.cpu, &before);
}
