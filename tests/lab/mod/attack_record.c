// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records. Most are well formed, as the others cost the link; what they say is
 * not what an honest guest would say at that time, or at all.
 *
 * Connections are few, 128 pairs of ports, and the programs of the host listen:
 * whatever follows finds one that is there, or is being made, or has ended.
 */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include "attack.h"

#define OWN_PORT	100	/* 16 from here on */
#define BAITS		8	/* the host's: 4 of streams, then 4 of messages */
#define NEVER_READ	2	/* the third of each does not read */

static u64 space[(sizeof(struct virtsock_rec) + VIRTSOCK_REC_LEN_MAX) / 8];
static struct virtsock_rec *rec = (struct virtsock_rec *)space;

static u32 draw(u32 n)
{
	return rnd(&attack_rnd, n);
}

static u32 extreme(void)
{
	static const u32 values[] = { 0, 1, 0x7fffffff, 0x80000000, ~0U, 4096 };
	u32 i = draw(ARRAY_SIZE(values) + 1);

	return i < ARRAY_SIZE(values) ? values[i] : prandom_u32_state(&attack_rnd);
}

/* Half of all credit is a lie, and each another one than the one before. */
static void credit(void)
{
	rec->buf_alloc = cpu_to_le32(1 << 18);
	rec->fwd_cnt = cpu_to_le32(draw(1 << 20));
	rec->msg_limit = cpu_to_le32(1 << 18);
	if (draw(2))
		return;
	attack_count(LIE_CREDIT);
	if (draw(2))
		rec->buf_alloc = cpu_to_le32(extreme());
	if (draw(2))
		rec->fwd_cnt = cpu_to_le32(extreme());
	if (draw(2))
		rec->msg_limit = cpu_to_le32(extreme());
}

/* A header without payload, on one of the pairs. @bait: which, or BAITS: any */
static void begin(u16 op, u32 bait)
{
	bool seq;

	if (bait == BAITS)
		bait = draw(BAITS);
	seq = bait >= BAITS / 2;
	if (!draw(32))
		seq = !seq;
	memset(rec, 0, sizeof(*rec));
	rec->size = cpu_to_le32(sizeof(*rec));
	rec->type = cpu_to_le16(seq ? VIRTIO_VSOCK_TYPE_SEQPACKET : VIRTIO_VSOCK_TYPE_STREAM);
	rec->op = cpu_to_le16(op);
	rec->src_cid = cpu_to_le32(attack_link.cid);
	rec->dst_cid = cpu_to_le32(VMADDR_CID_HOST);
	rec->src_port = cpu_to_le32(OWN_PORT + draw(16));
	rec->dst_port = cpu_to_le32(attack_bait + bait);
	credit();
}

/* Payload in the ring: what was there before */
static void payload(u32 len)
{
	if (le16_to_cpu(rec->type) == VIRTIO_VSOCK_TYPE_SEQPACKET && draw(4))
		rec->flags = cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM |
					 (draw(2) ? VIRTIO_VSOCK_SEQ_EOR : 0));
	rec->len = cpu_to_le32(len);
	rec->nr_msgs = cpu_to_le16(draw(8) ? 1 : 1 + draw(U16_MAX));
	rec->size = cpu_to_le32(sizeof(*rec) + ALIGN(len, 8));
}

/* Payload elsewhere: @n segments of @len bytes in all */
static void segments(u32 n, u32 len)
{
	struct virtsock_seg *seg = (struct virtsock_seg *)(rec + 1);
	u32 i, part;

	payload(len);
	for (i = 0; i < n; i++) {
		part = i == n - 1 ? len : len / (n - i);
		seg[i].addr = cpu_to_le64(attack_own(part));
		seg[i].len = cpu_to_le32(part);
		seg[i].reserved = 0;
		len -= part;
	}
	rec->nr_segs = n;
	rec->size = cpu_to_le32(sizeof(*rec) + n * sizeof(*seg));
}

static enum attack_sure make_walk(void)
{
	static u32 port;

	begin(VIRTIO_VSOCK_OP_REQUEST, BAITS);
	rec->dst_port = cpu_to_le32(draw(16) ? port++ : prandom_u32_state(&attack_rnd));
	return ATTACK_GOOD;
}

static enum attack_sure make_request(void)
{
	begin(VIRTIO_VSOCK_OP_REQUEST, BAITS);
	return ATTACK_GOOD;
}

static enum attack_sure make_response(void)
{
	begin(VIRTIO_VSOCK_OP_RESPONSE, BAITS);
	return ATTACK_GOOD;
}

static enum attack_sure make_data(void)
{
	begin(VIRTIO_VSOCK_OP_RW, BAITS);
	payload(1 + draw(draw(8) ? 64 : 4096));
	return ATTACK_GOOD;
}

static enum attack_sure make_segs(void)
{
	u32 n = 1 + draw(VIRTSOCK_REC_SEGS_MAX);

