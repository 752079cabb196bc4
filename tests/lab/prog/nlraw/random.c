// SPDX-License-Identifier: GPL-2.0-only
/* Messages at random: most of them are all but right */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nlraw.h"

#define ATTRS_MAX	12

static unsigned long sent, skipped, reused, by_errno[256];

static uint32_t rnd(struct world *w, uint32_t n)
{
	w->rnd ^= w->rnd << 13;
	w->rnd ^= w->rnd >> 7;
	w->rnd ^= w->rnd << 17;
	return (uint32_t)(w->rnd >> 16) % n;
}

static bool one_in(struct world *w, uint32_t n)
{
	return !rnd(w, n);
}

static uint32_t any32(struct world *w)
{
	return rnd(w, 65536) << 16 | rnd(w, 65536);
}

static uint64_t any_number(struct world *w)
{
	static const uint64_t edges[] = {
		0, 1, 99, 100, 65535, 65536, 262143, 262144, 1u << 30, (1u << 30) + 1,
		0x7fffffff, 0x80000000, ~0u, 1ull << 36, (1ull << 36) + 1, 1ull << 63, ~0ull,
	};

	if (one_in(w, 8))
		return (uint64_t)any32(w) << 32 | any32(w);
	return edges[rnd(w, ARRAY_SIZE(edges))];
}

/* Most are in order, and not too many. */
static size_t any_ports(struct world *w, uint8_t *to)
{
	uint32_t nr = one_in(w, 16) ? 14 + rnd(w, 5) : rnd(w, 4), i;
	struct virtsock_port_range r;

	for (i = 0; i < nr; i++) {
		r.first = one_in(w, 3) ? 0 : any32(w);
		r.last = one_in(w, 3) ? ~0u : any32(w);
		if (r.first > r.last && !one_in(w, 40))
			r = (struct virtsock_port_range){ r.last, r.first };
		memcpy(to + 8 * i, &r, 8);
	}
	return 8 * nr;
}

static size_t any_text(struct world *w, uint8_t *to)
{
	static const uint32_t lens[] = { 1, 2, 8, 63, 64, 65, 80, 0 };
	uint32_t len = lens[rnd(w, ARRAY_SIZE(lens))], i;

	for (i = 0; i < len; i++)
		to[i] = 1 + rnd(w, 255);
	if (len && !one_in(w, 8))
		to[len - 1] = 0;
	if (len && one_in(w, 8))
		to[rnd(w, len)] = 0;
	return len;
}

