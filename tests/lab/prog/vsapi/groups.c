// SPDX-License-Identifier: GPL-2.0-only
/* All groups of subtests, in the order in which they run. */
#include "groups.h"

const struct vsapi_group vsapi_groups[] = {
	{ "conn", conn_tests },
	{ "bind", bind_tests },
	{ "poll", poll_tests },
	{ "close", close_tests },
	{ "share", share_tests },
	{ "lowat", lowat_tests },
	{ "timeo", timeo_tests },
	{ "bufsize", bufsize_tests },
	{ "flags", flags_tests },
	{ "iovec", iovec_tests },
	{ "signal", signal_tests },
	{ "queue", queue_tests },
	{ "splice", splice_tests },
	{ "zerocopy", zerocopy_tests },
	{ "uring", uring_tests },
	{ "sockmap", sockmap_tests },
	{}
};
