// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM for what no QEMU does.
 *
 *   tinyvm long|real|xen|stats|gone|again|stuck [FIFO]
 *
 * long, real, xen: says HELLO in 64-bit mode; in real mode; in 64-bit mode, and
 * the VMM asked for Xen's hypercalls. Prints "answer RAX RBX" or "exit REASON".
 *
 * stats: as long, with a descriptor of the vCPU's statistics before the vCPU's
 * own; stays until somebody opens FIFO again.
 *
 * gone: makes links, and has memory of its guest go away under them.
 *
 * again: has a link, ends its VM and makes another one.
 *
 * stuck: has a link, and a hypercall that stands still in a page fault; another vCPU
 * comes back from waiting for an answer. Says STUCK, or NOT STUCK, and stays.
 *
 * All say READY and their PID first, then wait for somebody to open FIFO.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tinyvm.h"

static int one(struct tiny *t)
{
	struct tiny_regs r = {
		.rax = VIRTSOCK_HC_BASE + VIRTSOCK_HC_HELLO,
		.rbx = VIRTSOCK_ABI_VERSION,
	};
	int reason = tiny_call(t, &r);

	if (reason)
		printf("exit %d\n", reason);
	else
		printf("answer %llx %llx\n", (unsigned long long)r.rax,
		       (unsigned long long)r.rbx);
	return 0;
}

/* Until somebody has opened it, and closed it again */
static void wait_at(const char *fifo)
{
	int fd = must(open(fifo, O_RDONLY), fifo);
	char c;

	while (read(fd, &c, 1) > 0)
		;
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum tiny_mode mode;
		int (*run)(struct tiny *t);
	} what[] = {
		{ "long", TINY_LONG, one },
		{ "real", TINY_REAL, one },
		{ "xen", TINY_XEN, one },
		{ "stats", TINY_STATS, one },
		{ "gone", TINY_LONG, gone },
		{ "again", TINY_LONG, again },
		{ "stuck", TINY_LONG, stuck },
	};
	struct tiny t;
	int ret;
	unsigned int i;

	for (i = 0; argc > 1 && i < sizeof(what) / sizeof(*what); i++) {
		if (strcmp(argv[1], what[i].name))
			continue;
		tiny_make(&t, what[i].mode);
		setvbuf(stdout, NULL, _IOLBF, 0);
		printf("READY %d\n", getpid());
		if (argc > 2)
			wait_at(argv[2]);
		ret = what[i].run(&t);
		if (argc > 2 && what[i].mode == TINY_STATS)
			wait_at(argv[2]);
		return ret;
	}
	fprintf(stderr, "usage: tinyvm long|real|xen|stats|gone|again|stuck [FIFO]\n");
	return 2;
}
