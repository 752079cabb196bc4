// SPDX-License-Identifier: GPL-2.0-only
/*
 * An input is a guest: a few bytes say what VM it has, the rest is what it does.
 * Records are well formed unless it spoils them, so that most inputs get far. An
 * input that begins with 0xff is bytes for the parser alone.
 */
#include "fuzz.h"

#define OPS_MAX		200
#define CALLS_MAX	24

static const u8 *in;
static size_t left;
static u32 filled;		/* position up to which the ring is filled */
static u32 last, last_size;	/* the record written last */

static u32 next(u32 bytes)
{
	u32 v = 0, i;

	for (i = 0; i < bytes && left; i++, left--)
		v |= (u32)*in++ << (8 * i);
	return v;
}

/* Write to the ring, where there is memory behind it */
static void put(u32 pos, const void *data, u32 len)
{
	const u8 *from = data;
	u32 n;

	for (; len; len -= n, from += n, pos += n) {
		u8 *to = fuzz_mem(fuzz_vm.ring[pos / 4096 % fuzz_vm.nr_pages] + pos % 4096);

		n = min(len, 4096 - pos % 4096);
		if (to)
			memcpy(to, from, n);
	}
}

static void put_rec(struct virtsock_rec *rec, const void *body, u32 size)
{
	rec->size = sizeof(*rec) + ALIGN(size, 8);
	put(filled, rec, sizeof(*rec));
	put(filled + sizeof(*rec), body, size);
	last = filled;
	last_size = rec->size;
	filled += last_size;
}

static struct virtsock_rec rec_new(u32 kind)
{
	return (struct virtsock_rec){
		.type = 1 + (kind & 1),
		.op = kind & 2 ? VIRTIO_VSOCK_OP_RW : 1 + (kind >> 2) % 7,
		.src_port = 1000 + (kind >> 5), .dst_port = 2000,
		.src_cid = FUZZ_CID,
		.dst_cid = (kind & 0xe0) == 0xe0 ? 43 : VMADDR_CID_HOST,
		.buf_alloc = 262144, .fwd_cnt = 1, .msg_limit = kind,
	};
}

static void op_record(void)
{
	static u8 body[VIRTSOCK_REC_LEN_MAX];
	u32 kind = next(1), len = 0;
	struct virtsock_rec rec = rec_new(kind);

	if (rec.op == VIRTIO_VSOCK_OP_RW) {
		len = next(2);
		/* 0 is a mistake, and so are no messages */
		len = kind & 4 ? len + 1 : len % 300;
		rec.len = len;
		rec.nr_msgs = kind >> 3;
		memset(body, kind, len);
		if (rec.type == VIRTIO_VSOCK_TYPE_SEQPACKET)
			rec.flags = kind >> 3 & 3;
	}
	put_rec(&rec, body, len);
}

static void op_segments(void)
{
	struct virtsock_seg segs[VIRTSOCK_REC_SEGS_MAX + 2] = { 0 };
	u32 kind = next(1) | 2, i, nr = 1 + next(1) % (VIRTSOCK_REC_SEGS_MAX + 2);
	struct virtsock_rec rec = rec_new(kind);
	bool too_long = kind & 0x10;

	for (i = 0; i < nr; i++) {
		/* A segment may end where a packet does */
		u32 where = next(1), len = kind & 8 ? fuzz_skb_max : next(2) + 1;

		if (!too_long && rec.len + len + nr - i - 1 > VIRTSOCK_REC_LEN_MAX)
			len = VIRTSOCK_REC_LEN_MAX - rec.len - (nr - i - 1);
		segs[i].addr = fuzz_mem_gpa(where);
		if (where & 0x80)
			segs[i].addr += next(2) % 4096;
		segs[i].len = len;
		rec.len += len;
	}
	rec.nr_segs = nr;
	rec.nr_msgs = 1;
	put_rec(&rec, segs, nr * sizeof(*segs));
}

