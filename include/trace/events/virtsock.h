/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: virtsock_link_* are the guest's, virtsock_vm_* the host's. None
 * is on the way of a single message.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM virtsock

#if !defined(_TRACE_VIRTSOCK_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_VIRTSOCK_H

#include <linux/ktime.h>
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
	EM(VIRTSOCK_DROP_NO_MEMORY,		"no-memory")	\
	EM(VIRTSOCK_DROP_NO_CREDIT,		"no-credit")	\
	EMe(VIRTSOCK_DROP_POLICY,		"policy")

#define virtsock_flush_reasons					\
	EM(VIRTSOCK_FLUSH_DATA,			"data")		\
	EM(VIRTSOCK_FLUSH_REPLY,		"reply")	\
	EM(VIRTSOCK_FLUSH_MORE,			"more")		\
	EM(VIRTSOCK_FLUSH_CONTROL,		"control")	\
	EM(VIRTSOCK_FLUSH_URGENT,		"urgent")	\
	EM(VIRTSOCK_FLUSH_BLOCK,		"block")	\
	EM(VIRTSOCK_FLUSH_TIMER,		"timer")	\
	EM(VIRTSOCK_FLUSH_LANE,			"lane")		\
	EM(VIRTSOCK_FLUSH_DOORBELL,		"doorbell")	\
	EM(VIRTSOCK_FLUSH_AGAIN,		"again")	\
	EM(VIRTSOCK_FLUSH_WORKER,		"worker")	\
	EM(VIRTSOCK_FLUSH_ALIVE,		"alive")	\
	EM(VIRTSOCK_FLUSH_SOON,			"soon")		\
	EM(VIRTSOCK_FLUSH_PARAM,		"param")	\
	EM(VIRTSOCK_FLUSH_UP,			"up")		\
	EMe(VIRTSOCK_FLUSH_DOWN,		"down")

#define virtsock_hypercalls					\
	EM(VIRTSOCK_HC_HELLO,			"HELLO")	\
	EM(VIRTSOCK_HC_REGISTER,		"REGISTER")	\
	EM(VIRTSOCK_HC_FLUSH,			"FLUSH")	\
	EM(VIRTSOCK_HC_DOORBELL,		"DOORBELL")	\
	EMe(VIRTSOCK_HC_UNREGISTER,		"UNREGISTER")

/* Values that user space sees in the formats of the events */
#undef EM
#undef EMe
#define EM(a, b)	TRACE_DEFINE_ENUM(a);
#define EMe(a, b)	TRACE_DEFINE_ENUM(a);

virtsock_packet_types
virtsock_packet_ops
virtsock_drop_reasons
virtsock_flush_reasons
virtsock_hypercalls

/* And their names */
#undef EM
#undef EMe
#define EM(a, b)	{ a, b },
#define EMe(a, b)	{ a, b }

#define virtsock_show_results(flags)				\
	__print_flags(flags, "|",				\
		      { VIRTSOCK_FR_RX_MORE,	"RX_MORE" },	\
		      { VIRTSOCK_FR_TX_MORE,	"TX_MORE" },	\
		      { VIRTSOCK_FR_TX_STOP,	"TX_STOP" },	\
		      { VIRTSOCK_FR_ARMED,	"ARMED" })

/*
 * The ring is filled, the hypercall follows. @first: when the oldest message was
 * queued, in ns; 0: there is none, or tracing was off
 */
TRACE_EVENT(virtsock_link_flush,
	TP_PROTO(u32 cid, enum virtsock_flush_reason reason,
		 const struct virtsock_packer *p, bool waits, u64 now, u64 first),
	TP_ARGS(cid, reason, p, waits, now, first),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u32, reason)
		__field(u32, bytes)
		__field(u32, messages)
		__field(u32, records)
		__field(bool, waits)
		__field(u64, age)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->reason = reason;
		__entry->bytes = p->bytes;
		__entry->messages = p->messages;
		__entry->records = p->records;
		__entry->waits = waits;
		__entry->age = first ? now - first : 0;
	),
	TP_printk("cid=%u reason=%s bytes=%u messages=%u records=%u waits=%d age=%llu",
		  __entry->cid,
		  __print_symbolic(__entry->reason, virtsock_flush_reasons),
		  __entry->bytes, __entry->messages, __entry->records,
		  __entry->waits, __entry->age)
);

