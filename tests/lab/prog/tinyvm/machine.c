// SPDX-License-Identifier: GPL-2.0-only
/* A VM, its memory, and a hypercall with the registers of one's choice. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tinyvm.h"

#define PML4	0x1000
#define PDPT	0x2000
#define PD	0x3000
#define CODE	0x8000
#define PORT	0x10

void die(const char *what)
{
	fprintf(stderr, "tinyvm: %s: %s\n", what, strerror(errno));
	exit(1);
}

int must(int ret, const char *what)
{
	if (ret < 0)
		die(what);
	return ret;
}

/* The vendor's own instruction: KVM would write to the code to mend the other. */
static void write_code(uint8_t *code)
{
	static const uint8_t rest[] = {
		0xe6, PORT,	/* out %al, $PORT */
		0xeb, 0xf9,	/* jmp, to the call */
	};
	char line[4096];
	FILE *f = fopen("/proc/cpuinfo", "r");
	int svm = 0;

	if (!f)
		die("/proc/cpuinfo");
	while (fgets(line, sizeof(line), f))
		svm |= !strncmp(line, "flags", 5) && strstr(line, " svm");
	fclose(f);
	*code++ = 0x0f;
	*code++ = 0x01;
	*code++ = svm ? 0xd9 : 0xc1;
	memcpy(code, rest, sizeof(rest));
}

static void set_real(struct kvm_sregs *s)
{
	s->cs.base = 0;
	s->cs.selector = 0;
}

/* One page of 2 MiB is mapped where it lies. */
static void set_long(struct kvm_sregs *s, uint8_t *mem)
{
	struct kvm_segment seg = {
		.limit = 0xffffffff, .present = 1, .s = 1, .g = 1,
	};

	*(uint64_t *)(mem + PML4) = PDPT | 3;
	*(uint64_t *)(mem + PDPT) = PD | 3;
	*(uint64_t *)(mem + PD) = 0x83;
	s->cr3 = PML4;
	s->cr4 = 1 << 5;				/* PAE */
	s->cr0 = 1U << 31 | 1 << 5 | 1 << 4 | 1;	/* PG, NE, ET, PE */
	s->efer = 1 << 8 | 1 << 10;			/* LME, LMA */
	seg.selector = 8;
	seg.type = 11;
	seg.l = 1;
	s->cs = seg;
	seg.selector = 16;
	seg.type = 3;
	seg.l = 0;
	seg.db = 1;
	s->ds = seg;
	s->es = seg;
	s->fs = seg;
	s->gs = seg;
	s->ss = seg;
}

/* Memory of the guest; none there if @size is 0. */
void tiny_slot(struct tiny *t, unsigned int slot, uint64_t gpa, void *at, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)at,
	};

	must(ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &region),
	     "KVM_SET_USER_MEMORY_REGION");
}

/* 64-bit mode is a feature that a guest must have. */
static void give_cpuid(int kvm, int vcpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };

	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
	cpuid.head.nent = 256;
}

static void make_vcpu(struct tiny *t, int kvm, unsigned long id, enum tiny_mode mode)
{
	struct kvm_sregs sregs;

	t->vcpu = must(ioctl(t->vm, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");
	t->run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu, 0);
	if (t->run == MAP_FAILED)
		die("mmap of the vCPU");
	give_cpuid(kvm, t->vcpu);
	must(ioctl(t->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	if (mode == TINY_REAL)
		set_real(&sregs);
	else
		set_long(&sregs, t->mem);
	must(ioctl(t->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

/* Another vCPU of the same VM, in 64-bit mode */
void tiny_second(struct tiny *t, const struct tiny *first)
{
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");

	*t = *first;
	make_vcpu(t, kvm, 1, TINY_LONG);
	must(ioctl(t->vcpu, KVM_SET_MP_STATE, &runs), "KVM_SET_MP_STATE");
	close(kvm);
}

void tiny_make(struct tiny *t, enum tiny_mode mode)
{
	struct kvm_xen_hvm_config config = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
		.msr = 0x40000000,
	};
	int low = must(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");

	t->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->mem == MAP_FAILED)
		die("mmap");
	write_code(t->mem + CODE);
	t->vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	/* virtsock wants KVM's local APIC. */
	must(ioctl(t->vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	tiny_slot(t, 0, 0, t->mem, MEM_SIZE);
	if (mode == TINY_XEN)
		must(ioctl(t->vm, KVM_XEN_HVM_CONFIG, &config), "KVM_XEN_HVM_CONFIG");

	make_vcpu(t, kvm, 0, mode);
	close(low);
	close(kvm);
	if (mode == TINY_STATS &&
	    must(ioctl(t->vcpu, KVM_GET_STATS_FD, NULL), "KVM_GET_STATS_FD") != low) {
		fprintf(stderr, "tinyvm: the statistics have a higher descriptor\n");
		exit(1);
	}
}

/* Return: 0, or KVM's reason where it did not answer. */
int tiny_call(struct tiny *t, struct tiny_regs *r)
{
	struct kvm_regs regs = {
		.rip = CODE, .rflags = 2,
		.rax = r->rax, .rbx = r->rbx, .rcx = r->rcx, .rdx = r->rdx, .rsi = r->rsi,
	};

	/* The port's instruction ends with the next run, which sets RIP: not here. */
	if (t->run->exit_reason == KVM_EXIT_IO) {
		t->run->immediate_exit = 1;
		if (ioctl(t->vcpu, KVM_RUN, 0) >= 0 || errno != EINTR)
			die("KVM_RUN, to end an instruction");
		t->run->immediate_exit = 0;
	}
	must(ioctl(t->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	must(ioctl(t->vcpu, KVM_RUN, 0), "KVM_RUN");
	if (t->run->exit_reason != KVM_EXIT_IO || t->run->io.port != PORT)
		return t->run->exit_reason;
	must(ioctl(t->vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	*r = (struct tiny_regs) {
		.rax = regs.rax, .rbx = regs.rbx, .rcx = regs.rcx,
		.rdx = regs.rdx, .rsi = regs.rsi,
	};
	return 0;
}
