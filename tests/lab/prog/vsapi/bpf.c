// SPDX-License-Identifier: GPL-2.0-only
/* bpf(2) without a library: programs are put together by hand. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "bpf.h"
#include "vsapi.h"

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

int map_new(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 4,
	};

	return NEED(bpf(BPF_MAP_CREATE, &attr));
}

int map_put(int map, uint32_t key, int fd)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&fd,
	};

	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

int map_del(int map, uint32_t key)
{
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&key };

	return bpf(BPF_MAP_DELETE_ELEM, &attr);
}

static int load(int type, const struct bpf_insn *insns, int nr)
{
	static char log[4096];
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)insns,
		.insn_cnt = nr,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};

	return NEED(bpf(BPF_PROG_LOAD, &attr));
}

/* return helper(context, map, key, flags); */
static int redirect(int type, int helper, int map, uint32_t key, bool ingress)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 2,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = key },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4,
		  .imm = ingress ? BPF_F_INGRESS : 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = helper },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(type, insns, sizeof(insns) / sizeof(*insns));
}

/* What a socket of the map receives goes to another one's peer or reader. */
int verdict_redirect(int map, uint32_t key, bool ingress)
{
	return redirect(BPF_PROG_TYPE_SK_SKB, BPF_FUNC_sk_redirect_map, map,
			key, ingress);
}

/* The same for what a socket of the map is told to send */
int verdict_msg(int map, uint32_t key, bool ingress)
{
	return redirect(BPF_PROG_TYPE_SK_MSG, BPF_FUNC_msg_redirect_map, map,
			key, ingress);
}

/* SK_PASS or SK_DROP for everything */
int verdict_const(int verdict)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_SK_SKB, insns, 2);
}

int verdict_attach(int map, int prog, bool msg)
{
	union bpf_attr attr = {
		.target_fd = map,
		.attach_bpf_fd = prog,
		.attach_type = msg ? BPF_SK_MSG_VERDICT : BPF_SK_SKB_VERDICT,
	};

	return NEED(bpf(BPF_PROG_ATTACH, &attr));
}
