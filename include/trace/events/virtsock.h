/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: virtsock_link_* are the guest's, virtsock_vm_* the host's. None
 * is on the way of a single message.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM virtsock

#if !defined(_TRACE_VIRTSOCK_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_VIRTSOCK_H

#include <linux/tracepoint.h>
#include <virtsock/core.h>

#define virtsock_packet_types					\
	EM(VIRTIO_VSOCK_TYPE_STREAM,		"STREAM")	\
	EMe(VIRTIO_VSOCK_TYPE_SEQPACKET,	"SEQPACKET")

#define virtsock_packet_ops					\
	EM(VIRTIO_VSOCK_OP_REQUEST,		"REQUEST")	\
	EM(VIRTIO_VSOCK_OP_RESPONSE,		"RESPONSE")	\
	EM(VIRTIO_VSOCK_OP_RST,			"RST")		\
	EM(VIRTIO_VSOCK_OP_SHUTDOWN,		"SHUTDOWN")	\
	EM(VIRTIO_VSOCK_OP_RW,			"RW")		\
	EM(VIRTIO_VSOCK_OP_CREDIT_UPDATE,	"CREDIT_UPDATE") \
	EMe(VIRTIO_VSOCK_OP_CREDIT_REQUEST,	"CREDIT_REQUEST")

#define virtsock_drop_reasons					\
	EM(VIRTSOCK_DROP_NO_SOCKET,		"no-socket")	\
	EM(VIRTSOCK_DROP_REFUSED,		"refused")	\
	EM(VIRTSOCK_DROP_NO_ROUTE,		"no-route")	\
	EM(VIRTSOCK_DROP_NO_LINK,		"no-link")	\
	EM(VIRTSOCK_DROP_LINK_END,		"link-end")	\
	EM(VIRTSOCK_DROP_SOCKET_END,		"socket-end")	\
	EM(VIRTSOCK_DROP_STALE,			"stale")	\
	EMe(VIRTSOCK_DROP_NO_MEMORY,		"no-memory")

/* Values that user space sees in the formats of the events */
#undef EM
#undef EMe
#define EM(a, b)	TRACE_DEFINE_ENUM(a);
#define EMe(a, b)	TRACE_DEFINE_ENUM(a);

virtsock_packet_types
virtsock_packet_ops
virtsock_drop_reasons

/* And their names */
#undef EM
#undef EMe
#define EM(a, b)	{ a, b },
#define EMe(a, b)	{ a, b }

TRACE_EVENT(virtsock_drop,
	TP_PROTO(u32 src_cid, u32 src_port, u32 dst_cid, u32 dst_port, u32 len,
		 u16 type, u16 op, enum virtsock_drop_reason reason),
	TP_ARGS(src_cid, src_port, dst_cid, dst_port, len, type, op, reason),
	TP_STRUCT__entry(
		__field(u32, src_cid)
		__field(u32, src_port)
		__field(u32, dst_cid)
		__field(u32, dst_port)
		__field(u32, len)
		__field(u16, type)
		__field(u16, op)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->src_cid = src_cid;
		__entry->src_port = src_port;
		__entry->dst_cid = dst_cid;
		__entry->dst_port = dst_port;
		__entry->len = len;
		__entry->type = type;
		__entry->op = op;
		__entry->reason = reason;
	),
	TP_printk("%u:%u -> %u:%u len=%u type=%s op=%s reason=%s",
		  __entry->src_cid, __entry->src_port,
		  __entry->dst_cid, __entry->dst_port, __entry->len,
		  __print_symbolic(__entry->type, virtsock_packet_types),
		  __print_symbolic(__entry->op, virtsock_packet_ops),
		  __print_symbolic(__entry->reason, virtsock_drop_reasons))
);

#endif

/* Outside of the guard; found in include/trace/events, as the kernel's own */
#include <trace/define_trace.h>
