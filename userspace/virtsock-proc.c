// SPDX-License-Identifier: GPL-2.0-only
/* Is a process one that runs a VM? As far as /proc tells us. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "virtsock.h"

#define VM_FD "anon_inode:kvm-vm"

/* The process a thread belongs to; 0 if unknown */
static uint32_t thread_group(uint32_t pid)
{
	unsigned long tgid = 0;
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%u/status", pid);
	f = fopen(line, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Tgid:", 5)) {
			tgid = strtoul(line + 5, NULL, 10);
			break;
		}
	fclose(f);
	return tgid;
}

static int no_process(uint32_t pid)
{
	vs_error("there is no process %u", pid);
	return VS_ABSENT;
}

static bool has_vm(DIR *fds)
{
	char target[sizeof(VM_FD) + 1];
	struct dirent *entry;
	ssize_t n;

	while ((entry = readdir(fds))) {
		n = readlinkat(dirfd(fds), entry->d_name, target,
			       sizeof(target));
		if (n == sizeof(VM_FD) - 1 && !memcmp(target, VM_FD, n))
			return true;
	}
	return false;
}

/**
 * vs_check_process() - does a process have a VM?
 * @pid: of the process
 *
 * What may not be looked at is left to the kernel.
 *
 * Return: 0, or the exit code after it said why not.
 */
int vs_check_process(uint32_t pid)
{
	uint32_t tgid;
	char path[32];
	DIR *fds;
	bool vm;

	if (kill((pid_t)pid, 0) && errno == ESRCH)
		return no_process(pid);
	tgid = thread_group(pid);
	if (tgid && tgid != pid) {
		vs_error("%u is a thread of process %u; give 'pid %u'", pid,
			 tgid, tgid);
		return VS_ABSENT;
	}
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	fds = opendir(path);
	if (!fds)
		return VS_OK;
	vm = has_vm(fds);
	closedir(fds);
	if (vm)
		return VS_OK;
	if (kill((pid_t)pid, 0) && errno == ESRCH)
		return no_process(pid);		/* meanwhile */
	vs_error("process %u has no KVM virtual machine (yet); start the VM first, or use 'virtsock run'",
		 pid);
	return VS_NOT_A_VM;
}
