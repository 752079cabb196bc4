// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host must answer to any bytes: the rules of netlink's attributes and
 * those of Documentation/netlink/specs/virtsock.yaml, read a second time, and
 * the VMs that there are by then.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nlraw.h"

#define ALL_PORTS	((struct list){ .nr = 1, .range = { { 0, ~0u } } })

enum kind { UNSUPPORTED, FLAG, NUM32, NUM64, TEXT, PORTS };

static const enum kind kinds[VIRTSOCK_A_MAX + 1] = {
	[VIRTSOCK_A_CID] = NUM32,
	[VIRTSOCK_A_PID] = NUM32,
	[VIRTSOCK_A_NAME] = TEXT,
	[VIRTSOCK_A_BACKLOG] = NUM32,
	[VIRTSOCK_A_ADMIN_UP] = FLAG,
	[VIRTSOCK_A_HOST_PORTS] = PORTS,
	[VIRTSOCK_A_GUEST_PORTS] = PORTS,
	[VIRTSOCK_A_RATE] = NUM64,
	[VIRTSOCK_A_CALLS] = NUM32,
};

struct attrs {
	const uint8_t *at[VIRTSOCK_A_MAX + 1];
	size_t len[VIRTSOCK_A_MAX + 1];
};

static int attr_check(enum kind kind, bool nested, const uint8_t *p, size_t len)
{
	const uint8_t *end;

	if ((kind == FLAG && len != 1) || (kind == NUM32 && len != 4) ||
	    (kind == NUM64 && len != 8) || kind == UNSUPPORTED || nested)
		return -EINVAL;
	switch (kind) {
	case FLAG:
		return *p > 1 ? -ERANGE : 0;
	case PORTS:
		return len > 128 ? -ERANGE : 0;
	case TEXT:
		/* It ends where it may be; what follows is no part of it. */
		end = memchr(p, 0, len < NAME_MAX_LEN + 1 ? len : NAME_MAX_LEN + 1);
		if (!end)
			return -EINVAL;
		return len - !p[len - 1] > NAME_MAX_LEN ? -ERANGE : 0;
	default:
		return 0;
	}
}

static int attrs_read(struct attrs *attrs, const uint8_t *p, int left)
{
	uint16_t len, type;
	int err;

	memset(attrs, 0, sizeof(*attrs));
	while (left >= 4) {
		memcpy(&len, p, 2);
		memcpy(&type, p + 2, 2);
		if (len < 4 || len > left)
			break;
		if (!(type & 0x3fff) || (type & 0x3fff) > VIRTSOCK_A_MAX)
			return -EINVAL;
		err = attr_check(kinds[type & 0x3fff], type & 0x8000, p + 4, len - 4);
		if (err)
			return err;
		attrs->at[type & 0x3fff] = p + 4;
		attrs->len[type & 0x3fff] = len - 4;
		left -= (len + 3) & ~3;
		p += (len + 3) & ~3;
	}
	return left > 0 ? -EINVAL : 0;
}

static uint32_t u32_of(const struct attrs *a, int type)
{
	uint32_t v;

	memcpy(&v, a->at[type], sizeof(v));
	return v;
}

static int ports_check(const struct attrs *a, int type)
{
	struct virtsock_port_range r;
	size_t off;

	if (a->at[type] && a->len[type] % 8)
		return -EINVAL;
	for (off = 0; a->at[type] && off < a->len[type]; off += 8) {
		memcpy(&r, a->at[type] + off, 8);
		if (r.first > r.last)
			return -EINVAL;
	}
	return 0;
}

static int config_check(const struct attrs *a)
{
	uint64_t rate;
	uint32_t v;
	int err;

	if (a->at[VIRTSOCK_A_BACKLOG]) {
		v = u32_of(a, VIRTSOCK_A_BACKLOG);
		if (v < 262144 || v > 1u << 30)
			return -ERANGE;
	}
	if (a->at[VIRTSOCK_A_RATE]) {
		memcpy(&rate, a->at[VIRTSOCK_A_RATE], 8);
		if (rate && (rate < 65536 || rate > 1ull << 36))
			return -ERANGE;
	}
	if (a->at[VIRTSOCK_A_CALLS]) {
		v = u32_of(a, VIRTSOCK_A_CALLS);
		if (v && v < 100)
			return -ERANGE;
	}
	err = ports_check(a, VIRTSOCK_A_HOST_PORTS);
	return err ? err : ports_check(a, VIRTSOCK_A_GUEST_PORTS);
}