/* The record written last, or as much of it as is of interest */
static u32 get_last(u8 *copy, u32 size)
{
	u32 len = min(size, last_size), i;

	for (i = 0; i < len; i++) {
		u32 pos = last + i;
		u8 *p = fuzz_mem(fuzz_vm.ring[pos / 4096 % fuzz_vm.nr_pages] + pos % 4096);

		copy[i] = p ? *p : 0;
	}
	return len;
}

static void op_repeat(u32 times)
{
	u8 copy[1024];
	u32 len = get_last(copy, sizeof(copy));

	if (!len || len < last_size)
		return;
	while (times-- && filled - fuzz_vm.tail + len <= fuzz_vm.nr_pages * 4096) {
		put(filled, copy, len);
		filled += len;
	}
}

/* One field of the record written last, or of one of its segments */
static void op_spoil(void)
{
	static const u8 fields[][2] = {
		{ 0, 4 }, { 4, 4 }, { 8, 2 }, { 10, 2 }, { 12, 4 }, { 16, 4 },
		{ 20, 4 }, { 24, 4 }, { 28, 4 }, { 32, 4 }, { 36, 4 }, { 40, 4 },
		{ 44, 2 }, { 46, 1 }, { 47, 1 },
		{ 48, 4 }, { 52, 4 }, { 56, 4 }, { 60, 4 }, { 64, 4 }, { 72, 4 },
	};
	u32 field = next(1) % (sizeof(fields) / sizeof(*fields));
	u32 value[2] = { next(fields[field][1]), ~0U };

	put(last + fields[field][0], value, fields[field][1]);
}

static void op_raw(void)
{
	u32 len = next(1);

	if (len > left)
		len = left;
	put(filled, in, len);
	last = filled;
	last_size = 0;
	filled += len;
	in += len;
	left -= len;
}

/* What may move from now on; a rate is a matter of time, which is the input's. */
static void limits_new(void)
{
	u32 kind = next(1);

	fuzz_env.left[VIRTSOCK_METER_RX] = next(2) << (kind & 7);
	fuzz_env.left[VIRTSOCK_METER_TX] = kind >> 3;
}

static void op_env(void)
{
	static const u32 lens[] = { ~0U, 0, 1, 3733, 16021, 65536 };
	u32 what = next(1);

	switch (what % 9) {
	case 0:
		fuzz_env.fail_alloc = next(1) % 24;
		break;
	case 1:
		fuzz_env.fail_len = lens[next(1) % 6];
		break;
	case 2:
		fuzz_env.fail_read = next(1) % 24;
		break;
	case 3:
		fuzz_env.signal = what & 0x80;
		fuzz_env.slow = what & 0x40;
		fuzz_env.stuck = what & 0x20;
		break;
	case 4:
		fuzz_env.charge = next(1) % 101;
		break;
	case 5:
		fuzz_env.drain_at_mb = what & 0x80;
		break;
	case 6:
		fuzz_vm.tx_answers = next(2) % (2 * fuzz_pull_answers);
		break;
	case 7:
		fuzz_vm.rxq.bytes.v = 0;
		if (fuzz_env.limited && what & 0x80)
			limits_new();
		break;
	case 8:
		fuzz_env.change = what & 0x80;
		break;
	}
}

/* Return: false where the link is lost. */
static bool op_call(u32 head)
{
	static struct kvm_vcpu vcpu;
	u64 flags = 0;
	u8 rec[1024];
	int ret;

	/* The same as the host would send it, to a guest. */
	fuzz_check_parse(rec, get_last(rec, sizeof(rec)), false);
	fuzz_log_begin(head);
	memset(&fuzz_vm.stats, 0, sizeof(fuzz_vm.stats));
	fuzz_vm.stopped = false;
	fuzz_vm.paused = false;
	/* To the byte, so that a read beyond the batch is seen. */
	fuzz_vm.pull_buf = malloc(fuzz_log.span);
	ret = virtsock_pull(&vcpu, &fuzz_vm, head, &flags);
	fuzz_check_call(ret, flags);
	free(fuzz_vm.pull_buf);
	return !ret;
}