	begin(VIRTIO_VSOCK_OP_RW, BAITS);
	segments(n, n + draw(draw(8) ? 2000 : 32768));
	return ATTACK_GOOD;
}

/* Far more than the buffer of who never reads */
static enum attack_sure make_flood(void)
{
	begin(VIRTIO_VSOCK_OP_RW, NEVER_READ + draw(2) * BAITS / 2);
	rec->src_port = cpu_to_le32(OWN_PORT + draw(2));
	segments(1 + draw(VIRTSOCK_REC_SEGS_MAX), VIRTSOCK_REC_LEN_MAX);
	return ATTACK_GOOD;
}

/* A message that has no end */
static enum attack_sure make_no_eom(void)
{
	begin(VIRTIO_VSOCK_OP_RW, BAITS / 2 + draw(BAITS / 2));
	payload(1 + draw(1000));
	rec->flags = 0;
	return ATTACK_GOOD;
}

static enum attack_sure make_shutdown(void)
{
	begin(VIRTIO_VSOCK_OP_SHUTDOWN, BAITS);
	rec->flags = cpu_to_le32(draw(4));
	return ATTACK_GOOD;
}

static enum attack_sure make_rst(void)
{
	begin(VIRTIO_VSOCK_OP_RST, BAITS);
	return ATTACK_GOOD;
}

static enum attack_sure make_credit_update(void)
{
	begin(VIRTIO_VSOCK_OP_CREDIT_UPDATE, BAITS);
	return ATTACK_GOOD;
}

static enum attack_sure make_credit_request(void)
{
	begin(VIRTIO_VSOCK_OP_CREDIT_REQUEST, BAITS);
	return ATTACK_GOOD;
}

/* To a program of the host that connects to us: yes, no, or what is too early */
static enum attack_sure make_answer(void)
{
	static const u16 op[] = {
		VIRTIO_VSOCK_OP_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE,
		VIRTIO_VSOCK_OP_RST, VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_OP_RW,
		VIRTIO_VSOCK_OP_CREDIT_UPDATE, VIRTIO_VSOCK_OP_REQUEST,
	};
	u32 src_port, dst_port;
	u16 type;

	begin(op[draw(ARRAY_SIZE(op))], BAITS);
	type = attack_asked(&src_port, &dst_port);
	if (type) {
		rec->type = cpu_to_le16(type);
		rec->src_port = cpu_to_le32(src_port);
		rec->dst_port = cpu_to_le32(dst_port);
	}
	if (le16_to_cpu(rec->op) == VIRTIO_VSOCK_OP_RW)
		payload(1 + draw(100));
	return ATTACK_GOOD;
}

/* To whom others are connected, or nobody is */
static enum attack_sure make_stranger(void)
{
	begin(VIRTIO_VSOCK_OP_RESPONSE + draw(6), BAITS);
	rec->src_port = cpu_to_le32(prandom_u32_state(&attack_rnd));
	rec->dst_port = cpu_to_le32(draw(2) ? attack_victim : prandom_u32_state(&attack_rnd));
	if (le16_to_cpu(rec->op) == VIRTIO_VSOCK_OP_RW)
		payload(1 + draw(100));
	return ATTACK_GOOD;
}

static u32 foreign_cid(u32 not)
{
	const u32 cids[] = {
		attack_neighbour, 0, VMADDR_CID_LOCAL, VMADDR_CID_HOST,
		VMADDR_CID_ANY, attack_link.cid, attack_link.cid ^ 1U << draw(32),
	};
	u32 cid;

	do {
		cid = cids[draw(ARRAY_SIZE(cids))];
	} while (cid == not);
	return cid;
}

static enum attack_sure make_route(void)
{
	begin(VIRTIO_VSOCK_OP_REQUEST + draw(7), BAITS);
	rec->dst_cid = cpu_to_le32(foreign_cid(VMADDR_CID_HOST));
	if (draw(2))
		rec->dst_port = cpu_to_le32(attack_victim);
	if (le16_to_cpu(rec->op) == VIRTIO_VSOCK_OP_RW)
		payload(1 + draw(100));
	return ATTACK_GOOD;
}

/* One segment of several is not memory, or not all of it. */
static enum attack_sure make_segs_bad(void)
{
	struct virtsock_seg *seg = (struct virtsock_seg *)(rec + 1);
	u32 n = 1 + draw(VIRTSOCK_REC_SEGS_MAX), i = draw(n);
	enum attack_sure sure;

	begin(VIRTIO_VSOCK_OP_RW, BAITS);
	segments(n, n * (1 + draw(draw(8) ? 100 : VIRTSOCK_REC_LEN_MAX / 20)));
	seg[i].addr = cpu_to_le64(attack_wild(le32_to_cpu(seg[i].len), false, &sure));
	return sure;
}

static enum attack_sure make_source(void)
{
	make_data();
	rec->src_cid = cpu_to_le32(foreign_cid(attack_link.cid));
	return ATTACK_BAD;
}