static void ports_set(struct list *l, const struct attrs *a, int type)
{
	if (!a->at[type])
		return;
	memset(l, 0, sizeof(*l));
	l->nr = a->len[type] / 8;
	memcpy(l->range, a->at[type], a->len[type]);
}

static bool has_all_ports(const struct list *l)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (!l->range[i].first && l->range[i].last == ~0u)
			return true;
	return false;
}

static void vm_configure(struct vm *vm, const struct attrs *a)
{
	bool policy = a->at[VIRTSOCK_A_HOST_PORTS] || a->at[VIRTSOCK_A_GUEST_PORTS] ||
		      a->at[VIRTSOCK_A_RATE] || a->at[VIRTSOCK_A_CALLS];

	if (a->at[VIRTSOCK_A_NAME])
		snprintf(vm->name, sizeof(vm->name), "%s", (char *)a->at[VIRTSOCK_A_NAME]);
	if (a->at[VIRTSOCK_A_BACKLOG])
		vm->backlog = u32_of(a, VIRTSOCK_A_BACKLOG);
	if (a->at[VIRTSOCK_A_RATE])
		memcpy(&vm->rate, a->at[VIRTSOCK_A_RATE], 8);
	if (a->at[VIRTSOCK_A_CALLS])
		vm->calls = u32_of(a, VIRTSOCK_A_CALLS);
	ports_set(&vm->host, a, VIRTSOCK_A_HOST_PORTS);
	ports_set(&vm->guest, a, VIRTSOCK_A_GUEST_PORTS);
	/* What forbids nothing is not kept. */
	if (policy && has_all_ports(&vm->host) && has_all_ports(&vm->guest) &&
	    !vm->rate && !vm->calls) {
		vm->host = ALL_PORTS;
		vm->guest = ALL_PORTS;
	}
}

static struct vm *vm_find(struct world *w, uint32_t cid)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (w->vm[i].cid == cid)
			return &w->vm[i];
	return NULL;
}

/* Does nobody but this world, if anybody, change that one? */
static bool is_ours(const struct world *w, uint32_t cid)
{
	unsigned int i;

	for (i = 0; i < CIDS; i++)
		if (w->cid[i] == cid)
			return true;
	return cid <= 2 || cid == ~0u;
}

static int vm_add(struct world *w, const struct attrs *a)
{
	uint32_t cid, pid;
	struct vm *vm;
	unsigned int i;
	int err;

	if (!a->at[VIRTSOCK_A_CID] || !a->at[VIRTSOCK_A_PID])
		return -EINVAL;
	cid = u32_of(a, VIRTSOCK_A_CID);
	pid = u32_of(a, VIRTSOCK_A_PID);
	if (cid <= 2 || cid == ~0u)
		return -ERANGE;
	err = config_check(a);
	if (err)
		return err;
	if (!pid || pid >= PID_NONE)
		return -ESRCH;
	for (i = 0; i < PIDS && w->pid[i] != (pid_t)pid; i++)
		;
	if (i == PIDS || !is_ours(w, cid))
		return NOT_OURS;
	if (vm_find(w, cid))
		return -EEXIST;
	for (i = 0; i < w->nr; i++)
		if (w->vm[i].pid == pid)
			return -EBUSY;
	vm = &w->vm[w->nr++];
	*vm = (struct vm){
		.cid = cid, .pid = pid, .backlog = BACKLOG_DEFAULT,
		.host = ALL_PORTS, .guest = ALL_PORTS,
	};
	vm_configure(vm, a);
	return 0;
}

static int vm_other(struct world *w, int cmd, const struct attrs *a)
{
	struct vm *vm;
	uint32_t cid;
	int err;

	if (!a->at[VIRTSOCK_A_CID])
		return -EINVAL;
	cid = u32_of(a, VIRTSOCK_A_CID);
	err = cmd == VIRTSOCK_CMD_VM_SET ? config_check(a) : 0;
	if (err)
		return err;
	if (!is_ours(w, cid))
		return NOT_OURS;
	vm = vm_find(w, cid);
	if (!vm)
		return -ENOENT;
	if (cmd == VIRTSOCK_CMD_VM_SET)
		vm_configure(vm, a);
	if (cmd == VIRTSOCK_CMD_VM_DEL)
		*vm = w->vm[--w->nr];
	return 0;
}

