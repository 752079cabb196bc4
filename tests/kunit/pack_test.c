// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packer: what becomes one record and what does not, and what a batch looks
 * like that is full.
 */
#include <linux/prandom.h>
#include "pack_fixture.h"

#define BATCH		(256U * 1024)

/* Nothing but zeroes up to a record's end, and nothing written behind it */
static void expect_padded(struct kunit *test, struct batch *b, u32 len)
{
	u8 *buf = b->p.buf;
	u32 i;

	KUNIT_EXPECT_EQ(test, b->p.used, REC_SIZE(len));
	for (i = REC_HDR + len; i < b->p.used; i++)
		KUNIT_EXPECT_EQ(test, buf[i], 0);
	for (; i < b->p.size; i++)
		KUNIT_ASSERT_EQ(test, buf[i], UNTOUCHED);
}

static void pack_fields(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_SEQPACKET, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	struct batch *b = batch_new(test, 256);
	struct virtsock_rec_info info;
	struct sk_buff *skb;

	vs->vvs.fwd_cnt = 77;
	skb = packet(test, b, vsk, RW, 100);
	virtio_vsock_hdr(skb)->flags = cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM);
	virtsock_skb_cb(skb)->nr_msgs = 3;
	KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));

	info = only_rec(test, b);
	KUNIT_EXPECT_EQ(test, info.size, 152);
	KUNIT_EXPECT_EQ(test, info.len, 100);
	KUNIT_EXPECT_EQ(test, info.type, SEQ);
	KUNIT_EXPECT_EQ(test, info.op, RW);
	KUNIT_EXPECT_EQ(test, info.flags, VIRTIO_VSOCK_SEQ_EOM);
	KUNIT_EXPECT_EQ(test, info.src_port, PORT);
	KUNIT_EXPECT_EQ(test, info.dst_port, PEER_PORT(PORT));
	KUNIT_EXPECT_EQ(test, info.src_cid, VMADDR_CID_HOST);
	KUNIT_EXPECT_EQ(test, info.dst_cid, PEER_CID);
	KUNIT_EXPECT_EQ(test, info.nr_msgs, 3);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 0);
	expect_credit(test, &info, 77, vs->buf_size, vs->sent_limit);
	expect_bytes(test, b, &info, 0, 100);
	KUNIT_EXPECT_EQ(test, b->p.bytes, 100);
	KUNIT_EXPECT_EQ(test, b->p.messages, 3);
}

/* A guest's CID may have changed since its packets were made. */
static void pack_own_cid(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, 256);

	b->p.cid = 99;
	pack(test, b, vsk, RW, 1);
	KUNIT_EXPECT_EQ(test, only_rec(test, b).src_cid, 99);
}

static void pack_pads_with_zeroes(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	u32 len;

	for (len = 0; len <= 24; len++) {
		struct batch *b = batch_new(test, 128);

		pack(test, b, vsk, len ? RW : UPDATE, len);
		KUNIT_EXPECT_EQ(test, only_rec(test, b).len, len);
		expect_padded(test, b, len);
	}
}

static void pack_merges_stream(struct kunit *test)
{
	static const u32 lens[] = { 5, 9, 1, 100, 8, 7 };
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, 512);
	struct virtsock_rec_info info;
	u32 len = 0, msgs = 0, i, from;
	struct sk_buff *skb;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		skb = packet(test, b, vsk, RW, lens[i]);
		virtsock_skb_cb(skb)->nr_msgs = 1 + i;
		KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
		len += lens[i];
		msgs += 1 + i;

		info = only_rec(test, b);
		KUNIT_EXPECT_EQ(test, info.len, len);
		KUNIT_EXPECT_EQ(test, info.nr_msgs, msgs);
		KUNIT_EXPECT_EQ(test, b->p.bytes, len);
		KUNIT_EXPECT_EQ(test, b->p.messages, msgs);
		expect_padded(test, b, len);
	}
	for (i = 0, from = 0; i < ARRAY_SIZE(lens); from += lens[i++])
		expect_bytes(test, b, &info, from, lens[i]);
}

