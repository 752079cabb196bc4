// SPDX-License-Identifier: GPL-2.0-only
/* FLUSH: with all that is in the ring, and with each argument wrong. */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/virtio_vsock.h>
#include "attack.h"

#define UNTOUCHED	0x5a

/* Who of the host's programs wants to connect; the last ones are kept. */
static struct {
	u32 src_port;
	u32 dst_port;
	u16 type;
} asked[8];

static u32 nr_asked;

/* A connect request of the host's. Return: its type, or 0. */
u16 attack_asked(u32 *src_port, u32 *dst_port)
{
	u32 i = rnd(&attack_rnd, ARRAY_SIZE(asked));

	*src_port = asked[i].dst_port;
	*dst_port = asked[i].src_port;
	return asked[i].type;
}

/* What the host has written, and nothing else, is what it says. */
static void received(u32 n, u32 len)
{
	u32 off = 0, size;

	if (n > len || n % VIRTSOCK_REC_ALIGN) {
		attack_failed("flush: %u bytes in a buffer of %u", n, len);
		return;
	}
	while (off < n) {
		struct virtsock_rec *rec = attack_rx + off;

		size = le32_to_cpu(rec->size);
		if (n - off < sizeof(*rec) || size < sizeof(*rec) || size > n - off ||
		    rec->nr_segs || le32_to_cpu(rec->dst_cid) != attack_link.cid) {
			attack_failed("a record of %u bytes, %u left, for CID %u", size,
				      n - off, le32_to_cpu(rec->dst_cid));
			return;
		}
		if (le16_to_cpu(rec->op) == VIRTIO_VSOCK_OP_REQUEST) {
			u32 i = nr_asked++ % ARRAY_SIZE(asked);

			asked[i].src_port = le32_to_cpu(rec->src_port);
			asked[i].dst_port = le32_to_cpu(rec->dst_port);
			asked[i].type = le16_to_cpu(rec->type);
		}
		off += size;
	}
}

/* Is a part of our buffer as it was before? */
static void untouched(u32 from, u32 to)
{
	if (from < to && memchr_inv(attack_rx + from, UNTOUCHED, to - from))
		attack_failed("flush: the buffer was written beyond %u", from);
}

/* What the answer says, and whether the link had to end */
static void flushed(long ret, u32 tail, u64 results, enum attack_sure sure, bool raced)
{
	struct attack_link *l = &attack_link;
	bool may = raced || !l->sane || l->suspect || l->doomed || sure != ATTACK_GOOD;

	if (ret == -VIRTSOCK_EPROTO && !may)
		attack_failed("flush: refused, head %x tail %x", l->head, l->tail);
	if (ret == -VIRTSOCK_EPROTO || ret == -VIRTSOCK_ESTALE)
		l->state = ATTACK_DOWN;
	if (ret)
		return;
	if (results & ~0xfULL)
		attack_failed("flush: results %llx", results);
	if (tail - l->tail > l->head - l->tail)
		attack_failed("flush: tail %x, was %x, head %x", tail, l->tail, l->head);
	l->tail = tail;
	if (tail != l->head)
		return;
	if (l->doomed && l->sane && !raced)
		attack_failed("flush: taken, head %x", l->head);
	l->suspect = false;
	l->doomed = false;
}

/*
 * Flush all that is in the ring. @sure: of the buffer that @gpa and @len name,
 * which is ours or none if it is GOOD. @raced: the other CPU is at work.
 * Context: process.
 */
void attack_flush(enum attack_kind kind, u64 gpa, u64 len, enum attack_sure sure,
		  bool raced, u32 flags)
{
	struct attack_link *l = &attack_link;
	unsigned long rbx = l->epoch, rcx = virtsock_flush_arg(l->head, flags);
	unsigned long rdx = gpa;
	u32 n;
	long ret;

	ret = attack_hypercall(VIRTSOCK_HC_BASE + VIRTSOCK_HC_FLUSH, &rbx, &rcx, &rdx,
			       len);
	attack_answer(kind, ret);
	n = ret ? 0 : rcx;
	if (!ret && (rbx > U32_MAX || rcx > U32_MAX || (!len && rcx)))
		attack_failed("flush: rbx %lx rcx %lx", rbx, rcx);
	/* None of them has memory in its first bytes. */
	if (n && sure == ATTACK_BAD)
		attack_failed("flush: %u bytes written where no memory is", n);
	flushed(ret, rbx, rdx, sure, raced);
	if (sure != ATTACK_GOOD || !len)
		return;
	/* What is refused is refused before anything is written. */
	received(n, len);
	n = min_t(u32, n, ATTACK_SIZE);
	untouched(n, min_t(u32, n + 256, ATTACK_SIZE));
	memset(attack_rx, UNTOUCHED, n);
}

