// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of all three modules */
#define CREATE_TRACE_POINTS
#include <trace/events/virtsock.h>

/* Of vmw_vsock_virtsock */
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_link_flush);
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_link_hypercall);
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_link_doorbell);

/* Of virtsock_host */
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_vm_hypercall);
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_vm_pull);
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_vm_push);
EXPORT_TRACEPOINT_SYMBOL_GPL(virtsock_vm_doorbell);