/* One packet each of which the next differs in one thing */
static void pack_connections_apart(struct kunit *test)
{
	struct vsock_sock *a = pack_sock(test, SOCK_STREAM, PORT);
	struct vsock_sock *twin = pack_sock(test, SOCK_STREAM, PORT);
	struct virtio_vsock_hdr *hdr;
	struct sk_buff *skb;
	u32 pos, i;

	for (i = 0; i <= 6; i++) {
		struct batch *b = batch_new(test, 512);

		pack(test, b, a, RW, 10);
		skb = packet(test, b, i == 0 ? twin : a, RW, 10);
		hdr = virtio_vsock_hdr(skb);
		switch (i) {
		case 1:
			le32_add_cpu(&hdr->src_port, 1);
			break;
		case 2:
			le32_add_cpu(&hdr->dst_port, 1);
			break;
		case 3:
			le64_add_cpu(&hdr->dst_cid, 1);
			break;
		case 4:
			/* Of its data nothing is merged anyway */
			hdr->type = cpu_to_le16(SEQ);
			hdr->op = cpu_to_le16(UPDATE);
			break;
		case 5:
			skb_orphan(skb);
			break;
		case 6:
			hdr->op = cpu_to_le16(VIRTIO_VSOCK_OP_SHUTDOWN);
			break;
		}
		KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
		KUNIT_EXPECT_EQ_MSG(test, b->p.records, 2, "difference %u", i);
		pos = REC_SIZE(10);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(((struct virtsock_rec *)
						   (b->p.buf + pos))->len), 10);
		KUNIT_EXPECT_EQ(test, b->p.used, 2 * REC_SIZE(10));
		KUNIT_EXPECT_EQ(test, b->p.bytes, 20);
	}
}

/* Two packets of nobody (resets of unknown connections) are two records. */
static void pack_without_socket(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	static const u16 ops[] = { VIRTIO_VSOCK_OP_RST, UPDATE, RW };
	struct sk_buff *skb;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct batch *b = batch_new(test, 256);

		for (j = 1; j <= 3; j++) {
			skb = packet(test, b, vsk, ops[i], ops[i] == RW ? 8 : 0);
			skb_orphan(skb);
			KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
			KUNIT_EXPECT_EQ(test, b->p.records, j);
		}
	}
}

static void pack_messages_apart(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_SEQPACKET, PORT);
	struct batch *b = batch_new(test, 256);
	struct virtsock_rec_info info;
	u32 pos = 0, i;

	for (i = 0; i < 3; i++)
		pack(test, b, vsk, RW, 8 + i);
	KUNIT_ASSERT_EQ(test, b->p.records, 3);
	for (i = 0; i < 3; i++) {
		info = next_rec(test, b, &pos);
		KUNIT_EXPECT_EQ(test, info.len, 8 + i);
		KUNIT_EXPECT_EQ(test, info.nr_msgs, 1);
	}
}

/* What has no payload but a meaning goes as often as it was sent. */
static void pack_control_apart(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct sk_buff *skb;
	u32 pos, i;
	u16 op;

	for (op = VIRTIO_VSOCK_OP_REQUEST; op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
		struct batch *b = batch_new(test, 256);

		if (op == RW || op == UPDATE)
			continue;
		for (i = 0; i < 2; i++) {
			skb = packet(test, b, vsk, op, 0);
			if (op == VIRTIO_VSOCK_OP_SHUTDOWN)
				virtio_vsock_hdr(skb)->flags = cpu_to_le32(1 + i);
			KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
		}
		KUNIT_ASSERT_EQ(test, b->p.records, 2);
		for (i = 0, pos = 0; i < 2; i++) {
			struct virtsock_rec_info info = next_rec(test, b, &pos);

			KUNIT_EXPECT_EQ(test, info.op, op);
			KUNIT_EXPECT_EQ(test, info.flags,
					op == VIRTIO_VSOCK_OP_SHUTDOWN ? 1 + i : 0);
		}
	}
}

