// SPDX-License-Identifier: GPL-2.0-only
/* What has to be refused: a connect nobody answers, a call from user space. */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "vst.h"

void cmd_connect_error(void)
{
	int fd = vst_client(), err;
	uint64_t t;

	/* An answer is waited for, but where the end of the time may be one. */
	if (opt.expect && !strstr(opt.expect, "ETIMEDOUT"))
		vst_patient(fd);
	t = now_us();
	err = vst_try_connect(fd) ? errno : 0;
	t = (now_us() - t) / 1000;
	say("connect took %llu ms", (unsigned long long)t);
	expect_errno("connect", err);
	if (t > opt.within)
		die("connect took %llu ms, at most %u expected",
		    (unsigned long long)t, opt.within);
	close(fd);
}

/* A socket of an ended link, or of none, is bound where the peer connects. */
void cmd_bound(void)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = opt.lport,
	};
	int fd = vst_socket();

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die_errno("bind");
	if (!vst_try_connect(fd))
		die("connected");
	say("READY");
	pause();
}

/* No transport shows itself, not even for a moment. */
void cmd_no_transport(void)
{
	unsigned int cid, n = 0;
	int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die_errno("/dev/vsock");
	say("READY");
	while (access(opt.go, F_OK)) {
		if (ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid))
			die_errno("ioctl");
		if (cid != VMADDR_CID_ANY)
			die("there is a transport, of CID %u", cid);
		n++;
	}
	say("looked %u times", n);
}

/* A hypercall from CPL 3: KVM's own check answers -KVM_EPERM. */
void cmd_vmcall(void)
{
	unsigned int a, b = 0, c = 0, d = 0;
	long ret;

	__cpuid(0, a, b, c, d);
	if (b == 0x756e6547)	/* Genu(ineIntel) */
		asm volatile("vmcall" : "=a"(ret)
			     : "a"(opt.nr), "b"(0l), "c"(0l), "d"(0l), "S"(0l)
			     : "memory");
	else
		asm volatile("vmmcall" : "=a"(ret)
			     : "a"(opt.nr), "b"(0l), "c"(0l), "d"(0l), "S"(0l)
			     : "memory");
	say("hypercall %#llx from user space: %ld",
	    (unsigned long long)opt.nr, ret);
	if (ret != -EPERM)
		die("not refused with -KVM_EPERM");
}
