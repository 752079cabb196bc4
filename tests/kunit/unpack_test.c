// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a record to packets: what each says, how many there are, where their
 * payload goes, and the pools of pages that it goes to.
 */
#include <linux/uio.h>
#include <net/page_pool/helpers.h>
#include "pack_fixture.h"
#include "pack_linear.h"

/* A record as the parser describes it; the last packet of it has the flags */
static struct virtsock_rec_info rec_info(u16 type, u16 op, u32 len)
{
	return (struct virtsock_rec_info) {
		.len = len,
		.type = type,
		.op = op,
		.flags = op == VIRTIO_VSOCK_OP_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_RCV :
			 type == SEQ ? VIRTIO_VSOCK_SEQ_EOM : 0,
		.src_port = 1,
		.dst_port = 2,
		.src_cid = 0xfffffff3,
		.dst_cid = 4,
		.buf_alloc = 5,
		.fwd_cnt = 6,
		.msg_limit = 7,
		.nr_msgs = op == RW ? 8 : 0,
	};
}

static void free_packet(void *skb)
{
	consume_skb(skb);
}

static struct sk_buff *keep(struct kunit *test, struct sk_buff *skb)
{
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_packet, skb));
	return skb;
}

/* All of a header, whichever part of its record the packet is */
static void expect_header(struct kunit *test, struct sk_buff *skb,
			  const struct virtsock_rec_info *info, bool last)
{
	u32 flags = last || info->op != RW ? info->flags : 0;
	struct virtio_vsock_hdr want = {
		.src_cid = cpu_to_le64(info->src_cid),
		.dst_cid = cpu_to_le64(info->dst_cid),
		.src_port = cpu_to_le32(info->src_port),
		.dst_port = cpu_to_le32(info->dst_port),
		.len = cpu_to_le32(skb->len),
		.type = cpu_to_le16(info->type),
		.op = cpu_to_le16(info->op),
		.flags = cpu_to_le32(flags),
		.buf_alloc = cpu_to_le32(info->buf_alloc),
		.fwd_cnt = cpu_to_le32(info->fwd_cnt),
	};

	KUNIT_EXPECT_MEMEQ(test, virtio_vsock_hdr(skb), &want, sizeof(want));
	KUNIT_EXPECT_EQ(test, virtsock_skb_cb(skb)->nr_msgs, last ? info->nr_msgs : 0);
	KUNIT_EXPECT_EQ(test, virtsock_skb_cb(skb)->msg_limit, info->msg_limit);
	KUNIT_EXPECT_PTR_EQ(test, (void *)skb->sk, NULL);
}

/*
 * Each byte of a packet is in one room, and each room ends where it says: the
 * payload that is put there is what the packet has.
 */
static void expect_room(struct kunit *test, struct sk_buff *skb)
{
	u32 off, len, i;
	u8 *room, byte;

	for (off = 0; off < skb->len; off += len) {
		room = virtsock_skb_room(skb, off, &len);
		KUNIT_ASSERT_GT(test, len, 0);
		KUNIT_ASSERT_LE(test, off + len, skb->len);
		for (i = 0; i < len; i++)
			room[i] = pack_byte(off + i);
	}
	for (off = 0; off < skb->len; off++) {
		KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, off, &byte, 1));
		KUNIT_ASSERT_EQ_MSG(test, byte, pack_byte(off), "byte %u", off);
	}
}

static void unpack_whole(struct kunit *test)
{
	static const u32 lens[] = { 1, 100, VIRTSOCK_POOL_MIN - 1, VIRTSOCK_POOL_MIN,
				    VIRTSOCK_POOL_BYTES, VIRTSOCK_POOL_BYTES + 1,
				    VIRTSOCK_REC_LEN_MAX - 1, VIRTSOCK_REC_LEN_MAX };
	struct virtsock_rec_info info;
	struct sk_buff *skb;
	u32 i;
	u16 type;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (type = STREAM; type <= SEQ; type++) {
			info = rec_info(type, RW, lens[i]);
			skb = keep(test, virtsock_unpack(&info, 0, GFP_KERNEL));
			KUNIT_EXPECT_EQ(test, skb->len, lens[i]);
			expect_header(test, skb, &info, true);
			expect_room(test, skb);
		}
	}
}

