// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client: one measurement, printed as one line of JSON. 'dir=recv' makes
 * the server the sender, or the one that asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsbench.h"

#define MAX_WATCH	16

static struct {
	struct addr peer;
	const char *mode, *dir, *type;
	uint32_t warm_us, run_us;
	uint64_t at_us;			/* start then: CLOCK_MONOTONIC */
	struct {
		const char *name, *path;
		uint64_t before, after;
	} watch[MAX_WATCH];
	int watches;
	uint32_t samples;
	uint32_t ready;			/* say so before the measurement */
} opt = { .mode = "stream", .dir = "send", .type = "stream",
	  .warm_us = 50000, .run_us = 300000 };

static struct side side = {
	.req = { BENCH_MAGIC, .size = 1024, .n = 1, .rounds = 100000,
		 .cap_ms = 10000 },
};

static void print_error(const char *what, int err)
{
	printf("{\"error\":\"%s: %s\"}\n", what, strerrorname_np(err));
	fflush(stdout);
	_exit(3);
}

static uint64_t number_in(const char *path)
{
	char buf[64];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	return strtoull(buf, NULL, 0);
}

static void parse(const char *arg)
{
	const char *eq = strchr(arg, '='), *v = eq + 1;
	size_t len = eq - arg;
	char *colon;
	size_t i;
	struct {
		const char *name;
		uint32_t *value;
	} numbers[] = {
		{ "size", &side.req.size }, { "n", &side.req.n },
		{ "sockbuf", &side.req.sockbuf },
		{ "rounds", &side.req.rounds },
		{ "zerocopy", &side.req.zerocopy },
		{ "multi", &side.req.multi }, { "cap", &side.req.cap_ms },
		{ "every", &side.req.every_us },
		{ "warm", &opt.warm_us }, { "run", &opt.run_us },
		{ "samples", &opt.samples }, { "ready", &opt.ready },
	};

	if (!eq)
		fail_with(arg, EINVAL);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (len == strlen(numbers[i].name) &&
		    !strncmp(arg, numbers[i].name, len)) {
			*numbers[i].value = strtoul(v, NULL, 0);
			return;
		}
	}
	if (!strncmp(arg, "peer=", 5)) {
		parse_addr(v, &opt.peer);
	} else if (!strncmp(arg, "mode=", 5)) {
		opt.mode = v;
	} else if (!strncmp(arg, "dir=", 4)) {
		opt.dir = v;
	} else if (!strncmp(arg, "type=", 5)) {
		opt.type = v;
	} else if (!strncmp(arg, "at=", 3)) {
		opt.at_us = strtoull(v, NULL, 0);
	} else if (!strncmp(arg, "watch=", 6) && opt.watches < MAX_WATCH) {
		colon = strchr(v, ':');
		if (!colon)
			fail_with(arg, EINVAL);
		*colon = 0;
		opt.watch[opt.watches].name = v;
		opt.watch[opt.watches++].path = colon + 1;
	} else {
		fail_with(arg, EINVAL);
	}
}

/* Control connection, request, data connections. */
static int set_up(enum role theirs)
{
	struct addr data = opt.peer;
	struct answer answer;
	unsigned int i;
	int control;

	side.req.role = theirs;
	side.req.type = !strcmp(opt.type, "seq") ? SOCK_SEQPACKET : SOCK_STREAM;
	control = bench_connect(&opt.peer, SOCK_STREAM, 0);
	put_all(control, &side.req, sizeof(side.req));
	get_all(control, &answer, sizeof(answer));
	if (answer.error)
		fail_with("the server", answer.error);
	data.port = answer.port;
	for (i = 0; i < side.req.n; i++) {
		side.fd[i] = bench_connect(&data, side.req.type,
					   side.req.sockbuf);
		if (theirs >= ROLE_ECHO)
			no_delay(&data, side.fd[i]);
		if (side.req.zerocopy && theirs == ROLE_SINK)
			zerocopy_on(side.fd[i]);
	}
	side.sample = calloc(side.req.rounds + side.req.n, sizeof(uint32_t));
	if (!side.sample)
		fail("memory");
	return control;
}

/* One phase of both sides; returns its time in ns. */
static uint64_t phase(int control, enum role mine, unsigned int usecs,
		      struct done *theirs)
{
	struct go go = { .usecs = usecs };
	uint64_t t = now_ns();

