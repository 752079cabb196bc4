// SPDX-License-Identifier: GPL-2.0-only
/*
 * pairvmm THREADS: plays the VMM of the pair. SIGUSR1 resets the VM, as
 * QEMU's system_reset would; any other end is the VMM's death.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "../mod/virtsock_pair.h"

static int vm;

static void *run(void *unused)
{
	(void)unused;
	ioctl(vm, VIRTSOCK_PAIR_RUN);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t thread;
	sigset_t set;
	int dev, sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	dev = open("/dev/virtsock_pair", O_RDWR | O_CLOEXEC);
	vm = dev < 0 ? -1 : ioctl(dev, VIRTSOCK_PAIR_CREATE);
	if (vm < 0) {
		perror("/dev/virtsock_pair");
		return 1;
	}
	while (threads--) {
		if (pthread_create(&thread, NULL, run, NULL)) {
			fprintf(stderr, "no thread\n");
			return 1;
		}
	}
	printf("READY\n");
	fflush(stdout);
	for (;;) {
		sigwait(&set, &sig);
		ioctl(vm, VIRTSOCK_PAIR_RESET);
	}
}