/* As long as virtsock_merge_max(), not longer, whichever of three it is */
static void pack_merge_max(struct kunit *test)
{
	static const struct {
		u32 peer, own, max;
	} windows[] = {
		{ 8000, 1 << 20, 2000 },
		{ 1 << 20, 8000, 2000 },
		{ 1 << 20, 1 << 20, VIRTSOCK_REC_LEN_MAX },
	};
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	u32 i, pos, over;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		vs->vvs.peer_buf_alloc = windows[i].peer;
		vs->buf_size = windows[i].own;
		for (over = 0; over <= 1; over++) {
			struct batch *b = batch_new(test, BATCH);
			u32 left = windows[i].max;

			for (; left > 15000; left -= 15000)
				pack(test, b, vsk, RW, 15000);
			pack(test, b, vsk, RW, left - 1);
			pack(test, b, vsk, RW, 1 + over);
			KUNIT_EXPECT_EQ(test, b->p.records, 1 + over);
			pos = 0;
			KUNIT_EXPECT_EQ(test, next_rec(test, b, &pos).len,
					windows[i].max - over);
			if (over)
				KUNIT_EXPECT_EQ(test, next_rec(test, b, &pos).len, 2);
		}
	}
}

static void pack_nr_msgs_max(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, 512);
	struct sk_buff *skb = packet(test, b, vsk, RW, 8);
	u32 pos = 0;

	virtsock_skb_cb(skb)->nr_msgs = U16_MAX - 1;
	KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
	pack(test, b, vsk, RW, 8);
	KUNIT_EXPECT_EQ(test, only_rec(test, b).nr_msgs, U16_MAX);
	pack(test, b, vsk, RW, 8);
	KUNIT_ASSERT_EQ(test, b->p.records, 2);
	KUNIT_EXPECT_EQ(test, next_rec(test, b, &pos).nr_msgs, U16_MAX);
	KUNIT_EXPECT_EQ(test, next_rec(test, b, &pos).nr_msgs, 1);
	KUNIT_EXPECT_EQ(test, b->p.messages, U16_MAX + 1);
}

/* vsockmon has seen it: a sealed record neither grows nor goes away. */
static void pack_sealed(struct kunit *test)
{
	static const u16 ops[][2] = { { RW, RW }, { RW, UPDATE }, { UPDATE, RW },
				      { UPDATE, UPDATE } };
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct virtsock_sock *vs = virtsock_sk(vsk);
	u8 before[64];
	u32 i, used;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct batch *b = batch_new(test, 256);

		pack(test, b, vsk, ops[i][0], ops[i][0] == RW ? 8 : 0);
		used = b->p.used;
		memcpy(before, b->p.buf, used);
		virtsock_pack_seal(&b->p);
		virtsock_pack_seal(&b->p);
		vs->vvs.fwd_cnt += 8;
		pack(test, b, vsk, ops[i][1], ops[i][1] == RW ? 8 : 0);
		KUNIT_EXPECT_EQ(test, b->p.records, 2);
		KUNIT_EXPECT_GT(test, b->p.used, used);
		KUNIT_EXPECT_MEMEQ(test, b->p.buf, before, used);
	}
}

/* Head and pages of each packet, in order, up to what a record may list */
static void pack_merges_segs(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, 1024);
	struct virtsock_rec_info info;
	u32 i, pos = 0;

	b->p.seg_min = 1000;
	for (i = 1; i <= 5; i++) {
		struct sk_buff *skb = packet_frags(test, b, vsk, 40, 3, 100 * i, 900);

		KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
		info = only_rec(test, b);
		KUNIT_EXPECT_EQ(test, info.nr_segs, 4 * i);
		KUNIT_EXPECT_EQ(test, info.len, 2740 * i);
		KUNIT_EXPECT_EQ(test, info.nr_msgs, i);
		KUNIT_EXPECT_EQ(test, b->p.bytes, 2740 * i);
		KUNIT_EXPECT_PTR_EQ(test, b->p.last_skb, skb_peek(&b->skbs));
	}
	KUNIT_ASSERT_EQ(test, info.nr_segs, VIRTSOCK_REC_SEGS_MAX);
	for (i = 0; i < 5; i++)
		expect_bytes(test, b, &info, 2740 * i, 2740);

	KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, packet_frags(test, b, vsk, 0, 1,
								  0, 1000)));
	KUNIT_ASSERT_EQ(test, b->p.records, 2);
	KUNIT_EXPECT_EQ(test, next_rec(test, b, &pos).nr_segs, VIRTSOCK_REC_SEGS_MAX);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 1);
	expect_bytes(test, b, &info, 0, 1000);
}

