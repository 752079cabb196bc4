// SPDX-License-Identifier: GPL-2.0-only
/*
 * nlraw table			each mistake in a request, and its answer
 * nlraw nobody			requests without CAP_NET_ADMIN
 * nlraw random SEED COUNT	by three processes at once, one without privileges
 * nlraw dead COUNT		COUNT processes with a CID end, for each of three that look
 * nlraw heir CID COMMAND...	COMMAND, with the number of a process that had CID
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nlraw.h"

#define WORKERS	3
#define NOBODY	65534

static void random_worker(unsigned int number, uint64_t seed, unsigned int count)
{
	struct world w;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world_init(&w, number, seed);
	if (number == WORKERS - 1) {
		w.admin = false;
		if (setresuid(NOBODY, NOBODY, NOBODY))
			die("setresuid: %s", strerrorname_np(errno));
	}
	fd = nl_open();
	random_run(&w, fd, count);
	if (w.admin)
		world_exit(&w, fd);
}

static void each_worker(void (*work)(unsigned int number, uint64_t arg, unsigned int count),
			uint64_t arg, unsigned int count)
{
	unsigned int i;
	int status;

	for (i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork: %s", strerrorname_np(errno));
		if (!pid) {
			work(i, arg, count);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status)
			die("a process failed");
}

static int ask_about(int fd, int cmd, uint32_t cid, pid_t pid)
{
	struct msg m;

	msg_begin(&m, cmd, 0);
	msg_attr(&m, VIRTSOCK_A_CID, &cid, sizeof(cid));
	if (cmd == VIRTSOCK_CMD_VM_ADD)
		msg_attr(&m, VIRTSOCK_A_PID, &pid, sizeof(pid));
	return nl_ask(fd, &m, NULL);
}

/* The binding of one that has ended is gone, whoever was the first to see that. */
static void dead_worker(unsigned int number, uint64_t first, unsigned int count)
{
	uint32_t cid = first + number;
	int fd = nl_open(), err;
	unsigned int i;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < count; i++) {
		pid = process_new(0);
		err = ask_about(fd, VIRTSOCK_CMD_VM_ADD, cid, pid);
		if (err)
			die("add of CID %u, time %u: %s", cid, i, name_of(err));
		process_end(pid);
		err = ask_about(fd, VIRTSOCK_CMD_VM_GET, cid, 0);
		if (err != -ENOENT)
			die("CID %u of process %d, which is gone, time %u: %s", cid,
			    pid, i, name_of(err));
	}
}

/* It was bound, it is gone, and nobody has looked since: then there is another. */
static void heir(uint32_t cid, char **argv)
{
	pid_t pid = process_new(0), copy = pid;
	int fd = nl_open(), err = ask_about(fd, VIRTSOCK_CMD_VM_ADD, cid, pid);

	if (err)
		die("add: %s", name_of(err));
	process_end(pid);
	pid = process_fork(pid);
	if (!pid) {
		setsid();
		execvp(argv[0], argv);
		die("%s: %s", argv[0], strerrorname_np(errno));
	}
	if (pid != copy)
		die("another one has the number %d by now", copy);
	printf("heir %d\n", pid);
}

int main(int argc, char **argv)
{
	int fd = nl_open(), err = nl_family(fd);

	if (err)
		die("no family virtsock: %s", name_of(err));
	close(fd);
	if (argc == 2 && !strcmp(argv[1], "table"))
		table_run();
	else if (argc == 2 && !strcmp(argv[1], "nobody"))
		nobody_run();
	else if (argc == 4 && !strcmp(argv[1], "random"))
		each_worker(random_worker, strtoull(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
	else if (argc == 3 && !strcmp(argv[1], "dead"))
		each_worker(dead_worker, 1000, strtoul(argv[2], NULL, 0));
	else if (argc > 3 && !strcmp(argv[1], "heir"))
		heir(strtoul(argv[2], NULL, 0), argv + 3);
	else
		die("usage: nlraw table|nobody|random SEED COUNT|dead COUNT|heir CID COMMAND...");
	return 0;
}
