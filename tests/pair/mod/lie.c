// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers that no honest host gives to a FLUSH. What is written to the parameter
 * is told once, as soon as there is an answer that it can be put into; then
 * the parameter is empty again.
 */
#include <linux/kernel.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/virtio_vsock.h>
#include <uapi/linux/virtsock.h>
#include "lie.h"

enum pair_lie {
	LIE_NONE,
	LIE_SRC_CID,
	LIE_DST_CID,
	LIE_RESERVED,
	LIE_SEGMENTS,
	LIE_CUT_SHORT,
	LIE_LENGTH,
	LIE_TAIL_BACK,
	LIE_TAIL_BEYOND,
};

static const char * const pair_lies[] = {
	[LIE_NONE]		= "",
	[LIE_SRC_CID]		= "src-cid",
	[LIE_DST_CID]		= "dst-cid",
	[LIE_RESERVED]		= "reserved",
	[LIE_SEGMENTS]		= "segments",
	[LIE_CUT_SHORT]		= "cut-short",
	[LIE_LENGTH]		= "length",
	[LIE_TAIL_BACK]		= "tail-back",
	[LIE_TAIL_BEYOND]	= "tail-beyond",
};

static int pair_lie;

static int pair_lie_set(const char *val, const struct kernel_param *kp)
{
	int i = sysfs_match_string(pair_lies, val);

	if (i < 0)
		return i;
	WRITE_ONCE(pair_lie, i);
	return 0;
}

static int pair_lie_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", pair_lies[READ_ONCE(pair_lie)]);
}

static const struct kernel_param_ops pair_lie_ops = {
	.set = pair_lie_set,
	.get = pair_lie_get,
};

module_param_cb(lie, &pair_lie_ops, NULL, 0644);
MODULE_PARM_DESC(lie, "what to tell the guest next that is not true");

/* Into the first record. Return: false if it is one that this does not suit. */
static bool pair_lie_record(int lie, struct virtsock_rec *rec,
			    struct virtsock_pair_regs *r)
{
	/* A reset may come in anybody's name. */
	if (rec->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		return false;
	switch (lie) {
	case LIE_SRC_CID:
		rec->src_cid = rec->dst_cid;
		return true;
	case LIE_DST_CID:
		rec->dst_cid = rec->src_cid;
		return true;
	case LIE_RESERVED:
		rec->reserved = 1;
		return true;
	case LIE_SEGMENTS:
		rec->nr_segs = 1;
		return true;
	case LIE_CUT_SHORT:
		r->rcx = le32_to_cpu(rec->size) - VIRTSOCK_REC_ALIGN;
		return true;
	}
	return false;
}

/**
 * virtsock_pair_lie() - make a FLUSH's answer untrue, if that was asked for
 * @asked: the registers as the guest had them
 * @r: the registers with the answer, a success
 *
 * Context: vCPU thread; a guest makes one FLUSH after the other.
 */
void virtsock_pair_lie(const struct virtsock_pair_regs *asked,
		       struct virtsock_pair_regs *r)
{
	static u32 last_tail;
	u32 tail = last_tail;
	int lie = READ_ONCE(pair_lie);

	last_tail = r->rbx;
	switch (lie) {
	case LIE_NONE:
		return;
	case LIE_LENGTH:
		r->rcx = asked->rsi + VIRTSOCK_REC_ALIGN;
		break;
	case LIE_TAIL_BACK:
		r->rbx = tail - VIRTSOCK_REC_ALIGN;
		break;
	case LIE_TAIL_BEYOND:
		r->rbx = lower_32_bits(asked->rcx) + VIRTSOCK_REC_ALIGN;
		break;
	default:
		if (!r->rcx || !pair_lie_record(lie, __va(asked->rdx), r))
			return;
	}
	WRITE_ONCE(pair_lie, LIE_NONE);
}
