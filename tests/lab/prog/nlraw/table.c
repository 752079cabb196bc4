// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be wrong with a request, one thing at a time, each with the answer
 * that is due, written down and not derived. And who may not ask at all.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nlraw.h"

#define NOBODY	65534

static int sock;
static unsigned int rows;
static struct answer answer;

struct attr {
	uint16_t type, len;
	uint64_t num;
	const void *data;	/* if not @num */
};

#define U32(name, v)	{ VIRTSOCK_A_##name, 4, (uint32_t)(v), NULL }
#define NUM(name, v, l)	{ VIRTSOCK_A_##name, l, v, NULL }
#define BYTES(name, p, l) { VIRTSOCK_A_##name, l, 0, p }
#define NONE		{ 0, 0, 0, NULL }

static void make(struct msg *m, int cmd, int flags, const struct attr *a, size_t nr)
{
	msg_begin(m, cmd, flags);
	for (; nr && a->type; a++, nr--)
		msg_attr(m, a->type, a->data ? a->data : &a->num, a->len);
}

static void asked(const char *what, int want, const struct msg *m)
{
	int err = nl_ask(sock, m, &answer);

	if (err != -want)
		die("%s: %s, expected %s", what, name_of(err), name_of(-want));
	rows++;
}

#define EXPECT_FLAGS(want, what, cmd, flags, ...) do {			\
	const struct attr _a[] = { __VA_ARGS__ };			\
	struct msg _m;							\
									\
	make(&_m, VIRTSOCK_CMD_##cmd, flags, _a, ARRAY_SIZE(_a));	\
	asked(#cmd ": " what, want, &_m);				\
} while (0)

#define EXPECT(want, what, cmd, ...) EXPECT_FLAGS(want, what, cmd, 0, __VA_ARGS__)

#define CID	0x7000

/* The last of it may be NONE. */
#define EXPECT_ADD(want, what, pid, ...)				\
	EXPECT(want, what, VM_ADD, U32(CID, CID), U32(PID, pid), __VA_ARGS__)

static void nothing_there(void)
{
	unsigned int i;

	EXPECT_FLAGS(0, "all of them", VM_GET, NLM_F_DUMP, NONE);
	for (i = 0; i < answer.nr; i++)
		if (answer.vm[i].cid >> 4 == CID >> 4)
			die("CID %u is there", answer.vm[i].cid);
}

static void try_missing(pid_t pid)
{
	EXPECT(EINVAL, "no attribute", VM_ADD, NONE);
	EXPECT(EINVAL, "no CID", VM_ADD, U32(PID, pid));
	EXPECT(EINVAL, "no PID", VM_ADD, U32(CID, CID));
	EXPECT(EINVAL, "no CID", VM_DEL, U32(PID, pid));
	EXPECT(EINVAL, "no CID", VM_SET, NUM(CALLS, 100, 4));
	EXPECT(EINVAL, "no CID", VM_GET, NONE);
	EXPECT(EINVAL, "no state", LINK_SET, NONE);
}

static void try_cid_pid(pid_t pid)
{
	static const uint32_t reserved[] = { 0, 1, 2, ~0u };
	pid_t gone = process_new(0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		EXPECT(ERANGE, "reserved CID", VM_ADD, U32(CID, reserved[i]), U32(PID, pid));
		EXPECT(ENOENT, "reserved CID", VM_DEL, U32(CID, reserved[i]));
		EXPECT(ENOENT, "reserved CID", VM_SET, U32(CID, reserved[i]));
		EXPECT(ENOENT, "reserved CID", VM_GET, U32(CID, reserved[i]));
	}
	EXPECT(ENOENT, "no such CID", VM_DEL, U32(CID, CID));
	EXPECT(ENOENT, "no such CID", VM_SET, U32(CID, CID), NUM(CALLS, 100, 4));
	EXPECT(ENOENT, "no such CID", VM_GET, U32(CID, CID));
	EXPECT_ADD(ESRCH, "PID 0", 0, NONE);
	EXPECT_ADD(ESRCH, "a PID too large", PID_NONE, NONE);
	EXPECT_ADD(ESRCH, "a negative PID", 0x80000000 | pid, NONE);
	EXPECT_ADD(ESRCH, "PID -1", ~0u, NONE);
	process_end(gone);
	EXPECT_ADD(ESRCH, "a PID of nobody", gone, NONE);
}

static void try_values(pid_t pid)
{
	static const uint32_t backlogs[] = { 0, 1, 262143, (1u << 30) + 1, 1u << 31, ~0u };
	static const uint64_t rates[] = { 1, 65535, (1ull << 36) + 1, 1ull << 63, ~0ull };
	static const uint32_t calls[] = { 1, 99 };
	static const struct virtsock_port_range no[] = { { 1, 2 }, { 6, 5 } };
	static const struct virtsock_port_range many[17] = { { 0, 1 } };
	char full[70];
	unsigned int i;

	memset(full, 'x', sizeof(full));
	for (i = 0; i < ARRAY_SIZE(backlogs); i++)
		EXPECT_ADD(ERANGE, "backlog", pid, U32(BACKLOG, backlogs[i]));
	for (i = 0; i < ARRAY_SIZE(rates); i++)
		EXPECT_ADD(ERANGE, "rate", pid, NUM(RATE, rates[i], 8));
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		EXPECT_ADD(ERANGE, "calls", pid, U32(CALLS, calls[i]));
	EXPECT_ADD(EINVAL, "host's ports out of order", pid,
		   BYTES(HOST_PORTS, no, 16));
	EXPECT_ADD(EINVAL, "guest's ports out of order", pid,
		   BYTES(GUEST_PORTS, no, 16));
	EXPECT_ADD(EINVAL, "half a range", pid, BYTES(HOST_PORTS, many, 12));
	EXPECT_ADD(EINVAL, "a byte of a range", pid, BYTES(GUEST_PORTS, many, 1));
	EXPECT_ADD(ERANGE, "17 ranges", pid, BYTES(HOST_PORTS, many, 136));
	EXPECT_ADD(EINVAL, "a label without an end", pid, BYTES(NAME, full, 63));
	EXPECT_ADD(EINVAL, "a long label", pid, BYTES(NAME, full, sizeof(full)));
	EXPECT_ADD(EINVAL, "a label of no bytes", pid, BYTES(NAME, full, 0));
	EXPECT(ERANGE, "up 2", LINK_SET, NUM(ADMIN_UP, 2, 1));
	EXPECT(EOPNOTSUPP, "no guest's module", LINK_SET, NUM(ADMIN_UP, 1, 1));
	EXPECT(EOPNOTSUPP, "no guest's module", LINK_GET, NONE);
}

static void try_shapes(pid_t pid)
{
	static const uint16_t replies[] = {
		VIRTSOCK_A_PAD, VIRTSOCK_A_COMM, VIRTSOCK_A_STATE, VIRTSOCK_A_REASON,
		VIRTSOCK_A_EPOCH, VIRTSOCK_A_STATS, VIRTSOCK_A_EVENT, VIRTSOCK_A_RING_SIZE,
		VIRTSOCK_A_POLICY, VIRTSOCK_A_MAX + 1, 0x1000, 0x3fff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(replies); i++)
		EXPECT_ADD(EINVAL, "an attribute that is none", pid,
			   { replies[i], 4, 0, NULL });
	for (i = 0; i < 8; i++) {
		if (i != 4) {
			EXPECT(EINVAL, "CID of another size", VM_ADD, U32(PID, pid),
			       NUM(CID, CID, i));
			EXPECT(EINVAL, "PID of another size", VM_ADD, U32(CID, CID),
			       NUM(PID, pid, i));
			EXPECT_ADD(EINVAL, "backlog of another size", pid,
				   NUM(BACKLOG, 1 << 20, i));
		}
		EXPECT_ADD(EINVAL, "rate of another size", pid,
			   NUM(RATE, 65536, i));
	}
	EXPECT(EINVAL, "a nest that is none", VM_ADD, U32(PID, pid),
	       { VIRTSOCK_A_CID | NLA_F_NESTED, 4, CID, NULL });
	EXPECT(EOPNOTSUPP, "is no request", EVENT, NONE);
	EXPECT(EOPNOTSUPP, "is no request", UNSPEC, NONE);
	EXPECT_FLAGS(EOPNOTSUPP, "has no dump", VM_ADD, NLM_F_DUMP, U32(CID, CID));
	EXPECT_FLAGS(EOPNOTSUPP, "has no dump", LINK_GET, NLM_F_DUMP, NONE);
	EXPECT_FLAGS(EINVAL, "unknown flags", VM_ADD, NLM_F_CREATE, U32(CID, CID),
		     U32(PID, pid));
	EXPECT_FLAGS(EINVAL, "half of a dump", VM_GET, NLM_F_ROOT, U32(CID, CID));
	EXPECT_FLAGS(EINVAL, "a dump with another CID", VM_GET, NLM_F_DUMP, NUM(CID, 3, 3));
}

/* What no builder of messages would make */
static void try_bytes(pid_t pid)
{
	const struct attr add[] = { U32(CID, CID), U32(PID, pid) };
	struct genlmsghdr *g;
	struct nlattr *a;
	struct msg m, two;

	make(&m, VIRTSOCK_CMD_VM_ADD, 0, add, 2);
	g = NLMSG_DATA(&m.h);
	g->reserved = 1;
	asked("reserved", EINVAL, &m);

	make(&m, VIRTSOCK_CMD_VM_ADD, 0, add, 2);
	m.len = NLMSG_HDRLEN + 2;
	m.h.nlmsg_len = m.len;
	asked("half a header", EINVAL, &m);

	make(&m, VIRTSOCK_CMD_VM_ADD, 0, add, 2);
	m.len -= 2;
	m.h.nlmsg_len = m.len;
	asked("half an attribute", EINVAL, &m);

	make(&m, VIRTSOCK_CMD_VM_ADD, 0, add, 2);
	a = (void *)(m.b + NLMSG_HDRLEN + GENL_HDRLEN);
	a->nla_len = 3;
	asked("an attribute smaller than its header", EINVAL, &m);
	a->nla_len = 0;
	asked("an attribute of no bytes", EINVAL, &m);
	a->nla_len = 0xffff;
	asked("an attribute beyond the message", EINVAL, &m);

	make(&m, VIRTSOCK_CMD_VM_ADD, 0, add, 2);
	m.h.nlmsg_flags = NLM_F_ACK;
	asked("no request", 0, &m);
	nothing_there();

	/* The next answer is that to the next message. */
	make(&m, VIRTSOCK_CMD_VM_ADD, 0, add, 2);
	m.h.nlmsg_len = m.len + 4;
	nl_send(sock, &m, m.len);
	m.h.nlmsg_len = 8;
	nl_send(sock, &m, m.len);
	nl_send(sock, &m, NLMSG_HDRLEN - 1);
	nothing_there();

	/* Two in one piece, and a third that is cut off */
	make(&m, VIRTSOCK_CMD_VM_DEL, 0, add, 1);
	make(&two, VIRTSOCK_CMD_VM_GET, 0, add, 1);
	memcpy(m.b + m.len, two.b, two.len);
	memcpy(m.b + m.len + two.len, two.b, 20);
	nl_send(sock, &m, m.len + two.len + 20);
	if (nl_wait(sock, m.h.nlmsg_seq, NULL) != -ENOENT ||
	    nl_wait(sock, two.h.nlmsg_seq, NULL) != -ENOENT)
		die("two messages in one piece");
	nothing_there();
}

static const struct vm *get(uint32_t cid)
{
	EXPECT(0, "one of ours", VM_GET, U32(CID, cid));
	if (answer.nr != 1 || answer.vm[0].cid != cid)
		die("%u VMs, the first with CID %u", answer.nr, answer.vm[0].cid);
	return &answer.vm[0];
}

/* What is there, and requests that must leave it as it is */
static void try_good(pid_t pid)
{
	static const struct virtsock_port_range ports[16] = {
		{ 0, 0 }, { 80, 80 }, { 5, ~0u }, { ~0u, ~0u },
	};
	static const struct virtsock_port_range no[] = { { 6, 5 } };
	char label[64];
	struct vm was;

	memset(label, 'x', 63);
	label[63] = 0;
	EXPECT_ADD(0, "with all", pid, BYTES(NAME, label, 64),
		   U32(BACKLOG, 262144), BYTES(HOST_PORTS, ports, 128),
		   BYTES(GUEST_PORTS, ports, 0), NUM(RATE, 1ull << 36, 8), U32(CALLS, 100));
	was = *get(CID);
	if (was.pid != (uint32_t)pid || strcmp(was.name, label) || was.backlog != 262144 ||
	    was.host.nr != 16 || memcmp(was.host.range, ports, 128) || was.guest.nr ||
	    was.rate != 1ull << 36 || was.calls != 100)
		die("what was added is another one");
	EXPECT_ADD(EEXIST, "the same", pid, NONE);
	EXPECT(EBUSY, "the same process", VM_ADD, U32(CID, CID + 1), U32(PID, pid));
	EXPECT(EEXIST, "the same CID", VM_ADD, U32(CID, CID), U32(PID, getpid()));
	/* All or nothing */
	EXPECT(ERANGE, "one wrong value", VM_SET, U32(CID, CID), BYTES(NAME, "new", 4),
	       U32(CALLS, 500), NUM(RATE, 0, 8), U32(BACKLOG, 0));
	EXPECT(EINVAL, "one wrong list", VM_SET, U32(CID, CID), BYTES(NAME, "new", 4),
	       U32(CALLS, 500), BYTES(HOST_PORTS, ports, 8), BYTES(GUEST_PORTS, no, 8));
	if (memcmp(get(CID), &was, sizeof(was)))
		die("a request that failed has changed something");
	EXPECT(0, "the last of two", VM_SET, U32(CID, 1), U32(CID, CID), U32(CALLS, 7),
	       U32(CALLS, 0));
	was.calls = 0;
	if (memcmp(get(CID), &was, sizeof(was)))
		die("not the last of two");
	EXPECT(0, "only once", VM_DEL, U32(CID, CID));
	EXPECT(ENOENT, "only once", VM_DEL, U32(CID, CID));

	/* The smallest and the largest that there can be */
	EXPECT(0, "CID 3", VM_ADD, U32(CID, 3), U32(PID, pid), U32(BACKLOG, 1u << 30),
	       NUM(RATE, 65536, 8));
	EXPECT(0, "CID 2^32-2", VM_ADD, U32(CID, ~0u - 1), U32(PID, getpid()));
	EXPECT_FLAGS(0, "both", VM_GET, NLM_F_DUMP, NONE);
	if (answer.nr < 2 || answer.vm[answer.nr - 1].cid != ~0u - 1)
		die("the dump does not end with the largest CID");
	EXPECT(0, "CID 3", VM_DEL, U32(CID, 3));
	EXPECT(0, "CID 2^32-2", VM_DEL, U32(CID, ~0u - 1));
	nothing_there();
}

/* @who may look and change nothing; or there is no family where they are. */
static void may_not(const char *who, int fd, bool there)
{
	static const struct attr cid[] = { U32(CID, CID), U32(PID, 1) };
	static const struct attr up[] = { NUM(ADMIN_UP, 1, 1) };
	static const int cmds[] = {
		VIRTSOCK_CMD_VM_ADD, VIRTSOCK_CMD_VM_DEL, VIRTSOCK_CMD_VM_SET,
	};
	struct msg m;
	unsigned int i;

	sock = fd;
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		make(&m, cmds[i], 0, cid, 2);
		asked(who, there ? EPERM : ENOENT, &m);
		make(&m, cmds[i], 0, NULL, 0);
		asked(who, there ? EPERM : ENOENT, &m);
	}
	make(&m, VIRTSOCK_CMD_LINK_SET, 0, up, 1);
	asked(who, there ? EPERM : ENOENT, &m);
	make(&m, VIRTSOCK_CMD_VM_GET, 0, cid, 1);
	asked(who, there ? 0 : ENOENT, &m);
	make(&m, VIRTSOCK_CMD_LINK_GET, 0, NULL, 0);
	asked(who, there ? EOPNOTSUPP : ENOENT, &m);
}

