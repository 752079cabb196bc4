// SPDX-License-Identifier: GPL-2.0-only
/*
 * labkexec load|crash KERNEL INITRD COMMAND-LINE: have a kernel ready, for "now"
 * or for a panic. labkexec now: go there, as kexec -e does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "labkexec: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long flags = 0;
	int kernel, initrd;

	if (argc == 2 && !strcmp(argv[1], "now")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		return die("reboot");
	}
	if (argc != 5) {
		fprintf(stderr, "usage: labkexec load|crash KERNEL INITRD COMMAND-LINE\n"
				"       labkexec now\n");
		return 2;
	}
	if (!strcmp(argv[1], "crash"))
		flags = KEXEC_FILE_ON_CRASH;
	kernel = open(argv[2], O_RDONLY);
	if (kernel < 0)
		return die(argv[2]);
	initrd = open(argv[3], O_RDONLY);
	if (initrd < 0)
		return die(argv[3]);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[4]) + 1, argv[4],
		    flags))
		return die("kexec_file_load");
	return 0;
}