/* Fill our buffer, so that what the host writes there is seen. */
void attack_flush_init(void)
{
	memset(attack_rx, UNTOUCHED, ATTACK_SIZE);
}

/*
 * With a buffer of ours, or with none. @race: what the other CPU does meanwhile,
 * from position @from on if it is to the ring.
 */
void attack_flush_good(enum attack_kind kind, enum attack_race race, u32 from, u32 flags)
{
	u64 len = VIRTSOCK_RX_BUF_MIN +
		  ALIGN_DOWN(rnd(&attack_rnd, ATTACK_SIZE - VIRTSOCK_RX_BUF_MIN + 1), 8);

	if (!rnd(&attack_rnd, 4))
		len = 0;
	flags |= rnd(&attack_rnd, 2) ? VIRTSOCK_FF_ARM : 0;
	/* What was good may be read as bad, and what was bad as good. */
	if (race == RACE_RING) {
		attack_link.suspect = true;
		attack_link.doomed = false;
	}
	attack_race_begin(race, from, attack_link.head);
	attack_flush(kind, virt_to_phys(attack_rx), len, ATTACK_GOOD,
		     race >= RACE_CALLS, flags);
	attack_race_end();
}

/* What is refused, and costs nothing */
void attack_flush_args(void)
{
	u64 gpa = virt_to_phys(attack_rx), len = VIRTSOCK_RX_BUF_MIN;
	u32 flags = 0;

	switch (rnd(&attack_rnd, 6)) {
	case 0:
		flags = 1U << (2 + rnd(&attack_rnd, 30));
		break;
	case 1:
		len = 1 + rnd(&attack_rnd, VIRTSOCK_RX_BUF_MIN - 1);
		break;
	case 2:
		len = VIRTSOCK_RX_BUF_MAX + 1 + rnd(&attack_rnd, 1 << 20);
		break;
	case 3:
		len |= 1ULL << (32 + rnd(&attack_rnd, 32));
		break;
	case 4:
		len = -1ULL - rnd(&attack_rnd, 1 << 20);
		break;
	default:
		gpa += 1 + rnd(&attack_rnd, 7);
		break;
	}
	attack_flush(CALL_FLUSH_ARGS, gpa, len, ATTACK_MAYBE, false, flags);
}

/* Where nothing can be written, or where it hurts ourselves */
void attack_flush_buffer(void)
{
	u64 len = VIRTSOCK_RX_BUF_MIN, gpa;
	enum attack_sure sure = ATTACK_MAYBE;

	switch (rnd(&attack_rnd, 6)) {
	case 0:
		attack_count(MEM_RING);
		gpa = virt_to_phys(attack_ring) + ALIGN_DOWN(rnd(&attack_rnd, SZ_64K), 8);
		attack_link.sane = false;
		break;
	case 1:
		attack_count(MEM_OWN);
		gpa = virt_to_phys(attack_segs) + ALIGN_DOWN(rnd(&attack_rnd, SZ_64K), 8);
		break;
	case 2:
		attack_count(MEM_BAR);
		gpa = attack_bar_gpa + ALIGN_DOWN(rnd(&attack_rnd, SZ_64K), 8);
		attack_link.sane = false;
		break;
	default:
		gpa = attack_wild(len, true, &sure);
		break;
	}
	attack_flush(CALL_FLUSH_BUFFER, gpa, len, sure, false,
		     rnd(&attack_rnd, 4));
}

/* Before the tail, or more than a ring ahead of it, or between records */
void attack_flush_head(void)
{
	struct attack_link *l = &attack_link;
	u32 head = l->head;

	switch (rnd(&attack_rnd, 3)) {
	case 0:
		l->head = l->tail - 8 * (1 + rnd(&attack_rnd, 1 << 20));
		break;
	case 1:
		l->head = l->tail + l->size + 8 * (1 + rnd(&attack_rnd, 1 << 20));
		break;
	default:
		l->head += 1 + rnd(&attack_rnd, 7);
		break;
	}
	attack_flush(CALL_FLUSH_HEAD, 0, 0, ATTACK_MAYBE, false, 0);
	l->head = head;
}
