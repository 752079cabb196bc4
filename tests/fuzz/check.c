// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be so, after each call: by the batch as it was read, once, and a
 * second reading of the ABI that shares no code with the first.
 */
#include "fuzz.h"

static u64 get(const u8 *p, u32 bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

enum { SIZE, LEN = 4, TYPE = 8, OP = 10, FLAGS = 12, SRC_PORT = 16, DST_PORT = 20,
	SRC_CID = 24, DST_CID = 28, BUF_ALLOC = 32, FWD_CNT = 36, MSG_LIMIT = 40,
	NR_MSGS = 44, NR_SEGS = 46, RESERVED = 47, HDR = 48 };

/* include/uapi/linux/virtsock.h in other words: the record's size, or -EPROTO */
int fuzz_oracle(const u8 *p, u64 avail, bool segs_ok)
{
	u64 size, len, type, op, flags, may = 0, sum = 0;
	u32 msgs, segs, i;

	if (avail < HDR)
		return -EPROTO;
	size = get(p + SIZE, 4);
	len = get(p + LEN, 4);
	type = get(p + TYPE, 2);
	op = get(p + OP, 2);
	flags = get(p + FLAGS, 4);
	msgs = get(p + NR_MSGS, 2);
	segs = p[NR_SEGS];

	if (p[RESERVED] || size > avail || len > 65536 || segs > 20 ||
	    (segs && !segs_ok))
		return -EPROTO;
	if (!(type == 1 || type == 2) || !(op >= 1 && op <= 7))
		return -EPROTO;
	/* 5 is payload, 4 a shutdown */
	if ((op == 5 && type == 2) || op == 4)
		may = 3;
	if ((flags | may) != may)
		return -EPROTO;
	if (op == 5 ? !len || !msgs : len || msgs || segs)
		return -EPROTO;
	if (size != HDR + (segs ? 16ULL * segs : (len + 7) / 8 * 8))
		return -EPROTO;
	for (i = 0; i < segs; i++) {
		const u8 *seg = p + HDR + 16 * i;
		u64 addr = get(seg, 8), part = get(seg + 8, 4);

		if (!part || get(seg + 12, 4) || addr + part < addr)
			return -EPROTO;
		sum += part;
	}
	if (segs && sum != len)
		return -EPROTO;
	return size;
}

static void check_info(const u8 *p, const struct virtsock_rec_info *info)
{
	FUZZ_CHECK(info->size == get(p + SIZE, 4) && info->len == get(p + LEN, 4));
	FUZZ_CHECK(info->type == get(p + TYPE, 2) && info->op == get(p + OP, 2));
	FUZZ_CHECK(info->flags == get(p + FLAGS, 4));
	FUZZ_CHECK(info->src_port == get(p + SRC_PORT, 4));
	FUZZ_CHECK(info->dst_port == get(p + DST_PORT, 4));
	FUZZ_CHECK(info->src_cid == get(p + SRC_CID, 4));
	FUZZ_CHECK(info->dst_cid == get(p + DST_CID, 4));
	FUZZ_CHECK(info->buf_alloc == get(p + BUF_ALLOC, 4));
	FUZZ_CHECK(info->fwd_cnt == get(p + FWD_CNT, 4));
	FUZZ_CHECK(info->msg_limit == get(p + MSG_LIMIT, 4));
	FUZZ_CHECK(info->nr_msgs == get(p + NR_MSGS, 2));
	FUZZ_CHECK(info->nr_segs == p[NR_SEGS]);
}

/* The parser alone, with any bytes, in memory that ends where they end */
void fuzz_check_parse(const u8 *data, size_t len, bool segs_ok)
{
	struct virtsock_rec_info info;
	u8 *copy = malloc(len);
	int ret;

	if (len)
		memcpy(copy, data, len);
	ret = virtsock_rec_parse(copy, len, segs_ok, &info);
	FUZZ_CHECK(ret == fuzz_oracle(data, len, segs_ok));
	if (ret > 0) {
		check_info(data, &info);
		FUZZ_CHECK(info.nr_segs ? (u8 *)info.segs == copy + HDR :
					  info.payload == HDR);
	}
	free(copy);
}

/*
 * What was read of payload from @read on is what the segments of a record say, in
 * this order and no more than once. Return: bytes, all of them or, where the host
 * gave up within the record, fewer.
 */
static u32 check_reads(const u8 *p, u32 *read, bool whole)
{
	u32 i, got = 0, in_read = 0;

	for (i = 0; i < p[NR_SEGS]; i++) {
		u64 addr = get(p + HDR + 16 * i, 8);
		u32 left = get(p + HDR + 16 * i + 8, 4), n;

		for (; left; left -= n, addr += n, got += n) {
			const struct fuzz_read *r = &fuzz_log.reads[*read];

			if (*read == fuzz_log.nr_reads) {
				FUZZ_CHECK(!whole && !in_read);
				return got;
			}
			FUZZ_CHECK(r->gpa + in_read == addr);
			n = min(left, r->len - in_read);
			in_read += n;
			if (in_read == r->len) {
				++*read;
				in_read = 0;
			}
		}
	}
	FUZZ_CHECK(!in_read);
	return got;
}

/* The packets of one record: what they say, and payload byte by byte */
static u32 check_packets(const u8 *p, const u8 *payload)
{
	static u8 got[VIRTSOCK_REC_LEN_MAX];
	u32 len = get(p + LEN, 4), done = 0, count = 0;
	bool rw = get(p + OP, 2) == 5;

	do {
		struct sk_buff *skb = __skb_dequeue(&fuzz_log.delivered);
		struct virtio_vsock_hdr *hdr;
		bool last;

		FUZZ_CHECK(skb);
		hdr = virtio_vsock_hdr(skb);
		FUZZ_CHECK(skb->len <= len - done && skb->len <= fuzz_skb_max);
		FUZZ_CHECK(!rw || skb->len);
		FUZZ_CHECK(hdr->len == skb->len);
		skb_copy_bits(skb, 0, got, skb->len);
		FUZZ_CHECK(!memcmp(got, payload + done, skb->len));
		done += skb->len;
		last = done == len;

		FUZZ_CHECK(hdr->src_cid == FUZZ_CID && hdr->dst_cid == VMADDR_CID_HOST);
		FUZZ_CHECK(hdr->src_port == get(p + SRC_PORT, 4));
		FUZZ_CHECK(hdr->dst_port == get(p + DST_PORT, 4));
		FUZZ_CHECK(hdr->type == get(p + TYPE, 2));
		FUZZ_CHECK(hdr->op == get(p + OP, 2));
		FUZZ_CHECK(hdr->flags == (last ? get(p + FLAGS, 4) : 0));
		FUZZ_CHECK(hdr->buf_alloc == get(p + BUF_ALLOC, 4));
		FUZZ_CHECK(hdr->fwd_cnt == get(p + FWD_CNT, 4));
		FUZZ_CHECK(virtsock_skb_cb(skb)->msg_limit == get(p + MSG_LIMIT, 4));
		FUZZ_CHECK(virtsock_skb_cb(skb)->nr_msgs ==
			   (last ? get(p + NR_MSGS, 2) : 0));
		/* 1 is a request */
		FUZZ_CHECK(virtsock_skb_cb(skb)->denied ==
			   (get(p + OP, 2) == 1 &&
			    !fuzz_port_allowed(get(p + DST_PORT, 4))));

		fuzz_log.held += skb->len;
		fuzz_log.held_packets++;
		consume_skb(skb);
		count++;
	} while (done < len);
	return count;
}

/* Why the host did not go on at a record, given what it had done before */
static void check_stop(int ret, u64 flags, u32 off, u64 bytes, u32 records, u32 *read)
{
	const u8 *p = fuzz_log.snap + off;
	int size = fuzz_oracle(p, fuzz_log.span - off, true);
	bool ours = size > 0 && get(p + SRC_CID, 4) == FUZZ_CID;
	bool here = ours && get(p + DST_CID, 4) == VMADDR_CID_HOST;
	const struct virtsock_vm *vm = &fuzz_vm;

	if (fuzz_log.nr_over[VIRTSOCK_METER_RX]) {
		FUZZ_CHECK(!ret && flags == VIRTSOCK_FR_TX_STOP);
		FUZZ_CHECK(bytes + records * HDR >= fuzz_log.left[VIRTSOCK_METER_RX]);
		FUZZ_CHECK(vm->stopped && !fuzz_log.nr_kicks);
		return;
	}
	if (flags & VIRTSOCK_FR_TX_MORE) {
		FUZZ_CHECK(!ret && flags == VIRTSOCK_FR_TX_MORE);
		FUZZ_CHECK(bytes >= fuzz_pull_bytes || records >= fuzz_pull_records ||
			   vm->tx_answers > fuzz_pull_answers ||
			   (fuzz_env.signal && records) ||
			   (fuzz_jiffies >= VIRTSOCK_CALL_TIME && records));
		return;
	}
	if (flags) {
		FUZZ_CHECK(!ret && flags == VIRTSOCK_FR_TX_STOP);
		if (vm->stopped) {
			FUZZ_CHECK(vm->rxq.bytes.v >= (int)vm->backlog);
			FUZZ_CHECK(!fuzz_env.drain_at_mb && !fuzz_log.nr_kicks);
			return;
		}
		/* No memory: something rings later, or the guest waits for ever. */
		FUZZ_CHECK(fuzz_log.nr_kicks == 1 && fuzz_log.failed_allocs && here);
		check_reads(p, read, false);
		return;
	}
	FUZZ_CHECK(ret == (ours ? -EFAULT : -EPROTO));
	if (ours) {
		FUZZ_CHECK(here && p[NR_SEGS] && fuzz_log.read_failed);
		check_reads(p, read, false);
	}
}

static void check_stats(u64 bytes, u64 messages, u64 records, u64 packets)
{
	const struct virtsock_stats *s = &fuzz_vm.stats;

	FUZZ_CHECK(s->v[VIRTSOCK_STATS_A_RX_BYTES].v == bytes);
	FUZZ_CHECK(s->v[VIRTSOCK_STATS_A_RX_MESSAGES].v == messages);
	FUZZ_CHECK(s->v[VIRTSOCK_STATS_A_RX_RECORDS].v == records);
	FUZZ_CHECK(s->v[VIRTSOCK_STATS_A_FAST].v == fuzz_log.fast);
	FUZZ_CHECK(s->v[VIRTSOCK_STATS_A_DEFERRED].v == packets - fuzz_log.fast);
	FUZZ_CHECK(s->v[VIRTSOCK_STATS_A_STOPS].v ==
		   (fuzz_vm.stopped && !fuzz_log.nr_over[VIRTSOCK_METER_RX]) +
		   fuzz_log.nr_kicks);
	FUZZ_CHECK(fuzz_log.took == (fuzz_vm.policy ? bytes + records * HDR : 0));
}

/*
 * Did the guest have to wait before the ring was looked at: for a limit, or as it
 * is not given the answers that there are?
 */
static bool check_limits(int ret, u64 flags)
{
	bool rx = !fuzz_log.left[VIRTSOCK_METER_RX];
	bool many = !rx && fuzz_log.tx_answers > fuzz_pull_answers;
	bool tx = many && !fuzz_log.left[VIRTSOCK_METER_TX];
	bool stuck = many && !tx && fuzz_env.stuck;

	if (!fuzz_log.span || !(rx || tx || stuck)) {
		FUZZ_CHECK(!fuzz_log.nr_over[VIRTSOCK_METER_TX] && !fuzz_vm.paused);
		FUZZ_CHECK(fuzz_log.nr_over[VIRTSOCK_METER_RX] <= !!fuzz_log.ring_read);
		return false;
	}
	FUZZ_CHECK(!ret && flags == VIRTSOCK_FR_TX_STOP && !fuzz_log.ring_read);
	FUZZ_CHECK(fuzz_log.nr_over[VIRTSOCK_METER_RX] == rx && fuzz_vm.stopped == rx);
	FUZZ_CHECK(fuzz_log.nr_over[VIRTSOCK_METER_TX] == tx);
	FUZZ_CHECK(fuzz_vm.paused == (tx || stuck));
	return true;
}

void fuzz_check_call(int ret, u64 flags)
{
	u32 consumed = fuzz_vm.tail - fuzz_log.tail;
	u32 off = 0, read = 0, taps = 0, drops = 0, records = 0, asked = 0;
	u64 bytes = 0, messages = 0, packets = 0;

	FUZZ_CHECK(ret <= 0 && consumed <= fuzz_log.span);
	if (check_limits(ret, flags)) {
		FUZZ_CHECK(!consumed && !fuzz_log.delivered.qlen);
		check_stats(0, 0, 0, 0);
		return;
	}
	if (!fuzz_log.span || fuzz_log.ring_failed) {
		/* Nothing to do, or a position or page that is no good */
		FUZZ_CHECK(!flags && !consumed && !fuzz_log.delivered.qlen);
		FUZZ_CHECK(ret == (fuzz_log.ring_failed ? -EFAULT :
				   fuzz_log.head == fuzz_log.tail ? 0 : -EPROTO));
		check_stats(0, 0, 0, 0);
		return;
	}
	FUZZ_CHECK(fuzz_log.ring_read == fuzz_log.span);
	while (off < consumed) {
		const u8 *p = fuzz_log.snap + off;
		int size = fuzz_oracle(p, fuzz_log.span - off, true);
		const u8 *payload = p + HDR;

		/* It had to be consumed, and there was nothing to stop for. */
		FUZZ_CHECK(size > 0 && (u32)size <= consumed - off);
		FUZZ_CHECK(get(p + SRC_CID, 4) == FUZZ_CID);
		FUZZ_CHECK(bytes < fuzz_pull_bytes && records < fuzz_pull_records);
		FUZZ_CHECK(fuzz_log.tx_answers + drops <= fuzz_pull_answers);
		FUZZ_CHECK(!fuzz_env.signal || !records);
		FUZZ_CHECK(bytes + records * HDR < fuzz_log.left[VIRTSOCK_METER_RX]);
		FUZZ_CHECK(fuzz_env.drain_at_mb || fuzz_log.rxq_bytes < fuzz_vm.backlog);

		if (get(p + DST_CID, 4) != VMADDR_CID_HOST) {
			FUZZ_CHECK(drops < fuzz_log.nr_drops);
			check_info(p, &fuzz_log.drops[drops++]);
		} else {
			FUZZ_CHECK(taps < fuzz_log.nr_taps && fuzz_log.taps[taps++] == off);
			if (p[NR_SEGS]) {
				payload = fuzz_log.served + fuzz_log.reads[read].at;
				FUZZ_CHECK(check_reads(p, &read, true) == get(p + LEN, 4));
			}
			packets += check_packets(p, payload);
			asked += fuzz_vm.policy && get(p + OP, 2) == 1;
		}
		bytes += get(p + LEN, 4);
		messages += get(p + NR_MSGS, 2);
		records++;
		off += size;
	}
	if (off < fuzz_log.span)
		check_stop(ret, flags, off, bytes, records, &read);
	else
		FUZZ_CHECK(!ret && !flags && !fuzz_log.nr_over[VIRTSOCK_METER_RX]);

	/* Nothing beyond that was delivered, shown, answered, read or kept. */
	FUZZ_CHECK(!fuzz_log.delivered.qlen && taps == fuzz_log.nr_taps);
	FUZZ_CHECK(drops == fuzz_log.nr_drops && drops == fuzz_log.nr_resets);
	FUZZ_CHECK(read == fuzz_log.nr_reads && asked == fuzz_log.nr_asked);
	FUZZ_CHECK(!fuzz_log.held && !fuzz_log.held_packets);
	FUZZ_CHECK(flags & VIRTSOCK_FR_TX_STOP || (!fuzz_vm.stopped && !fuzz_log.nr_kicks));
	check_stats(bytes, messages, records, packets);
}
