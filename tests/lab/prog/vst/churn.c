// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn, churn-server: n= connections, one after the other, each used and
 * ended in another way. leak-mark, leak-check: what the kernel holds before
 * and after.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vst.h"

#define BLOCK 2000

enum way {
	CLIENT_FIRST,	/* echo, then the client closes */
	HALF,		/* echo, the client shuts down, the server closes */
	SERVER_FIRST,	/* data, then the server closes */
	CLIENT_UNREAD,	/* the client closes with data unread */
	SERVER_UNREAD,	/* the server does */
	AT_ONCE,	/* closed before anything was sent */
	WAYS
};

static void read_to_end(int fd)
{
	char buf[BLOCK];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

void cmd_churn(void)
{
	char buf[BLOCK] = "";
	unsigned int i;
	int fd, way;

	for (i = 0; i < opt.n; i++) {
		way = i % WAYS;
		fd = vst_connect();
		if (way != AT_ONCE) {
			buf[0] = way;
			write_all(fd, buf, sizeof(buf));
		}
		if (way == HALF)
			shutdown(fd, SHUT_WR);
		if (way == CLIENT_FIRST || way == HALF || way == SERVER_FIRST)
			read_all(fd, buf, sizeof(buf));
		if (way == HALF || way == SERVER_FIRST || way == SERVER_UNREAD)
			read_to_end(fd);
		if (way == CLIENT_UNREAD)
			wait_readable(fd);
		close(fd);
	}
	say("opened and closed %u connections", opt.n);
}

void cmd_churn_server(void)
{
	char buf[BLOCK];
	unsigned int i;
	int lfd, fd;

	lfd = vst_listen();
	for (i = 0; i < opt.n; i++) {
		fd = vst_accept(lfd);
		if (i % WAYS != AT_ONCE && i % WAYS != SERVER_UNREAD) {
			read_all(fd, buf, sizeof(buf));
			write_all(fd, buf, sizeof(buf));
		} else if (i % WAYS == SERVER_UNREAD) {
			wait_readable(fd);
		}
		if (i % WAYS == CLIENT_FIRST || i % WAYS == CLIENT_UNREAD ||
		    i % WAYS == AT_ONCE)
			read_to_end(fd);
		close(fd);
	}
}

/* What is compared; the rest of /proc/slabinfo moves by itself. */
#define MAX_ITEMS 256

static struct item {
	char name[64];
	long val;
	long chance;	/* more than before by chance; not in the mark */
} item[MAX_ITEMS], old[MAX_ITEMS];
static int items;

static void add(const char *prefix, const char *name, long val)
{
	if (items == MAX_ITEMS)
		die("more than %d items", MAX_ITEMS);
	snprintf(item[items].name, sizeof(item[0].name), "%s%s", prefix, name);
	item[items].chance = 0;
	item[items++].val = val;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		say("%s: %s", path, strerrorname_np(errno));
	close(fd);
}

/* Give back what is free but kept: then the counts are those of objects. */
static void shrink(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *d;
	char path[300];

	put("/proc/sys/vm/drop_caches", "3");
	while (dir && (d = readdir(dir))) {
		if (d->d_type != DT_DIR)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", d->d_name);
		put(path, "1");
	}
	if (dir)
		closedir(dir);
}

static void count_slab(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char line[256], name[48];
	long active, per_slab;

	if (!f)
		die_errno("slabinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%47s %ld %*d %*d %ld", name, &active,
			   &per_slab) == 3 &&
		    (!strncmp(name, "kmalloc-", 8) || !strncmp(name, "skbuff", 6))) {
			add("objects ", name, active);
			/* A CPU's own slab counts as if all of it were in use. */
			item[items - 1].chance = per_slab * cpus;
		}
	fclose(f);
}

/* KiB that are free, but on a CPU's own lists: MiBs of each, and not in MemFree */
static long free_of_cpus(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	long pages, sum = 0;
	char line[256];

	if (!f)
		die_errno("zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &pages) == 1)
			sum += pages;
	fclose(f);
	return sum * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Programs' memory is none of the kernel's: it counts as if it were free. */
static void count_mem(void)
{
	static const char * const names[] = {
		"SUnreclaim:", "VmallocUsed:", "Percpu:", "KernelStack:",
	};
	static const char * const programs[] = {
		"MemFree:", "AnonPages:", "Shmem:", "PageTables:",
		"SecPageTables:",
	};
	FILE *f = fopen("/proc/meminfo", "r");
	char line[256], name[48];
	unsigned int i;
	long val, free = free_of_cpus();

	if (!f)
		die_errno("meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%47s %ld", name, &val) != 2)
			continue;
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!strcmp(name, names[i]))
				add("KiB ", name, val);
		for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
			if (!strcmp(name, programs[i]))
				free += val;
	}
	fclose(f);
	add("KiB ", "free and programs'", free);
}

static void count_modules(void)
{
	static const char * const names[] = {
		"virtsock_core", "virtsock_host", "vmw_vsock_virtsock", "vsock",
		"vmw_vsock_virtio_transport_common",
	};
	char path[128];
	unsigned int i;
	long val;
	FILE *f;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/refcnt", names[i]);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%ld", &val) == 1)
			add("references ", names[i], val);
		fclose(f);
	}
}

static void count_all(void)
{
	items = 0;
	shrink();
	count_slab();
	count_mem();
	count_modules();
}

void cmd_leak_mark(void)
{
	FILE *f;
	int i;

	count_all();
	f = fopen(opt.go, "w");
	if (!f)
		die_errno(opt.go);
	for (i = 0; i < items; i++)
		fprintf(f, "%ld %s\n", item[i].val, item[i].name);
	fclose(f);
}

/*
 * What may be more by chance: objects, one in 25 connections, and a slab
 * for each CPU (one of kmalloc-8 has 512 objects); memory, 512 bytes in each;
 * references, none; fewer may be as what was there before is gone. What is free
 * counts down, the others up.
 */
static bool too_much(const struct item *it, long diff)
{
	if (!strncmp(it->name, "references", 10))
		return diff > 0;
	if (!strncmp(it->name, "objects", 7))
		return diff > opt.n / 25 + it->chance;
	if (strstr(it->name, "free and"))
		diff = -diff;
	return diff > opt.n / 2;
}

void cmd_leak_check(void)
{
	FILE *f = fopen(opt.go, "r");
	uint64_t t = now_us();
	char line[128];
	int i, n, bad;
	long diff;

	if (!f)
		die_errno(opt.go);
	for (n = 0; n < MAX_ITEMS && fgets(line, sizeof(line), f); n++)
		if (sscanf(line, "%ld %63[^\n]", &old[n].val, old[n].name) != 2)
			die("%s: %s", opt.go, line);
	fclose(f);
	/* What is freed by RCU, timers and works is freed soon. */
	do {
		count_all();
		if (items != n)
			die("%d items, %d before", items, n);
		for (i = bad = 0; i < n; i++)
			bad += too_much(&item[i], item[i].val - old[i].val);
		if (bad)
			sleep_ms(200);
	} while (bad && now_us() - t < 20000000);
	for (i = 0; i < n; i++) {
		diff = item[i].val - old[i].val;
		if (too_much(&item[i], diff))
			say("# %s: %ld more than before, %ld", item[i].name, diff,
			    item[i].val);
		else if (labs(diff) > 10)
			say("%s: %+ld", item[i].name, diff);
	}
	if (bad)
		die("%d counts are not where they were", bad);
}