/* What is large gets room in the record, wherever it comes in there. */
static void pack_leaves_room(struct kunit *test)
{
	static const u32 lens[] = { 1500, 999, 1000, 7, 1234 };
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, 8192);
	struct virtsock_rec_info info;
	struct sk_buff *skb, *first = NULL;
	u32 i, pos = REC_HDR, len = 0;

	b->p.room_min = 1000;
	for (i = 0; i < ARRAY_SIZE(lens); pos += lens[i++]) {
		skb = packet(test, b, vsk, RW, lens[i]);
		first = first ?: skb;
		KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, skb));
		KUNIT_EXPECT_TRUE(test, b->p.last_apart);
		KUNIT_EXPECT_PTR_EQ(test, b->p.last_skb, first);
		KUNIT_ASSERT_EQ(test, virtsock_pack_room(&b->p, skb), lens[i] >= 1000);
		if (lens[i] < 1000)
			continue;
		KUNIT_ASSERT_EQ(test, virtsock_skb_cb(skb)->pos, pos);
		/* The first bytes were the end of the record before. */
		KUNIT_EXPECT_NULL(test, memchr_inv(b->p.buf + pos + VIRTSOCK_REC_ALIGN,
						   UNTOUCHED, lens[i] - VIRTSOCK_REC_ALIGN));
		skb_copy_bits(skb, 0, b->p.buf + pos, lens[i]);
	}
	info = only_rec(test, b);
	for (i = 0; i < ARRAY_SIZE(lens); len += lens[i++])
		expect_bytes(test, b, &info, len, lens[i]);
	KUNIT_EXPECT_EQ(test, info.len, len);
	expect_padded(test, b, len);

	/* The next record has none of it. */
	pack(test, b, pack_sock(test, SOCK_STREAM, PORT + 1), RW, 999);
	KUNIT_EXPECT_FALSE(test, b->p.last_apart);
}

/* Payload goes along or stays where it is, by its length; never both in one */
static void pack_segs_apart(struct kunit *test)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, 8192);
	struct virtsock_rec_info info;
	u32 pos = 0;

	b->p.seg_min = 1000;
	pack(test, b, vsk, RW, 999);
	KUNIT_EXPECT_FALSE(test, b->p.last_apart);
	pack(test, b, vsk, RW, 1000);
	KUNIT_EXPECT_TRUE(test, b->p.last_apart);
	KUNIT_EXPECT_PTR_EQ(test, b->p.last_skb, skb_peek_tail(&b->skbs));
	pack(test, b, vsk, RW, 999);
	KUNIT_ASSERT_EQ(test, b->p.records, 3);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 0);
	expect_bytes(test, b, &info, 0, 999);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 1);
	expect_bytes(test, b, &info, 0, 1000);
	info = next_rec(test, b, &pos);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 0);
	expect_bytes(test, b, &info, 0, 999);

	/* The host's side: it copies, whatever the length. */
	b = batch_new(test, 8192);
	KUNIT_ASSERT_TRUE(test, virtsock_pack(&b->p, packet_frags(test, b, vsk, 40, 2,
								  7, 2000)));
	info = only_rec(test, b);
	KUNIT_EXPECT_EQ(test, info.nr_segs, 0);
	expect_bytes(test, b, &info, 0, 4040);
}