static void unpack_control(struct kunit *test)
{
	struct virtsock_rec_info info;
	struct sk_buff *skb;
	u16 op;

	for (op = VIRTIO_VSOCK_OP_REQUEST; op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
		if (op == RW)
			continue;
		info = rec_info(STREAM, op, 0);
		skb = keep(test, virtsock_unpack(&info, 0, GFP_KERNEL));
		KUNIT_EXPECT_EQ(test, skb->len, 0);
		expect_header(test, skb, &info, true);
	}
}

/* What is charged to somebody is not of the pools, which are for everybody. */
static void unpack_by_pool(struct kunit *test)
{
	struct virtsock_rec_info info = rec_info(STREAM, RW, VIRTSOCK_POOL_MIN);
	struct sk_buff *skb;

	if (!IS_ENABLED(CONFIG_PAGE_POOL))
		kunit_skip(test, "no page pools");
	skb = keep(test, virtsock_unpack(&info, 0, GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, skb->pp_recycle);
	skb = keep(test, virtsock_unpack(&info, 0, GFP_KERNEL_ACCOUNT));
	KUNIT_EXPECT_FALSE(test, skb->pp_recycle);
	info.len--;
	skb = keep(test, virtsock_unpack(&info, 0, GFP_KERNEL));
	KUNIT_EXPECT_FALSE(test, skb->pp_recycle);
}

/* A record in packets of @max and a rest; the last one is told. */
static void expect_pieces(struct kunit *test, const struct virtsock_rec_info *info,
			  u32 max)
{
	u32 off = 0, pieces = 0;
	struct sk_buff *skb;

	do {
		u32 len = min(max, info->len - off);

		skb = keep(test, linear_unpack(info, off, GFP_KERNEL));
		KUNIT_ASSERT_EQ(test, skb->len, len);
		KUNIT_EXPECT_FALSE(test, skb_is_nonlinear(skb));
		off += len;
		expect_header(test, skb, info, off == info->len);
		expect_room(test, skb);
		pieces++;
	} while (off < info->len);
	KUNIT_EXPECT_EQ(test, pieces, DIV_ROUND_UP(info->len, max));
}

static void unpack_splits(struct kunit *test)
{
	u32 max = linear_skb_max(), lens[] = { 1, max - 1, max, max + 1, 2 * max,
					       2 * max + 1, VIRTSOCK_REC_LEN_MAX };
	struct virtsock_rec_info info;
	u16 type;
	u32 i;

	KUNIT_ASSERT_LT(test, max, 16384);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (type = STREAM; type <= SEQ; type++) {
			info = rec_info(type, RW, lens[i]);
			expect_pieces(test, &info, max);
		}
	}
}

/* A stream goes on in pages; a message has credit for its records only. */
static void unpack_without_memory(struct kunit *test)
{
	u32 page = SKB_WITH_OVERHEAD(PAGE_SIZE) - VIRTIO_VSOCK_SKB_HEADROOM;
	struct virtsock_rec_info stream = rec_info(STREAM, RW, 30000);
	struct virtsock_rec_info message = rec_info(SEQ, RW, 30000);

	linear_memory = page;
	KUNIT_EXPECT_PTR_EQ(test, (void *)linear_unpack(&message, 0, GFP_KERNEL), NULL);
	if (virtsock_compat_rx_entries(0, SOCK_STREAM) == VIRTSOCK_CREDIT_NO_RULE)
		expect_pieces(test, &stream, page);
	linear_memory = page - 1;
	KUNIT_EXPECT_PTR_EQ(test, (void *)linear_unpack(&stream, 0, GFP_KERNEL), NULL);
}