/* Nobody looks into it but policy.c. */
static void policy_new(void)
{
	static u8 policy;
	u32 kind = next(1);

	fuzz_vm.policy = (void *)&policy;
	fuzz_env.allowed = kind & 3;
	fuzz_env.limited = kind & 4;
	if (fuzz_env.limited)
		limits_new();
}

static void vm_new(void)
{
	static const u32 pages[] = { 1, 2, 4, 8, 32, 64, 2, 64 };
	static const u32 skb_max[] = { 65536, 15016, FUZZ_SKB_MIN, 16020 };
	static const u32 backlogs[] = { 8 << 20, 256 << 10, 64 << 10, 4 << 10 };
	u32 kind = next(1), sizes = next(1), where = next(1), i;

	fuzz_env_reset();
	memset(&fuzz_vm, 0, sizeof(fuzz_vm));
	fuzz_vm.cid = FUZZ_CID;
	fuzz_vm.nr_pages = pages[kind & 7];
	fuzz_vm.ring = malloc(fuzz_vm.nr_pages * sizeof(u64));
	for (i = 0; i < fuzz_vm.nr_pages; i++) {
		switch (kind >> 3 & 3) {
		case 0:
			fuzz_vm.ring[i] = fuzz_mem_gpa(i + where);
			break;
		case 1:
			fuzz_vm.ring[i] = fuzz_mem_gpa(where - i);
			break;
		case 2:
			fuzz_vm.ring[i] = fuzz_mem_gpa((i ^ where) * 3);
			break;
		/* The same page twice, and one that there is not. */
		case 3:
			fuzz_vm.ring[i] = i == where ? 0 : fuzz_mem_gpa(i / 2);
			break;
		}
	}
	fuzz_env.change = kind & 0x20;
	/* Positions wrap where this ring ends, and where 32 bits do. */
	fuzz_vm.tail = kind & 0x40 ? -(next(1) * 8) : next(1) * 8;
	fuzz_skb_max = skb_max[sizes & 3];
	fuzz_env.head_len = sizes & 4 ? 65536 : 3000;
	fuzz_env.frag_len = sizes & 8 ? 32768 : 4096;
	/* Who takes pages takes records whole. */
	fuzz_env.arena = sizes & 0x40 && fuzz_skb_max >= VIRTSOCK_REC_LEN_MAX;
	fuzz_vm.backlog = backlogs[sizes >> 4 & 3];
	fuzz_vm.rxq.low = fuzz_vm.backlog / 2;
	if (sizes & 0x80)
		policy_new();
	filled = fuzz_vm.tail;
	last = filled;
	last_size = 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 ops = 0, calls = 0;
	bool up = true;

	if (size >= 2 && data[0] == 0xff) {
		fuzz_check_parse(data + 2, size - 2, data[1] & 1);
		return 0;
	}
	in = data;
	left = size;
	vm_new();
	while (up && left && ops++ < OPS_MAX && calls < CALLS_MAX) {
		u32 op = next(1);

		switch (op % 10) {
		case 0:
		case 1:
			op_record();
			break;
		case 2:
		case 3:
			op_segments();
			break;
		case 4:
			op_repeat(next(2));
			break;
		case 5:
			op_spoil();
			break;
		case 6:
			op_raw();
			break;
		case 7:
			op_env();
			break;
		case 8:
			calls++;
			up = op_call(filled);
			break;
		case 9:
			calls++;
			up = op_call(filled + (s32)(next(2) << 16) / 65536);
			break;
		}
	}
	/* What is left in the ring is read at last, once. */
	while (up && calls++ < CALLS_MAX && filled != fuzz_vm.tail)
		up = op_call(filled);
	free(fuzz_vm.ring);
	return 0;
}