static void by_nobody(void)
{
	int fd = nl_open();

	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		die("setresuid: %s", strerrorname_np(errno));
	may_not("nobody, by root's socket", fd, true);
	may_not("nobody", nl_open(), true);
}

/* Root writes to what it was given by somebody without privileges. */
static void by_deputy(void)
{
	int fd;

	if (seteuid(NOBODY))
		die("seteuid: %s", strerrorname_np(errno));
	fd = nl_open();
	if (seteuid(0))
		die("seteuid: %s", strerrorname_np(errno));
	nl_blind = true;
	may_not("root, by nobody's socket", fd, true);
}

static void by_other_user(void)
{
	if (unshare(CLONE_NEWUSER))
		die("unshare: %s", strerrorname_np(errno));
	may_not("root of a user namespace", nl_open(), true);
}

/* There is no family there. */
static void by_other_net(void)
{
	uint16_t here = family;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		die("unshare: %s", strerrorname_np(errno));
	sock = nl_open();
	if (nl_family(sock) != -ENOENT)
		die("the family is in another network namespace");
	family = here;
	may_not("another network", sock, false);
}

static void apart(void (*what)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		what();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("a process without privileges failed");
}

/* All that changes something, with a CID that there is, by those who must not */
void nobody_run(void)
{
	pid_t pid = process_new(0);
	struct vm was;

	sock = nl_open();
	EXPECT_ADD(0, "for others to try", pid, NONE);
	was = *get(CID);
	apart(by_nobody);
	apart(by_deputy);
	apart(by_other_user);
	apart(by_other_net);
	if (memcmp(get(CID), &was, sizeof(was)))
		die("somebody without privileges has changed something");
	EXPECT(0, "the end", VM_DEL, U32(CID, CID));
	process_end(pid);
	close(sock);
	printf("%u answers\n", rows);
}

void table_run(void)
{
	pid_t pid = process_new(0);

	sock = nl_open();
	try_missing(pid);
	try_cid_pid(pid);
	try_values(pid);
	try_shapes(pid);
	nothing_there();
	try_bytes(pid);
	try_good(pid);
	process_end(pid);
	close(sock);
	printf("%u answers\n", rows);
}