static void unpack_exit(struct kunit *test)
{
	linear_memory = U32_MAX;
}

/* From each byte on: to the end of its piece, be that the head or a page */
static void room_of_pieces(struct kunit *test)
{
	static const u32 sizes[] = { 1, PAGE_SIZE, 50, 3 };
	struct sk_buff *skb;
	u32 head, off, len, i, end;
	u8 *room;

	for (head = 0; head <= 100; head += 50) {
		skb = keep(test, virtsock_compat_alloc_skb(head, GFP_KERNEL));
		skb_put(skb, head);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct page *page = alloc_page(GFP_KERNEL);

			KUNIT_ASSERT_NOT_NULL(test, page);
			skb_add_rx_frag(skb, i, page, (PAGE_SIZE - sizes[i]) / 2,
					sizes[i], PAGE_SIZE);
		}
		pack_fill(test, skb, 0);

		end = head;
		i = 0;
		for (off = 0; off < skb->len; off++) {
			while (off == end)
				end += sizes[i++];
			room = virtsock_skb_room(skb, off, &len);
			KUNIT_ASSERT_EQ_MSG(test, len, end - off, "byte %u", off);
			KUNIT_ASSERT_EQ_MSG(test, *room, pack_byte(off), "byte %u", off);
			KUNIT_ASSERT_EQ(test, room[len - 1], pack_byte(end - 1));
		}
	}
}

/* A packet of the pools, of a socket, as a program's messages gather in */
static struct sk_buff *pooled(struct kunit *test, struct batch *b, u32 len)
{
	struct vsock_sock *vsk = pack_sock(test, SOCK_STREAM, PORT);
	struct sk_buff *skb;

	if (!IS_ENABLED(CONFIG_PAGE_POOL))
		kunit_skip(test, "no page pools");
	skb = virtsock_pool_alloc(len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	virtsock_fill_packet(vsk, skb, RW);
	__skb_queue_tail(&b->skbs, skb);
	pack_fill(test, skb, 0);
	return skb;
}

static void pool_layout(struct kunit *test)
{
	struct batch *b = batch_new(test, 8);
	u32 len, i;

	for (len = 1; len <= VIRTSOCK_REC_LEN_MAX; len += 7777) {
		struct sk_buff *skb = pooled(test, b, len);
		u32 left = len;

		KUNIT_EXPECT_EQ(test, skb->len, len);
		KUNIT_EXPECT_EQ(test, skb_headlen(skb), 0);
		KUNIT_EXPECT_TRUE(test, skb->pp_recycle);
		KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->nr_frags,
				DIV_ROUND_UP(len, VIRTSOCK_POOL_BYTES));
		for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
			const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

			KUNIT_EXPECT_EQ(test, skb_frag_size(frag),
					min(left, VIRTSOCK_POOL_BYTES));
			KUNIT_EXPECT_EQ(test, skb_frag_off(frag), 0);
			KUNIT_EXPECT_EQ(test, skb_frag_page(frag)->pp_magic & ~3UL,
					PP_SIGNATURE);
			left -= skb_frag_size(frag);
		}
		expect_room(test, skb);
	}
}

/* Append @len bytes, as they go on, of which @there can be copied. */
static bool append(struct kunit *test, struct sk_buff *skb, u32 len, u32 there)
{
	u8 *bytes = kunit_kmalloc(test, len, GFP_KERNEL);
	struct kvec vec = { .iov_base = bytes, .iov_len = there };
	struct iov_iter from;
	bool done;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	for (i = 0; i < len; i++)
		bytes[i] = pack_byte(skb->len + i);
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, there);
	local_bh_disable();
	done = virtsock_pool_append(skb, &from, len);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, iov_iter_count(&from), done ? 0 : there);
	kunit_kfree(test, bytes);
	return done;
}

