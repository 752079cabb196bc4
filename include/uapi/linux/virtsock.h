/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * virtsock: AF_VSOCK between a KVM guest and its host by hypercall
 *
 * The contract between guest and host (hypercalls, ring, records) and between
 * the kernel and its administrator (generic netlink family "virtsock").
 * Documentation/abi.rst explains both.
 */
#ifndef _UAPI_LINUX_VIRTSOCK_H
#define _UAPI_LINUX_VIRTSOCK_H

#include <linux/types.h>

#define VIRTSOCK_ABI_VERSION	1

/*
 * Hypercalls. RAX = VIRTSOCK_HC_BASE + operation, arguments in RBX, RCX, RDX
 * and RSI; results in RAX (0 or a negative VIRTSOCK_E*), RBX, RCX and RDX.
 * 64-bit mode, CPL 0 only. A host without virtsock answers -1000 (KVM_ENOSYS).
 */
#define VIRTSOCK_HC_BASE	0x56534b00

enum virtsock_hc_op {
	/*
	 * in:  RBX = ABI version, RCX = features the guest offers
	 * out: RBX = VIRTSOCK_MAGIC << 32 | CID, RCX = epoch,
	 *      RDX = features both sides have
	 * A HELLO ends a link that existed before.
	 */
	VIRTSOCK_HC_HELLO	= 0,
	/* in: RBX = epoch, RCX = address of a struct virtsock_setup */
	VIRTSOCK_HC_REGISTER	= 1,
	/*
	 * in:  RBX = epoch, RCX = virtsock_flush_arg(head, flags),
	 *      RDX = address of the receive buffer, RSI = its length (or 0)
	 * out: RBX = tail: the ring is consumed up to here,
	 *      RCX = bytes of records written to the receive buffer,
	 *      RDX = VIRTSOCK_FR_*
	 */
	VIRTSOCK_HC_FLUSH	= 2,
	/* in: RBX = epoch, RCX = virtsock_doorbell_arg(...) */
	VIRTSOCK_HC_DOORBELL	= 3,
	/* in: RBX = epoch. What was consumed is delivered; the link is gone. */
	VIRTSOCK_HC_UNREGISTER	= 4,
	VIRTSOCK_HC_NR
};

/* Upper half of RBX in the answer to HELLO: this host speaks virtsock */
#define VIRTSOCK_MAGIC		0x56534b21U

/* Negative in RAX */
enum virtsock_hc_error {
	VIRTSOCK_EUNBOUND	= 2001,	/* no CID is bound to this VM */
	VIRTSOCK_EVERSION	= 2002,	/* ABI version not spoken here */
	VIRTSOCK_ESTALE		= 2003,	/* not this link's epoch: say HELLO */
	VIRTSOCK_EAGAIN		= 2004,	/* busy (an old link is being ended) */
	VIRTSOCK_EINVAL		= 2005,	/* argument refused, link unchanged */
	VIRTSOCK_EFAULT		= 2006,	/* address refused, link unchanged */
	VIRTSOCK_EPROTO		= 2007,	/* malformed ring or record: link lost */
	VIRTSOCK_ENOMEM		= 2008,	/* host out of memory: try later */
	VIRTSOCK_ENOAPIC	= 2009,	/* VM without an in-kernel local APIC */
	VIRTSOCK_EHYPERV	= 2010,	/* taken by Hyper-V or Xen: no answer,
					 * but each side's name for it
					 */
	VIRTSOCK_EDOWN		= 2011	/* the host's administrator took it down */
};

/* Feature bits of HELLO; none yet. Each side leaves out what it does not know */
#define VIRTSOCK_FEATURES	0ULL

/* Flags of FLUSH, in RCX above the head */
#define VIRTSOCK_FF_ARM		(1U << 0)	/* ring when something waits */
#define VIRTSOCK_FF_WAIT	(1U << 1)	/* the caller is about to wait for
						 * an answer, and its CPU has
						 * nothing else to do
						 */
#define VIRTSOCK_FF_RING_SHIFT	24		/* number of the ring, 0 now */
#define VIRTSOCK_FF_ALL		(VIRTSOCK_FF_ARM | VIRTSOCK_FF_WAIT)

/* Results of FLUSH, in RDX */
#define VIRTSOCK_FR_RX_MORE	(1U << 0)	/* more waits: call again */
#define VIRTSOCK_FR_TX_MORE	(1U << 1)	/* budget used up: call again */
#define VIRTSOCK_FR_TX_STOP	(1U << 2)	/* host full: wait for a doorbell */
#define VIRTSOCK_FR_ARMED	(1U << 3)	/* the doorbell is armed */

