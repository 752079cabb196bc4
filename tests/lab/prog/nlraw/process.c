// SPDX-License-Identifier: GPL-2.0-only
/* Processes that do nothing, also with the number of one that there was */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include "nlraw.h"

/*
 * As fork(), with the number @wanted if that is not 0. Return: -1 where another
 * one has it by now.
 */
pid_t process_fork(pid_t wanted)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = wanted ? (uintptr_t)&wanted : 0,
		.set_tid_size = !!wanted,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0 && !(wanted && errno == EEXIST))
		die("clone3: %s", strerrorname_np(errno));
	return pid;
}

/* Return: the number of a process that does nothing; 0 as above. */
pid_t process_new(pid_t wanted)
{
	pid_t pid = process_fork(wanted);

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid < 0 ? 0 : pid;
}

void process_end(pid_t pid)
{
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		die("process %d: %s", pid, strerrorname_np(errno));
}

void world_init(struct world *w, unsigned int number, uint64_t seed)
{
	const uint32_t cid[CIDS] = {
		3 + number, 1000 + 2 * number, 1001 + 2 * number, 0x7fffffe0 + number,
		0x80000000 + number, 0x80001000 + number, 0xffffff00 + number,
		0xfffffff8 + number,
	};
	unsigned int i;

	*w = (struct world){ .admin = true, .rnd = seed * 2654435761u + number + 1 };
	memcpy(w->cid, cid, sizeof(cid));
	for (i = 0; i < PIDS; i++)
		w->pid[i] = process_new(0);
}

/* Half of it is left to the death of its processes. */
void world_exit(struct world *w, int fd)
{
	struct msg m;
	unsigned int i;
	int err;

	while (w->nr > PIDS / 2) {
		msg_begin(&m, VIRTSOCK_CMD_VM_DEL, 0);
		msg_attr(&m, VIRTSOCK_A_CID, &w->vm[0].cid, sizeof(w->vm[0].cid));
		if (world_expects(w, &m))
			die("CID %u is not to be found", w->vm[0].cid);
		err = nl_ask(fd, &m, NULL);
		if (err)
			die("del: %s", name_of(err));
	}
	for (i = 0; i < PIDS; i++) {
		process_end(w->pid[i]);
		world_forget_pid(w, w->pid[i]);
	}
	world_check(w, fd);
}