/* @len bytes in @frags pages, and the owner pays for each page whole */
static void expect_pooled(struct kunit *test, struct sk_buff *skb, u32 len, u32 frags)
{
	u32 i;
	u8 byte;

	KUNIT_EXPECT_EQ(test, skb->len, len);
	KUNIT_EXPECT_EQ(test, skb->data_len, len);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->nr_frags, frags);
	/* One is the socket's own */
	KUNIT_EXPECT_EQ(test, refcount_read(&skb->sk->sk_wmem_alloc),
			skb->truesize + 1);
	KUNIT_EXPECT_GE(test, skb->truesize, frags * VIRTSOCK_POOL_BYTES);
	for (i = 0; i < len; i++) {
		KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, i, &byte, 1));
		KUNIT_ASSERT_EQ_MSG(test, byte, pack_byte(i), "byte %u", i);
	}
}

static void pool_append_fills_page(struct kunit *test)
{
	struct sk_buff *skb = pooled(test, batch_new(test, 8), 10000);

	KUNIT_EXPECT_TRUE(test, append(test, skb, 4000, 4000));
	expect_pooled(test, skb, 14000, 1);
	KUNIT_EXPECT_TRUE(test, append(test, skb, VIRTSOCK_POOL_BYTES - 14000,
				       VIRTSOCK_POOL_BYTES - 14000));
	expect_pooled(test, skb, VIRTSOCK_POOL_BYTES, 1);
	KUNIT_EXPECT_TRUE(test, append(test, skb, 1, 1));
	expect_pooled(test, skb, VIRTSOCK_POOL_BYTES + 1, 2);
}

/* In one piece: what does not fit as a whole begins a page. */
static void pool_append_another_page(struct kunit *test)
{
	struct sk_buff *skb = pooled(test, batch_new(test, 8), 14000);
	u32 i;

	for (i = 2; i <= MAX_SKB_FRAGS; i++) {
		KUNIT_ASSERT_TRUE(test, append(test, skb, 14000, 14000));
		expect_pooled(test, skb, 14000 * i, i);
	}
	KUNIT_EXPECT_FALSE(test, append(test, skb, 14000, 14000));
	expect_pooled(test, skb, 14000 * MAX_SKB_FRAGS, MAX_SKB_FRAGS);
	KUNIT_EXPECT_TRUE(test, append(test, skb, 1000, 1000));
	expect_pooled(test, skb, 14000 * MAX_SKB_FRAGS + 1000, MAX_SKB_FRAGS);
}

/* A page of the program's is not there: nothing is taken. */
static void pool_append_cut_short(struct kunit *test)
{
	struct sk_buff *skb = pooled(test, batch_new(test, 8), 10000);

	KUNIT_EXPECT_FALSE(test, append(test, skb, 4000, 3999));
	expect_pooled(test, skb, 10000, 1);
	KUNIT_EXPECT_FALSE(test, append(test, skb, 8000, 1));
	expect_pooled(test, skb, 10000, 1);
	KUNIT_EXPECT_TRUE(test, append(test, skb, 4000, 4000));
	expect_pooled(test, skb, 14000, 1);
}

static struct kunit_case unpack_cases[] = {
	KUNIT_CASE(unpack_whole),
	KUNIT_CASE(unpack_control),
	KUNIT_CASE(unpack_by_pool),
	KUNIT_CASE(unpack_splits),
	KUNIT_CASE(unpack_without_memory),
	KUNIT_CASE(room_of_pieces),
	KUNIT_CASE(pool_layout),
	KUNIT_CASE(pool_append_fills_page),
	KUNIT_CASE(pool_append_another_page),
	KUNIT_CASE(pool_append_cut_short),
	{}
};

static struct kunit_suite unpack_suite = {
	.name = "virtsock_unpack",
	.exit = unpack_exit,
	.test_cases = unpack_cases,
};

kunit_test_suite(unpack_suite);
