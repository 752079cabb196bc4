// SPDX-License-Identifier: GPL-2.0-only
/* Command line: vst COMMAND [ROLE] KEY=VALUE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

struct vst_opts opt = {
	.port = 1234,
	.type = SOCK_STREAM,
	.min = 4096,
	.max = 4096,
	.count = 1,
	.seed = 1,
	.n = 1,
	.within = 1000,
	.chunk = 65536,
	.nr = 0x56534b00,
	.end = "close",
};

static const struct {
	const char *name;
	void (*run)(int fd);
	const char *help;
} roles[] = {
	{ "send", role_send, "send count= messages of size=, once go= exists" },
	{ "recv", role_recv, "receive and check them" },
	{ "bidi", role_bidi, "both at the same time" },
	{ "ping", role_ping, "count= rounds with a peer that echoes" },
	{ "echo", role_echo, "return everything" },
	{ "talk", role_talk, "count= requests in pieces, a poll before each" },
	{ "answer", role_answer, "answers them" },
	{ "half-first", role_half_first, "send, shut down, receive" },
	{ "half-second", role_half_second, "receive all, then send" },
	{ "hold", role_hold, "neither read nor close" },
	{ "shut", role_shut, "shutdown(SHUT_RD) count= times" },
	{ "quit", role_quit, "close with data unread" },
	{ "drain", role_drain, "receive until the end expect= names" },
	{ "flood", role_flood, "send until the end expect= names" },
	{ "idle", role_idle, "count= messages, then epoll_wait for ever" },
	{ "idle-peer", role_idle_peer, "how long after delay= the last one comes" },
	{ "pump", role_pump, "send count= messages of size=, unchecked" },
	{ "audience", role_audience, "receive, while chunk= x chunk= watch" },
	{ "perform", role_perform, "send, once they do" },
	{ "holder", role_holder, "receive slow= ms later, from pipes and after MSG_PEEK" },
	{ "gauge", role_gauge, "how long receiving them takes" },
};

static const struct {
	const char *name;
	void (*run)(void);
	const char *help;
} cmds[] = {
	{ "conns", cmd_conns, "n= connections at once" },
	{ "conns-server", cmd_conns_server, "echoes on all of them" },
	{ "multiplex", cmd_multiplex, "n= connections, count= requests on each" },
	{ "multiplex-server", cmd_multiplex_server, "answers them" },
	{ "burst", cmd_burst, "n= sockets, one message on each" },
	{ "burst-server", cmd_burst_server, "receives them" },
	{ "connect-error", cmd_connect_error, "connect fails with expect=" },
	{ "flood", cmd_flood, "set= of connections full of small messages" },
	{ "flood-server", cmd_flood_server, "their other end" },
	{ "crowd", cmd_crowd, "n= sockets flood, one half of them read late" },
	{ "crowd-server", cmd_crowd_server, "their other end" },
	{ "engulf", cmd_engulf, "flood one that does not read, use n= others" },
	{ "engulf-server", cmd_engulf_server, "their other end" },
	{ "monitor", cmd_monitor, "compare bidi with what vsockmon shows" },
	{ "storm", cmd_storm, "n= connections at once, count= messages, all kinds of ends" },
	{ "storm-server", cmd_storm_server, "the other end, also on port + 1" },
	{ "first", cmd_first, "connect once there is a link, and one round" },
	{ "vmcall", cmd_vmcall, "hypercall nr= from user space" },
	{ "spool", cmd_spool, "fill n= connections, end=close|half|hold" },
	{ "late", cmd_late, "read them once go= exists" },
	{ "cling", cmd_cling, "never closes; uses its sockets at go=" },
	{ "cling-server", cmd_cling_server, "its peer" },
	{ "churn", cmd_churn, "n= connections, ended in each way" },
	{ "churn-server", cmd_churn_server, "its peer" },
	{ "keep", cmd_keep, "a pattern in count= MiB, or all but n=; compared at go=" },
	{ "sum", cmd_sum, "of the file go=: has it changed?" },
	{ "leak-mark", cmd_leak_mark, "what the kernel holds, into go=" },
	{ "leak-check", cmd_leak_check, "whether it holds more" },
	{ "crowds", cmd_crowds, "fill n= connections that chunk= x chunk= wait for" },
	{ "drain", cmd_drain, "accept n= connections, read each to its end" },
	{ "hoard", cmd_hoard, "accept n= connections, never read" },
	{ "stuff", cmd_stuff, "keep n= connections full" },
	{ "stuck", cmd_stuck, "n= readers that stand still, locked" },
	{ "stall", cmd_stall, "hold a listener locked until go=, then count its children" },
	{ "ask", cmd_ask, "n= times connect(), not blocking, and close()" },
	{ "pending", cmd_pending, "connect() in all ways, without an answer" },
	{ "bound", cmd_bound, "bind lport=, have a connect() fail, and stay" },
	{ "no-transport", cmd_no_transport, "until go=, the kernel has no CID" },
	{ "stand", cmd_stand, "stands still, listener locked; then n= accepts" },
	{ "dial", cmd_dial, "n= connections to it" },
	{ "dial-stuck", cmd_dial_stuck, "the same, locked until go= exists" },
	{ "bait", cmd_bait, "accept on port= to port= + 7, connect to cid=, for ever" },
	{ "stand-still", cmd_stand_still, "listen, and never accept" },
	{ "half-open", cmd_half_open, "n= connects that do not block, half of them closed" },
	{ "cut", cmd_cut, "end connections in the middle of messages, within= ms" },
	{ "cut-server", cmd_cut_server, "their other end, within= ms" },
	{ "tick", cmd_tick, "how late one is woken that sleeps 1 ms, within= ms" },
	{ "spin", cmd_spin, "longest gap of a program that only runs" },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static _Noreturn void usage(void)
{
	size_t i;

	fprintf(stderr, "usage: vst listen|connect ROLE [KEY=VALUE...]\n"
			"       vst COMMAND [KEY=VALUE...]\n"
			"keys: cid port type=stream|seq size=N|A-B count seed n\n"
			"      slow within delay (ms) chunk buf nonblock=1 et=1 polls=1\n"
			"      eor=1 trunc=1 chaos=1 counter=FILE expect=ERRNO,... nr\n"
			"      timeout (s) set=buffers|partial|unread|both|resize\n"
			"      full=1 verbose=1 dev lport go=FILE end\n"
			"roles:\n");
	for (i = 0; i < ARRAY_SIZE(roles); i++)
		fprintf(stderr, "  %-14s %s\n", roles[i].name, roles[i].help);
	fprintf(stderr, "commands:\n");
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		fprintf(stderr, "  %-14s %s\n", cmds[i].name, cmds[i].help);
	exit(2);
}

/* Where all is slow, much is less: a LAB_LESSth of what is more than 100. */
static uint64_t fewer(uint64_t count)
{
	const char *less = getenv("LAB_LESS");
	uint64_t by = less ? strtoull(less, NULL, 10) : 1;

	if (count <= 100 || by <= 1)
		return count;
	return count / by > 100 ? count / by : 100;
}