static void any_attr(struct world *w, struct msg *m, int type)
{
	static const uint32_t pids[] = { 0, PID_NONE, 0x80000001, ~0u };
	uint8_t data[512] = { 0 };
	uint64_t number = any_number(w);
	size_t len = 4;

	switch (type) {
	case VIRTSOCK_A_CID:
		if (!one_in(w, 16))
			number = w->cid[rnd(w, CIDS)];
		break;
	case VIRTSOCK_A_PID:
		number = one_in(w, 16) ? pids[rnd(w, ARRAY_SIZE(pids))] :
					 (uint32_t)w->pid[rnd(w, PIDS)];
		break;
	case VIRTSOCK_A_RATE:
		len = 8;
		break;
	case VIRTSOCK_A_ADMIN_UP:
		number = rnd(w, 3);
		len = 1;
		break;
	}
	memcpy(data, &number, sizeof(number));
	if (type == VIRTSOCK_A_HOST_PORTS || type == VIRTSOCK_A_GUEST_PORTS)
		len = any_ports(w, data);
	else if (type == VIRTSOCK_A_NAME)
		len = any_text(w, data);
	if (one_in(w, 100))
		len = rnd(w, 200);
	if (one_in(w, 200))
		type |= one_in(w, 2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
	msg_attr(m, type, data, len);
}

/* After it was made, with no regard for what it is */
static void spoil(struct world *w, struct msg *m)
{
	size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
	struct genlmsghdr *g = NLMSG_DATA(&m->h);
	uint32_t n = 1 + rnd(w, 4);

	switch (rnd(w, 8)) {
	case 0:
		m->len = head + rnd(w, m->len - head + 1);
		m->h.nlmsg_len = m->len;
		break;
	case 1:
		for (n += rnd(w, 4); n; n--)
			m->b[m->len++] = rnd(w, 256);
		m->h.nlmsg_len = m->len;
		break;
	case 2:
		g->reserved = rnd(w, 65536);
		break;
	case 3:
		g->version = rnd(w, 256);
		break;
	case 4:
		m->h.nlmsg_flags |= 1 << rnd(w, 16);
		break;
	default:
		while (n-- && m->len > head)
			m->b[head + rnd(w, m->len - head)] ^= 1 << rnd(w, 8);
	}
}

static void any_msg(struct world *w, struct msg *m)
{
	static const uint8_t cmds[] = {
		VIRTSOCK_CMD_VM_ADD, VIRTSOCK_CMD_VM_ADD, VIRTSOCK_CMD_VM_ADD,
		VIRTSOCK_CMD_VM_SET, VIRTSOCK_CMD_VM_SET, VIRTSOCK_CMD_VM_SET,
		VIRTSOCK_CMD_VM_GET, VIRTSOCK_CMD_VM_DEL,
	};
	static const uint8_t often[] = {
		VIRTSOCK_A_NAME, VIRTSOCK_A_BACKLOG, VIRTSOCK_A_HOST_PORTS,
		VIRTSOCK_A_GUEST_PORTS, VIRTSOCK_A_RATE, VIRTSOCK_A_CALLS,
	};
	int cmd = one_in(w, 24) ? (int)rnd(w, 12) : cmds[rnd(w, ARRAY_SIZE(cmds))];
	uint32_t n = one_in(w, 8) ? rnd(w, ATTRS_MAX) : rnd(w, 3);

	msg_begin(m, cmd, one_in(w, 50) ? NLM_F_DUMP : 0);
	if (!one_in(w, 50))
		any_attr(w, m, VIRTSOCK_A_CID);
	if (cmd == VIRTSOCK_CMD_VM_ADD && !one_in(w, 50))
		any_attr(w, m, VIRTSOCK_A_PID);
	if (cmd == VIRTSOCK_CMD_LINK_SET)
		any_attr(w, m, VIRTSOCK_A_ADMIN_UP);
	while (n--)
		any_attr(w, m, one_in(w, 100) ? (int)rnd(w, VIRTSOCK_A_MAX + 4) :
						often[rnd(w, ARRAY_SIZE(often))]);
	if (one_in(w, 8))
		spoil(w, m);
}

static void say_msg(const struct msg *m)
{
	size_t i;

	for (i = 0; i < m->len; i++)
		printf("%02x%s", m->b[i], i % 32 == 31 || i + 1 == m->len ? "\n" : " ");
}

/* A process ends, and another one gets its number, but not what it had. */
static void another_process(struct world *w, int fd)
{
	uint32_t i = rnd(w, PIDS), k;
	pid_t pid = w->pid[i];
	struct msg m;
	int err;

	process_end(pid);
	for (k = 0; k < w->nr; k++) {
		if (w->vm[k].pid != (uint32_t)pid)
			continue;
		msg_begin(&m, VIRTSOCK_CMD_VM_GET, 0);
		msg_attr(&m, VIRTSOCK_A_CID, &w->vm[k].cid, sizeof(w->vm[k].cid));
		/* Half of the time the new one is there before anybody looks. */
		w->pid[i] = one_in(w, 2) ? process_new(pid) : 0;
		err = nl_ask(fd, &m, NULL);
		if (err != -ENOENT)
			die("CID %u of process %d, which is gone: %s", w->vm[k].cid,
			    pid, name_of(err));
		reused += !!w->pid[i];
		world_forget_pid(w, pid);
		if (w->pid[i])
			return;
		break;
	}
	w->pid[i] = process_new(pid);
	if (!w->pid[i])
		w->pid[i] = process_new(0);
}

static bool is_get(const struct msg *m)
{
	const struct genlmsghdr *g = NLMSG_DATA(&m->h);

	return g->cmd == VIRTSOCK_CMD_VM_GET && !(m->h.nlmsg_flags & NLM_F_DUMP);
}

/* Each is answered as it should be, and so is what there is in the end. */
void random_run(struct world *w, int fd, unsigned int count)
{
	static struct answer answer;
	unsigned int i, every = 500;
	struct msg m;
	int want, err;

	for (i = 0; i < count; i++) {
		if (!(i % every)) {
			world_check(w, fd);
			if (w->admin)
				another_process(w, fd);
		}
		any_msg(w, &m);
		want = world_expects(w, &m);
		if (want == NOT_OURS) {
			skipped++;
			continue;
		}
		err = nl_ask(fd, &m, &answer);
		if (err != want && !(want == EITHER_EPERM &&
				     (err == -EPERM || err == -EOPNOTSUPP))) {
			say_msg(&m);
			die("message %u: %s, expected %s", i, name_of(err), name_of(want));
		}
		if (!err && is_get(&m) && answer.nr != 1)
			die("message %u: %u VMs, expected one", i, answer.nr);
		sent++;
		by_errno[-err < 256 ? -err : 255]++;
	}
	world_check(w, fd);
	printf("%lu messages (%lu left out), %lu numbers used again:", sent, skipped, reused);
	for (i = 0; i < ARRAY_SIZE(by_errno); i++)
		if (by_errno[i])
			printf(" %s %lu", name_of(-(int)i), by_errno[i]);
	printf("\n");
	fflush(stdout);
	/* What can be said has been said. */
	if (count >= 5000 && w->admin &&
	    (!by_errno[0] || !by_errno[EINVAL] || !by_errno[ERANGE] || !by_errno[ENOENT] ||
	     !by_errno[EEXIST] || !by_errno[EBUSY] || !by_errno[ESRCH] ||
	     !by_errno[EOPNOTSUPP] || !reused))
		die("not each answer was met");
}