/* A batch, filled by @fill, that has no room for one packet more */
static void full(struct kunit *test, u32 room, u16 fill, u32 fill_len, u16 op,
		 u32 len, u32 seg_min)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct batch *b = batch_new(test, room);
	struct virtsock_packer p;
	u32 limit;
	u8 *before;

	b->p.seg_min = seg_min;
	if (fill)
		pack(test, b, vsk, fill, fill_len);
	p = b->p;
	before = kunit_kmalloc(test, room, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(before, b->p.buf, room);

	/* Nor does the peer hear later that it was told of this */
	virtsock_sk(vsk)->vvs.fwd_cnt = 4711;
	limit = virtsock_sk(vsk)->sent_fwd;
	KUNIT_EXPECT_FALSE(test, virtsock_pack(&b->p, packet(test, b, vsk, op, len)));
	KUNIT_EXPECT_EQ(test, virtsock_sk(vsk)->sent_fwd, limit);
	KUNIT_EXPECT_MEMEQ(test, &b->p, &p, sizeof(p));
	KUNIT_EXPECT_MEMEQ(test, b->p.buf, before, room);
}

static void pack_no_room(struct kunit *test)
{
	full(test, 0, 0, 0, UPDATE, 0, 0);
	full(test, REC_SIZE(0) - 8, 0, 0, UPDATE, 0, 0);
	full(test, REC_SIZE(9) - 8, 0, 0, RW, 9, 0);
	full(test, REC_SIZE(8) + REC_SIZE(9) - 8, RW, 8, RW, 9, 0);
	full(test, REC_SIZE(8) + REC_SIZE(0) - 8, RW, 8, UPDATE, 0, 0);
	full(test, REC_SIZE(0) + REC_SIZE(8) - 8, UPDATE, 0, RW, 8, 0);
	full(test, REC_HDR + REC_SEG - 8, 0, 0, RW, 2000, 1000);
	full(test, 2 * (REC_HDR + REC_SEG) - 8, RW, 2000, RW, 2000, 1000);
}

static void pack_room_is_used(struct kunit *test)
{
	struct vsock_sock *a = pack_sock(test, SOCK_STREAM, PORT);
	struct vsock_sock *c = pack_sock(test, SOCK_STREAM, PORT + 1);
	struct batch *b = batch_new(test, REC_SIZE(9) + REC_SIZE(0) + REC_SIZE(17));

	pack(test, b, a, RW, 9);
	pack(test, b, c, UPDATE, 0);
	pack(test, b, a, RW, 17);
	KUNIT_EXPECT_EQ(test, b->p.records, 3);
	KUNIT_EXPECT_EQ(test, b->p.used, b->p.size);

	b = batch_new(test, REC_HDR + REC_SEG);
	b->p.seg_min = 1000;
	pack(test, b, a, RW, 1000);
	KUNIT_EXPECT_EQ(test, b->p.used, b->p.size);
}

/* What the other side of a connection makes of the records */
struct reader {
	struct vsock_sock *vsk;
	u32 sent, received;
	u32 msgs_sent, msgs_received;
	u32 fwd_cnt, limit;
};

static void read_batch(struct kunit *test, struct batch *b, struct reader *readers)
{
	u32 pos = 0, records = 0, bytes = 0, msgs = 0, i;

	while (pos < b->p.used) {
		struct virtsock_rec_info info = next_rec(test, b, &pos);
		struct reader *r = &readers[info.src_port - PORT];

		for (i = 0; i < info.len; i++)
			KUNIT_ASSERT_EQ(test, rec_byte(test, b, &info, i),
					pack_byte(r->received + i));
		r->received += info.len;
		r->msgs_received += info.nr_msgs;
		KUNIT_ASSERT_GE(test, (s32)(info.fwd_cnt - r->fwd_cnt), 0);
		KUNIT_ASSERT_GE(test, (s32)(info.msg_limit - r->limit), 0);
		r->fwd_cnt = info.fwd_cnt;
		r->limit = info.msg_limit;
		records++;
		bytes += info.len;
		msgs += info.nr_msgs;
	}
	KUNIT_ASSERT_EQ(test, records, b->p.records);
	KUNIT_ASSERT_EQ(test, bytes, b->p.bytes);
	KUNIT_ASSERT_EQ(test, msgs, b->p.messages);
}