static void set_opt(char *arg)
{
	char *val = strchr(arg, '='), *end;
	uint64_t num;

	if (!val)
		usage();
	*val++ = 0;
	num = strtoull(val, &end, 0);
	if (!strcmp(arg, "size")) {
		opt.min = num;
		opt.max = *end == '-' ? strtoull(end + 1, NULL, 0) : num;
		return;
	}
	if (!strcmp(arg, "type"))
		opt.type = !strcmp(val, "seq") ? SOCK_SEQPACKET : SOCK_STREAM;
	else if (!strcmp(arg, "counter"))
		opt.counter = val;
	else if (!strcmp(arg, "dev"))
		opt.dev = val;
	else if (!strcmp(arg, "expect"))
		opt.expect = val;
	else if (!strcmp(arg, "set"))
		opt.set = val;
	else if (!strcmp(arg, "go"))
		opt.go = val;
	else if (!strcmp(arg, "end"))
		opt.end = val;
	else if (end == val || *end)
		usage();
	else if (!strcmp(arg, "cid"))
		opt.cid = num;
	else if (!strcmp(arg, "port"))
		opt.port = num;
	else if (!strcmp(arg, "count"))
		opt.count = fewer(num);
	else if (!strcmp(arg, "seed"))
		opt.seed = num;
	else if (!strcmp(arg, "n"))
		opt.n = num;
	else if (!strcmp(arg, "slow"))
		opt.slow = num;
	else if (!strcmp(arg, "within"))
		opt.within = num;
	else if (!strcmp(arg, "delay"))
		opt.delay = num;
	else if (!strcmp(arg, "chunk"))
		opt.chunk = num;
	else if (!strcmp(arg, "buf"))
		opt.buf = num;
	else if (!strcmp(arg, "nonblock"))
		opt.nonblock = num;
	else if (!strcmp(arg, "polls"))
		opt.polls = num;
	else if (!strcmp(arg, "et"))
		opt.et = num;
	else if (!strcmp(arg, "chaos"))
		opt.chaos = num;
	else if (!strcmp(arg, "eor"))
		opt.eor = num;
	else if (!strcmp(arg, "trunc"))
		opt.trunc = num;
	else if (!strcmp(arg, "full"))
		opt.full = num;
	else if (!strcmp(arg, "verbose"))
		opt.verbose = num;
	else if (!strcmp(arg, "lport"))
		opt.lport = num;
	else if (!strcmp(arg, "nr"))
		opt.nr = num;
	else if (!strcmp(arg, "timeout"))
		alarm(num);
	else
		usage();
}

static void run_role(const char *name)
{
	size_t i;
	int lfd, fd;

	for (i = 0; i < ARRAY_SIZE(roles); i++)
		if (!strcmp(roles[i].name, name))
			break;
	if (i == ARRAY_SIZE(roles))
		usage();
	if (!opt.server) {
		fd = vst_connect();
		roles[i].run(fd);
		close(fd);
		return;
	}
	lfd = vst_listen();
	while (opt.n--) {
		fd = vst_accept(lfd);
		roles[i].run(fd);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	bool role;
	size_t i;
	int arg;

	if (argc < 2)
		usage();
	opt.server = !strcmp(argv[1], "listen");
	role = opt.server || !strcmp(argv[1], "connect");
	if (role && argc < 3)
		usage();
	for (arg = 2 + role; arg < argc; arg++)
		set_opt(argv[arg]);
	if (!opt.min || opt.max < opt.min || !opt.chunk)
		usage();
	if (role) {
		run_role(argv[2]);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		if (!strcmp(cmds[i].name, argv[1])) {
			cmds[i].run();
			return 0;
		}
	}
	usage();
}