/* Doorbell: an interrupt, fixed delivery mode, edge triggered */
#define VIRTSOCK_DB_VECTOR_MIN	32U
#define VIRTSOCK_DB_VECTOR_MAX	255U
#define VIRTSOCK_DB_LOGICAL	(1ULL << 40)	/* destination is logical */
#define VIRTSOCK_DB_VALID	((1ULL << 41) - 1)

static inline __u64 virtsock_doorbell_arg(__u32 dest, __u8 vector, int logical)
{
	return dest | (__u64)vector << 32 | (logical ? VIRTSOCK_DB_LOGICAL : 0);
}

static inline __u64 virtsock_flush_arg(__u32 head, __u32 flags)
{
	return head | (__u64)flags << 32;
}

/*
 * The ring from guest to host: whole pages of guest memory, in this order, a
 * power of two of them. Positions are bytes, counted up without end; position
 * p is byte p % size, and a record may continue from the last page to the
 * first. Head and tail travel in registers, never in memory.
 */
#define VIRTSOCK_PAGE_SIZE	4096U
#define VIRTSOCK_RING_PAGES_MIN	32U	/* two of the largest records */
#define VIRTSOCK_RING_PAGES_MAX	256U

struct virtsock_setup {
	__le32 size;		/* of this structure, pages[] included */
	__le32 nr_pages;
	__le64 doorbell;	/* as for DOORBELL */
	__le64 pages[];		/* guest physical, page aligned */
};

/* A receive buffer takes at least one record of the largest size */
#define VIRTSOCK_RX_BUF_MIN	(VIRTSOCK_REC_LEN_MAX + 4096U)
#define VIRTSOCK_RX_BUF_MAX	(1024U * 1024U)

/*
 * A record (the descriptor of the ring, and the unit of the receive buffer):
 * a header, then either the payload or a list of where it lies. Records start
 * at multiples of 8.
 */
struct virtsock_rec {
	__le32 size;		/* of the record, a multiple of 8 */
	__le32 len;		/* of the payload */
	__le16 type;		/* enum virtio_vsock_type */
	__le16 op;		/* enum virtio_vsock_op */
	__le32 flags;		/* as in struct virtio_vsock_hdr */
	__le32 src_port;
	__le32 dst_port;
	__le32 src_cid;
	__le32 dst_cid;
	__le32 buf_alloc;	/* credit in bytes */
	__le32 fwd_cnt;
	__le32 msg_limit;	/* credit in records: up to this one, cumulative */
	__le16 nr_msgs;		/* messages of the program in this record */
	__u8 nr_segs;		/* 0: the payload follows; else segments do */
	__u8 reserved;
};

/* Part of a payload that stays where it is in guest memory; guest to host */
struct virtsock_seg {
	__le64 addr;
	__le32 len;
	__le32 reserved;
};

#define VIRTSOCK_REC_ALIGN	8U
#define VIRTSOCK_REC_LEN_MAX	65536U
#define VIRTSOCK_REC_SEGS_MAX	20U

/*
 * Generic netlink. Host objects are VMs (CAP_NET_ADMIN in the initial user
 * namespace to change them), the guest's object is its link.
 */
#define VIRTSOCK_GENL_NAME	"virtsock"
#define VIRTSOCK_GENL_VERSION	1
#define VIRTSOCK_GENL_MCGRP	"monitor"

enum virtsock_cmd {
	VIRTSOCK_CMD_UNSPEC,
	/* Of the VMs' attributes all but CID and PID may be left out. */
	VIRTSOCK_CMD_VM_ADD,	/* CID, PID, NAME, BACKLOG, HOST_PORTS, GUEST_PORTS, RATE, CALLS */
	VIRTSOCK_CMD_VM_DEL,	/* CID */
	VIRTSOCK_CMD_VM_GET,	/* do: CID; dump: all */
	VIRTSOCK_CMD_VM_SET,	/* CID, NAME, BACKLOG, HOST_PORTS, GUEST_PORTS, RATE, CALLS */
	VIRTSOCK_CMD_LINK_GET,
	VIRTSOCK_CMD_LINK_SET,	/* ADMIN_UP */
	VIRTSOCK_CMD_EVENT,	/* notification: EVENT and what it is about */

	__VIRTSOCK_CMD_MAX
};

#define VIRTSOCK_CMD_MAX	(__VIRTSOCK_CMD_MAX - 1)