/* The last of these is a seqpacket. */
#define READERS		4
#define ROUNDS		200

/*
 * Packets of all kinds in batches of all sizes: read back, each connection has
 * its bytes in order and all its messages, and knows the newest credit.
 */
static void pack_random(struct kunit *test)
{
	struct reader readers[READERS] = {};
	u32 round, i, merged = 0, segs = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20241117);
	for (i = 0; i < READERS; i++)
		readers[i].vsk = pack_sock(test, i == READERS - 1 ? SOCK_SEQPACKET :
					   SOCK_STREAM, PORT + i);

	for (round = 0; round < ROUNDS; round++) {
		u32 room = 4096 + prandom_u32_state(&rnd) % 30000 / 8 * 8, n = 0;
		struct batch *b = batch_new(test, room);
		struct sk_buff *skb;
		struct reader *r = readers;
		bool packed;

		b->p.seg_min = round % 2 ? 1500 : 0;
		do {
			u32 x = prandom_u32_state(&rnd), len = x >> 8;

			if (x % 2)	/* else more of the same connection */
				r = &readers[(x >> 1) % READERS];
			virtsock_sk(r->vsk)->vvs.fwd_cnt += (x >> 3) % 16;
			len = 1 + len % (x % 8 ? 100 : 3000);
			if ((x >> 4) % 8 == 0)
				skb = packet(test, b, r->vsk, UPDATE, 0);
			else if (len > 1000)
				skb = packet_frags(test, b, r->vsk, len % 50,
						   1 + len % 3, len % 90, len / 3);
			else
				skb = packet(test, b, r->vsk, RW, len);
			pack_fill(test, skb, r->sent);
			packed = virtsock_pack(&b->p, skb);
			if (packed) {
				n++;
				r->sent += skb->len;
				r->msgs_sent += virtsock_skb_cb(skb)->nr_msgs;
			}
		} while (packed);
		virtsock_pack_seal(&b->p);
		KUNIT_ASSERT_LE(test, b->p.used, room);
		read_batch(test, b, readers);
		merged += n - b->p.records;
		segs += b->p.seg_min && b->p.bytes > b->p.used;
		batch_free(b);
	}
	for (i = 0; i < READERS; i++) {
		struct reader *r = &readers[i];

		KUNIT_EXPECT_EQ(test, r->received, r->sent);
		KUNIT_EXPECT_EQ(test, r->msgs_received, r->msgs_sent);
		KUNIT_EXPECT_EQ(test, r->fwd_cnt, virtsock_sk(r->vsk)->sent_fwd);
		KUNIT_EXPECT_EQ(test, r->limit, virtsock_sk(r->vsk)->sent_limit);
	}
	/* It is what is meant to be tested */
	KUNIT_EXPECT_GT(test, merged, ROUNDS);
	KUNIT_EXPECT_GT(test, segs, 0);
}

static struct kunit_case pack_cases[] = {
	KUNIT_CASE(pack_fields),
	KUNIT_CASE(pack_own_cid),
	KUNIT_CASE(pack_pads_with_zeroes),
	KUNIT_CASE(pack_merges_stream),
	KUNIT_CASE(pack_connections_apart),
	KUNIT_CASE(pack_without_socket),
	KUNIT_CASE(pack_messages_apart),
	KUNIT_CASE(pack_control_apart),
	KUNIT_CASE(pack_merge_max),
	KUNIT_CASE(pack_nr_msgs_max),
	KUNIT_CASE(pack_sealed),
	KUNIT_CASE(pack_merges_segs),
	KUNIT_CASE(pack_leaves_room),
	KUNIT_CASE(pack_segs_apart),
	KUNIT_CASE(pack_no_room),
	KUNIT_CASE(pack_room_is_used),
	KUNIT_CASE(pack_random),
	{}
};

static struct kunit_suite pack_suite = {
	.name = "virtsock_pack",
	.test_cases = pack_cases,
};

kunit_test_suite(pack_suite);