/*
 * A hypercall is over. @flags: RDX, the results of a FLUSH that succeeded;
 * @start: in ns, 0 if tracing was off then: its duration is not known
 */
DECLARE_EVENT_CLASS(virtsock_hypercall,
	TP_PROTO(u32 cid, u32 op, long result, u64 flags, u64 start),
	TP_ARGS(cid, op, result, flags, start),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u32, op)
		__field(int, result)
		__field(u32, flags)
		__field(u64, duration)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->op = op;
		__entry->result = result;
		__entry->flags = op == VIRTSOCK_HC_FLUSH && !result ? flags : 0;
		__entry->duration = start ? ktime_get_ns() - start : 0;
	),
	TP_printk("cid=%u op=%s result=%d flags=%s duration=%llu",
		  __entry->cid,
		  __print_symbolic(__entry->op, virtsock_hypercalls),
		  __entry->result, virtsock_show_results(__entry->flags),
		  __entry->duration)
);

DEFINE_EVENT(virtsock_hypercall, virtsock_link_hypercall,
	TP_PROTO(u32 cid, u32 op, long result, u64 flags, u64 start),
	TP_ARGS(cid, op, result, flags, start)
);

DEFINE_EVENT(virtsock_hypercall, virtsock_vm_hypercall,
	TP_PROTO(u32 cid, u32 op, long result, u64 flags, u64 start),
	TP_ARGS(cid, op, result, flags, start)
);

/* The doorbell's interrupt has come */
TRACE_EVENT(virtsock_link_doorbell,
	TP_PROTO(u32 cid),
	TP_ARGS(cid),
	TP_STRUCT__entry(
		__field(u32, cid)
	),
	TP_fast_assign(
		__entry->cid = cid;
	),
	TP_printk("cid=%u", __entry->cid)
);

/*
 * A part of the ring was consumed. @packets: those that its records became;
 * @fast: how many of them went straight to their sockets; @flags: the results
 * of the hypercall so far
 */
TRACE_EVENT(virtsock_vm_pull,
	TP_PROTO(u32 cid, u32 bytes, u32 messages, u32 records, u32 packets,
		 u32 fast, u64 flags),
	TP_ARGS(cid, bytes, messages, records, packets, fast, flags),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u32, bytes)
		__field(u32, messages)
		__field(u32, records)
		__field(u32, packets)
		__field(u32, fast)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->bytes = bytes;
		__entry->messages = messages;
		__entry->records = records;
		__entry->packets = packets;
		__entry->fast = fast;
		__entry->flags = flags;
	),
	TP_printk("cid=%u bytes=%u messages=%u records=%u packets=%u fast=%u flags=%s",
		  __entry->cid, __entry->bytes, __entry->messages,
		  __entry->records, __entry->packets, __entry->fast,
		  virtsock_show_results(__entry->flags))
);

/* @packets were written to the guest; @left: those that wait for its next call */
TRACE_EVENT(virtsock_vm_push,
	TP_PROTO(u32 cid, const struct virtsock_packer *p, u32 packets, u32 left),
	TP_ARGS(cid, p, packets, left),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u32, bytes)
		__field(u32, messages)
		__field(u32, records)
		__field(u32, packets)
		__field(u32, left)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->bytes = p->bytes;
		__entry->messages = p->messages;
		__entry->records = p->records;
		__entry->packets = packets;
		__entry->left = left;
	),
	TP_printk("cid=%u bytes=%u messages=%u records=%u packets=%u left=%u",
		  __entry->cid, __entry->bytes, __entry->messages,
		  __entry->records, __entry->packets, __entry->left)
);

/* The host rings; @arg: as in the hypercall DOORBELL */
TRACE_EVENT(virtsock_vm_doorbell,
	TP_PROTO(u32 cid, u64 arg),
	TP_ARGS(cid, arg),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u32, apic)
		__field(u8, vector)
		__field(bool, logical)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->apic = lower_32_bits(arg);
		__entry->vector = arg >> 32;
		__entry->logical = arg & VIRTSOCK_DB_LOGICAL;
	),
	TP_printk("cid=%u apic=%u vector=%u logical=%d", __entry->cid,
		  __entry->apic, __entry->vector, __entry->logical)
);

/* A packet did not reach its socket, on either side */
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