enum virtsock_attr {
	VIRTSOCK_A_UNSPEC,
	VIRTSOCK_A_PAD,
	VIRTSOCK_A_CID,		/* u32 */
	VIRTSOCK_A_PID,		/* u32, thread group of the VMM */
	VIRTSOCK_A_NAME,	/* string, a label given by the administrator */
	VIRTSOCK_A_COMM,	/* string, command name of the VMM */
	VIRTSOCK_A_STATE,	/* u32, enum virtsock_state */
	VIRTSOCK_A_REASON,	/* u32, last VIRTSOCK_E*, 0 for none */
	VIRTSOCK_A_EPOCH,	/* u64 */
	VIRTSOCK_A_BACKLOG,	/* u32, bytes pulled but not yet delivered */
	VIRTSOCK_A_STATS,	/* nest of virtsock_stats_attr */
	VIRTSOCK_A_ADMIN_UP,	/* u8, the guest's administrator wants the link */
	VIRTSOCK_A_EVENT,	/* u32, enum virtsock_event */
	VIRTSOCK_A_RING_SIZE,	/* u32, bytes */
	VIRTSOCK_A_POLICY,	/* string, the guest's flush policy */
	VIRTSOCK_A_HOST_PORTS,	/* binary, array of struct virtsock_port_range */
	VIRTSOCK_A_GUEST_PORTS,	/* binary, the same */
	VIRTSOCK_A_RATE,	/* u64, bytes a second each way, 0: no limit */
	VIRTSOCK_A_CALLS,	/* u32, hypercalls a second, 0: no limit */

	__VIRTSOCK_A_MAX
};

#define VIRTSOCK_A_MAX		(__VIRTSOCK_A_MAX - 1)

/* Ports that may be connected to, in the CPU's own byte order; none: nowhere */
struct virtsock_port_range {
	__u32 first;
	__u32 last;		/* included */
};

#define VIRTSOCK_PORT_RANGES_MAX	16

enum virtsock_state {
	VIRTSOCK_STATE_DOWN,	/* host: bound, no link; guest: no link */
	VIRTSOCK_STATE_HELLO,	/* CID known, ring not registered yet */
	VIRTSOCK_STATE_UP,
	VIRTSOCK_STATE_ENDING	/* link lost, its connections are being ended */
};

enum virtsock_event {
	VIRTSOCK_EVENT_UNSPEC,
	VIRTSOCK_EVENT_VM_ADD,
	VIRTSOCK_EVENT_VM_DEL,
	VIRTSOCK_EVENT_VM_EXIT,		/* the VMM is gone, so is its binding */
	VIRTSOCK_EVENT_LINK_UP,
	VIRTSOCK_EVENT_LINK_DOWN,
	VIRTSOCK_EVENT_UNBOUND,		/* a VM without a CID asks for one: PID */
	VIRTSOCK_EVENT_REFUSED		/* a VM cannot have a link: REASON */
};

/* All u64. tx and rx as this kernel sees them. */
enum virtsock_stats_attr {
	VIRTSOCK_STATS_A_UNSPEC,
	VIRTSOCK_STATS_A_PAD,
	VIRTSOCK_STATS_A_TX_BYTES,
	VIRTSOCK_STATS_A_TX_MESSAGES,
	VIRTSOCK_STATS_A_TX_RECORDS,
	VIRTSOCK_STATS_A_RX_BYTES,
	VIRTSOCK_STATS_A_RX_MESSAGES,
	VIRTSOCK_STATS_A_RX_RECORDS,
	VIRTSOCK_STATS_A_HYPERCALLS,	/* all operations */
	VIRTSOCK_STATS_A_FLUSHES,	/* FLUSH with records in the ring */
	VIRTSOCK_STATS_A_POLLS,		/* FLUSH without */
	VIRTSOCK_STATS_A_DOORBELLS,	/* sent (host) or received (guest) */
	VIRTSOCK_STATS_A_FAST,		/* packets put straight into a socket */
	VIRTSOCK_STATS_A_DEFERRED,	/* packets that went to a worker */
	VIRTSOCK_STATS_A_STOPS,		/* guest told to stop: backlog full, no memory */
	VIRTSOCK_STATS_A_RESETS,	/* links lost */
	VIRTSOCK_STATS_A_MALFORMED,	/* links lost to malformed input */
	VIRTSOCK_STATS_A_TIMER_FLUSHES,	/* flushes by deadline (guest) */
	VIRTSOCK_STATS_A_DENIED_HOST_PORTS, /* connects of the guest (host) */
	VIRTSOCK_STATS_A_DENIED_GUEST_PORTS, /* connects to the guest (host) */
	VIRTSOCK_STATS_A_LIMITED_TX,	/* to the guest: had to wait for RATE (host) */
	VIRTSOCK_STATS_A_LIMITED_RX,	/* from the guest: likewise */
	VIRTSOCK_STATS_A_LIMITED_CALLS,	/* hypercalls beyond CALLS (host) */

	__VIRTSOCK_STATS_A_MAX
};

#define VIRTSOCK_STATS_A_MAX	(__VIRTSOCK_STATS_A_MAX - 1)

#endif /* _UAPI_LINUX_VIRTSOCK_H */