/* One field of a good one is what it must not be. */
static enum attack_sure make_field(void)
{
	u32 len;

	make_data();
	len = le32_to_cpu(rec->len);
	switch (draw(8)) {
	case 0:
		len = le32_to_cpu(rec->size) + 1 + draw(1 << 20);
		rec->size = cpu_to_le32(draw(2) ? len : draw(sizeof(*rec) + 1));
		break;
	case 1:
		rec->len = cpu_to_le32(draw(2) ? 0 : len + 8 * (1 + draw(1 << 20)));
		break;
	case 2:
		rec->type = cpu_to_le16(draw(2) ? 0 : 3 + draw(U16_MAX - 3));
		break;
	case 3:
		rec->op = cpu_to_le16(draw(2) ? 0 : 8 + draw(U16_MAX - 8));
		break;
	case 4:
		rec->flags = cpu_to_le32(4U << draw(30));
		break;
	case 5:
		rec->nr_msgs = 0;
		break;
	case 6:
		rec->reserved = 1 + draw(255);
		break;
	default:
		rec->nr_segs = VIRTSOCK_REC_SEGS_MAX + 1 + draw(200);
		break;
	}
	return ATTACK_BAD;
}

static enum attack_sure make_noise(void)
{
	u32 len = sizeof(*rec) + 8 * draw(50);

	prandom_bytes_state(&attack_rnd, space, len);
	/* That it is malformed is not left to chance. */
	rec->len = cpu_to_le32(~0U);
	return ATTACK_BAD;
}

static const struct {
	enum attack_kind kind;
	u32 weight;
	enum attack_sure (*make)(void);
} makers[] = {
	{ REC_WALK, 60, make_walk },
	{ REC_REQUEST, 160, make_request },
	{ REC_RESPONSE, 60, make_response },
	{ REC_DATA, 260, make_data },
	{ REC_SEGS, 90, make_segs },
	{ REC_FLOOD, 8, make_flood },
	{ REC_NO_EOM, 70, make_no_eom },
	{ REC_SHUTDOWN, 60, make_shutdown },
	{ REC_RST, 50, make_rst },
	{ REC_CREDIT_UPDATE, 70, make_credit_update },
	{ REC_CREDIT_REQUEST, 40, make_credit_request },
	{ REC_ANSWER, 60, make_answer },
	{ REC_STRANGER, 40, make_stranger },
	{ REC_ROUTE, 30, make_route },
	/* These end the link. */
	{ REC_SEGS_BAD, 2, make_segs_bad },
	{ REC_SOURCE, 1, make_source },
	{ REC_FIELD, 1, make_field },
	{ REC_NOISE, 1, make_noise },
};

static void put(const void *from, u32 len)
{
	struct attack_link *l = &attack_link;

	while (len) {
		u32 pos = l->head % l->size, off = offset_in_page(pos);
		u32 n = min_t(u32, len, PAGE_SIZE - off);
		void *va = l->va[pos / PAGE_SIZE];

		if (va)
			memcpy(va + off, from, n);
		from += n;
		l->head += n;
		len -= n;
	}
}

/* A record to the ring. Return: was there room? */
static bool one(void)
{
	struct attack_link *l = &attack_link;
	u32 n, i, sum = 0, size;
	enum attack_sure sure;

	/* No record that goes into the ring is larger: payload of 4 KiB */
	if (l->size - (l->head - l->tail) < 2 * PAGE_SIZE)
		return false;
	for (i = 0; i < ARRAY_SIZE(makers); i++)
		sum += makers[i].weight;
	for (n = draw(sum), i = 0; n >= makers[i].weight; i++)
		n -= makers[i].weight;
	sure = makers[i].make();
	attack_count(makers[i].kind);
	/* What a wrong size says is not there. */
	size = sizeof(*rec) + (rec->nr_segs ? rec->nr_segs * sizeof(struct virtsock_seg) :
					      ALIGN(le32_to_cpu(rec->len), 8));
	if (makers[i].kind == REC_FIELD || makers[i].kind == REC_NOISE)
		size = sizeof(*rec) + PAGE_SIZE;
	l->recs[l->nr_recs++] = l->head;
	put(rec, size);
	l->doomed |= sure == ATTACK_BAD;
	l->suspect |= sure != ATTACK_GOOD;
	return true;
}

/* Some records, and a FLUSH. Context: process. */
void attack_batch(void)
{
	u32 n = 1 + draw(ATTACK_BATCH), from = attack_link.head;
	enum attack_race race = RACE_NONE;

	attack_link.nr_recs = 0;
	while (n-- && one())
		;
	n = draw(64);
	if (n < 4)
		race = RACE_RING;
	else if (n < 8)
		race = RACE_SEGS;
	attack_flush_good(CALL_FLUSH, race, from, draw(8) ? 0 : VIRTSOCK_FF_WAIT);
}
