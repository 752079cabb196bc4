// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of all three modules */
#define CREATE_TRACE_POINTS
#include <trace/events/virtsock.h>