/*
 * What this message must be answered, if the host has no guest's module. If it
 * changes something, that is so from now on.
 */
int world_expects(struct world *w, const struct msg *m)
{
	const struct genlmsghdr *g = NLMSG_DATA(&m->h);
	int flags = m->h.nlmsg_flags, err;
	bool dump = (flags & NLM_F_DUMP) == NLM_F_DUMP;
	bool change = g->cmd == VIRTSOCK_CMD_VM_ADD || g->cmd == VIRTSOCK_CMD_VM_DEL ||
		      g->cmd == VIRTSOCK_CMD_VM_SET || g->cmd == VIRTSOCK_CMD_LINK_SET;
	struct attrs a;

	if (!(flags & NLM_F_REQUEST))
		return 0;
	if (m->h.nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN || g->reserved)
		return -EINVAL;
	if (dump)
		flags &= ~NLM_F_DUMP;
	if (flags & ~(NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO))
		return -EINVAL;
	if (!g->cmd || g->cmd > VIRTSOCK_CMD_LINK_SET)
		return -EOPNOTSUPP;
	/* Which of both is looked at first depends on the kernel. */
	if (change && !w->admin && dump)
		return EITHER_EPERM;
	if (change && !w->admin)
		return -EPERM;
	if (dump && g->cmd != VIRTSOCK_CMD_VM_GET)
		return -EOPNOTSUPP;
	err = attrs_read(&a, m->b + NLMSG_HDRLEN + GENL_HDRLEN,
			 m->h.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
	if (err || dump)
		return err;
	switch (g->cmd) {
	case VIRTSOCK_CMD_VM_ADD:
		return vm_add(w, &a);
	case VIRTSOCK_CMD_LINK_GET:
		return -EOPNOTSUPP;
	case VIRTSOCK_CMD_LINK_SET:
		return a.at[VIRTSOCK_A_ADMIN_UP] ? -EOPNOTSUPP : -EINVAL;
	default:
		return vm_other(w, g->cmd, &a);
	}
}

void world_forget_pid(struct world *w, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (w->vm[i].pid == (uint32_t)pid)
			w->vm[i--] = w->vm[--w->nr];
}

static bool same_ports(const struct list *a, const struct list *b)
{
	return a->nr == b->nr && !memcmp(a->range, b->range, a->nr * sizeof(a->range[0]));
}

/* All that there is of this world is so, and there is no more. */
void world_check(const struct world *w, int fd)
{
	static struct answer all;
	unsigned int i, seen = 0;
	struct msg m;
	int err;

	msg_begin(&m, VIRTSOCK_CMD_VM_GET, NLM_F_DUMP);
	err = nl_ask(fd, &m, &all);
	if (err)
		die("dump: %s", name_of(err));
	for (i = 0; i < all.nr; i++) {
		const struct vm *is = &all.vm[i];
		const struct vm *vm = vm_find((struct world *)w, is->cid);

		if (i && is->cid <= all.vm[i - 1].cid)
			die("dump: CID %u after CID %u", is->cid, all.vm[i - 1].cid);
		if (!vm && !is_ours(w, is->cid))
			continue;
		if (!vm)
			die("CID %u is there, of process %u", is->cid, is->pid);
		if (is->pid != vm->pid || strcmp(is->name, vm->name) ||
		    is->backlog != vm->backlog || is->rate != vm->rate ||
		    is->calls != vm->calls || !same_ports(&is->host, &vm->host) ||
		    !same_ports(&is->guest, &vm->guest))
			die("CID %u is not what it was made: process %u, name %s, backlog %u, rate %llu, calls %u, %u and %u ranges; expected %u, %s, %u, %llu, %u, %u and %u",
			    is->cid, is->pid, is->name, is->backlog,
			    (unsigned long long)is->rate, is->calls, is->host.nr,
			    is->guest.nr, vm->pid, vm->name, vm->backlog,
			    (unsigned long long)vm->rate, vm->calls, vm->host.nr,
			    vm->guest.nr);
		seen++;
	}
	if (seen != w->nr)
		die("%u VMs are there, expected %u", seen, w->nr);
}
