// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's kernel that calls from 32-bit code, at CPL 0. Loads if each answer is
 * KVM's, no other register changed, and the link is what it was. No transport is
 * loaded.
 *
 * The code is a page below 4 GiB, in page tables that are this kernel's but for
 * that page; bytes, as the compiler has no business with such code.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <uapi/linux/kvm_para.h>
#include <linux/virtsock.h>

#define LOW		0x10000UL
#define CODE32		0x40
#define CODE64		0x80
#define DATA		0x100
#define LEVELS_MAX	5
/* Present, writable, used; not the user's */
#define PTE		0x63UL
#define CR4_LA57	(1UL << 12)

static unsigned int failed, levels = 4;
static u64 *tables[LEVELS_MAX];
static u8 *code;

struct regs {
	unsigned long rax, rbx, rcx, rdx, rsi;
};

static void call64(struct regs *r)
{
	asm volatile(KVM_HYPERCALL
		     : "+a" (r->rax), "+b" (r->rbx), "+c" (r->rcx), "+d" (r->rdx),
		       "+S" (r->rsi)
		     : : "memory");
}

/* To LOW, and back, with interrupts off: nobody else sees these page tables. */
static void call32(struct regs *r)
{
	unsigned long flags;

	local_irq_save(flags);
	memcpy(tables[0] + 1, (u64 *)__va(read_cr3_pa()) + 1, PAGE_SIZE - sizeof(u64));
	asm volatile("mov %%cr3, %%rdi\n\t"
		     "push %%rdi\n\t"
		     "mov %[tables], %%cr3\n\t"
		     ANNOTATE_RETPOLINE_SAFE
		     "call *%[low]\n\t"
		     "pop %%rdi\n\t"
		     "mov %%rdi, %%cr3"
		     : "+a" (r->rax), "+b" (r->rbx), "+c" (r->rcx), "+d" (r->rdx),
		       "+S" (r->rsi), ASM_CALL_CONSTRAINT
		     : [tables] "r" (__pa(tables[0])), [low] "r" (LOW)
		     : "rdi", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	local_irq_restore(flags);
}

/* opcode, and where its operand is, from the instruction's end on */
static u32 put(u32 at, const u8 *op, u32 len, u32 operand)
{
	s32 rel = operand - (at + len + 4);

	memcpy(code + at, op, len);
	memcpy(code + at + len, &rel, 4);
	return at + len + 4;
}

static void code_make(void)
{
	static const u8 save[] = { 0x48, 0x89, 0x25 };	/* mov %rsp, data(%rip) */
	static const u8 far[] = { 0xff, 0x2d };		/* ljmp *data+8(%rip) */
	static const u8 restore[] = { 0x48, 0x8b, 0x25 };	/* mov data(%rip), %rsp */
	bool amd = boot_cpu_has(X86_FEATURE_VMMCALL);
	const u8 vmcall[] = { 0x0f, 0x01, amd ? 0xd9 : 0xc1 };
	u32 to = LOW + CODE32;
	u16 sel = __KERNEL32_CS;

	put(put(0, save, sizeof(save), DATA), far, sizeof(far), DATA + 8);
	memcpy(code + DATA + 8, &to, 4);
	memcpy(code + DATA + 12, &sel, 2);

	memcpy(code + CODE32, vmcall, 3);
	/* ljmp $__KERNEL_CS, $LOW + CODE64 */
	to = LOW + CODE64;
	sel = __KERNEL_CS;
	code[CODE32 + 3] = 0xea;
	memcpy(code + CODE32 + 4, &to, 4);
	memcpy(code + CODE32 + 8, &sel, 2);

	/* ret */
	code[put(CODE64, restore, sizeof(restore), DATA)] = 0xc3;
}

static void expect(const char *name, bool is)
{
	pr_info("virtsock_low: %s %s\n", is ? "ok" : "not ok", name);
	failed += !is;
}

static struct regs hello(void)
{
	struct regs r;
	int tries = 250;

	do {
		r = (struct regs){
			.rax = VIRTSOCK_HC_BASE + VIRTSOCK_HC_HELLO,
			.rbx = VIRTSOCK_ABI_VERSION,
		};
		call64(&r);
		if ((long)r.rax != -VIRTSOCK_EAGAIN)
			break;
		msleep(20);
	} while (--tries);
	return r;
}

static void try_all(void)
{
	struct regs link = hello(), r, was;
	unsigned int op, high;

	expect("hello", !link.rax);
	for (op = 0; op < VIRTSOCK_HC_NR; op++) {
		/* What 32-bit code could not put there, but may find there */
		for (high = 0; high < 2; high++) {
			r = (struct regs){
				.rax = VIRTSOCK_HC_BASE + op,
				.rbx = op == VIRTSOCK_HC_HELLO ? VIRTSOCK_ABI_VERSION : link.rcx,
				.rdx = 0x1234,
			};
			if (high)
				r.rax |= 1UL << 32;
			was = r;
			call32(&r);
			if (r.rax != (u32)-KVM_ENOSYS)
				pr_err("virtsock_low: operation %u: rax %lx\n", op, r.rax);
			expect("KVM's answer", r.rax == (u32)-KVM_ENOSYS);
			expect("no register changed",
			       r.rbx == was.rbx && r.rcx == was.rcx && r.rdx == was.rdx);
		}
	}
	r = (struct regs){
		.rax = VIRTSOCK_HC_BASE + VIRTSOCK_HC_DOORBELL, .rbx = link.rcx,
		.rcx = virtsock_doorbell_arg(0, 0xff, 0),
	};
	call64(&r);
	expect("the link is the same", !r.rax);
}

static int __init low_init(void)
{
	unsigned long cr4;
	unsigned int i;

	asm volatile("mov %%cr4, %0" : "=r" (cr4));
	if (cr4 & CR4_LA57)
		levels = 5;
	code = (u8 *)get_zeroed_page(GFP_KERNEL);
	for (i = 0; i < levels; i++)
		tables[i] = (u64 *)get_zeroed_page(GFP_KERNEL | GFP_DMA32);
	for (i = 0; code && i < levels && tables[i]; i++)
		if (i + 1 < levels && tables[i + 1])
			tables[i][0] = __pa(tables[i + 1]) | PTE;
	if (i == levels) {
		tables[i - 1][LOW >> PAGE_SHIFT] = __pa(code) | PTE;
		code_make();
		try_all();
	} else {
		failed++;
	}
	for (i = 0; i < levels; i++)
		free_page((unsigned long)tables[i]);
	free_page((unsigned long)code);
	return failed ? -EINVAL : 0;
}

static void __exit low_exit(void)
{
}

module_init(low_init);
module_exit(low_exit);
MODULE_DESCRIPTION("virtsock: a guest that calls from 32-bit code");
MODULE_LICENSE("GPL");