	put_all(control, &go, sizeof(go));
	run_phase(&side, mine, usecs);
	if (mine == ROLE_SINK)
		t = now_ns() - t;
	get_all(control, theirs, sizeof(*theirs));
	if (theirs->error)
		fail_with(theirs->what, theirs->error);
	if (mine != ROLE_SINK)
		t = now_ns() - t;
	if (theirs->samples > side.req.rounds + side.req.n)
		fail_with("too many samples", EMSGSIZE);
	if (theirs->samples)
		get_all(control, side.sample,
			theirs->samples * sizeof(uint32_t));
	return t;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The smallest value that at least this share of all samples do not exceed. */
static double percentile(uint32_t n, unsigned int permille)
{
	uint64_t rank = ((uint64_t)n * permille + 999) / 1000;

	return side.sample[rank ? rank - 1 : 0] / 1000.0;
}

static void print_latency(uint32_t n)
{
	uint32_t i;

	qsort(side.sample, n, sizeof(*side.sample), by_value);
	printf(",\"samples\":%u,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f",
	       n, percentile(n, 500), percentile(n, 900), percentile(n, 990),
	       percentile(n, 999), side.sample[n - 1] / 1000.0);
	if (!opt.samples)
		return;
	printf(",\"us_all\":[");
	for (i = 0; i < n; i++)
		printf("%s%.1f", i ? "," : "", side.sample[i] / 1000.0);
	printf("]");
}

static void print_cpu(const char *name, const struct cpu *c)
{
	printf(",\"%s\":{\"busy\":%llu,\"guest\":%llu,\"steal\":%llu,\"idle\":%llu,\"ctxt\":%llu,\"intr\":%llu}",
	       name, (unsigned long long)c->busy * 10000,
	       (unsigned long long)c->guest * 10000,
	       (unsigned long long)c->steal * 10000,
	       (unsigned long long)c->idle * 10000,
	       (unsigned long long)c->ctxt, (unsigned long long)c->intr);
}

static void report(enum role mine, uint64_t ns, const struct done *theirs,
		   const struct cpu *cpu)
{
	bool sends = mine == ROLE_SOURCE || mine == ROLE_PING;
	const struct done *to = sends ? theirs : &side.done;
	const struct done *from = sends ? &side.done : theirs;
	uint32_t n = from->samples;
	int i;

	if (from->bytes != to->bytes)
		fail_with("less came than was sent", EBADMSG);
	printf("{\"mode\":\"%s\",\"dir\":\"%s\",\"type\":\"%s\",\"size\":%u,\"n\":%u,\"us\":%.1f,\"bytes\":%llu,\"messages\":%llu,\"calls\":%llu,\"copied\":%llu",
	       opt.mode, opt.dir, opt.type, side.req.size, side.req.n,
	       ns / 1000.0, (unsigned long long)to->bytes,
	       (unsigned long long)from->messages,
	       (unsigned long long)to->calls, (unsigned long long)from->copied);
	if (n)
		print_latency(n);
	print_cpu("cpu", cpu);
	print_cpu("peer_cpu", &theirs->cpu);
	printf(",\"watch\":{");
	for (i = 0; i < opt.watches; i++)
		printf("%s\"%s\":%llu", i ? "," : "", opt.watch[i].name,
		       (unsigned long long)(opt.watch[i].after -
					    opt.watch[i].before));
	printf("}}\n");
}

int client(int argc, char **argv)
{
	bool recv_dir, ping_mode;
	enum role mine, theirs;
	struct cpu before, cpu;
	struct done done;
	int control, i;
	uint64_t ns;

	on_fail = print_error;
	for (i = 0; i < argc; i++)
		parse(argv[i]);
	if (!side.req.n || side.req.n > MAX_CONNS || !side.req.size ||
	    side.req.size > CHUNK)
		fail_with("size or n", EINVAL);
	recv_dir = !strcmp(opt.dir, "recv");
	ping_mode = !strcmp(opt.mode, "ping");
	if (ping_mode) {
		mine = recv_dir ? ROLE_ECHO : ROLE_PING;
		theirs = recv_dir ? ROLE_PING : ROLE_ECHO;
	} else {
		mine = recv_dir ? ROLE_SINK : ROLE_SOURCE;
		theirs = recv_dir ? ROLE_SOURCE : ROLE_SINK;
	}
	cap(side.req.cap_ms);
	control = set_up(theirs);
	if (opt.warm_us)
		phase(control, mine, opt.warm_us, &done);
	if (opt.ready)
		puts("READY");
	fflush(stdout);
	if (opt.at_us)
		sleep_until(opt.at_us * 1000);
	for (i = 0; i < opt.watches; i++)
		opt.watch[i].before = number_in(opt.watch[i].path);
	cpu_read(&before);
	ns = phase(control, mine, opt.run_us, &done);
	cpu_since(&cpu, &before);
	for (i = 0; i < opt.watches; i++)
		opt.watch[i].after = number_in(opt.watch[i].path);
	report(mine, ns, &done, &cpu);
	return 0;
}
