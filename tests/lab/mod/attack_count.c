// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was done how often, and what the host said to it: which answers a kind of
 * call may have, and which it must have had in the end.
 */
#define DEBUG	/* the counts are for the log, not for a slow console */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include "attack.h"

/* Answers, as bits: 0, then VIRTSOCK_E* in their order, then what KVM says */
#define OK		BIT(0)
#define EVERSION	BIT(VIRTSOCK_EVERSION - 2000)
#define ESTALE_		BIT(VIRTSOCK_ESTALE - 2000)
#define EAGAIN_		BIT(VIRTSOCK_EAGAIN - 2000)
#define EINVAL_		BIT(VIRTSOCK_EINVAL - 2000)
#define EFAULT_		BIT(VIRTSOCK_EFAULT - 2000)
#define EPROTO_		BIT(VIRTSOCK_EPROTO - 2000)
#define ENOMEM_		BIT(VIRTSOCK_ENOMEM - 2000)
#define NOSYS		BIT(12)
#define ANSWERS		14

static const char * const answer_name[ANSWERS] = {
	"ok", "EUNBOUND", "EVERSION", "ESTALE", "EAGAIN", "EINVAL", "EFAULT",
	"EPROTO", "ENOMEM", "ENOAPIC", "EHYPERV", "EDOWN", "none", "other",
};

/* ESTALE is always possible: the other CPU may have ended the link. */
static const struct {
	const char *name;
	u32 may;
	u32 must;
} kinds[ATTACK_KINDS] = {
	[CALL_HELLO] = { "hello", OK, OK },
	[CALL_HELLO_WILD] = { "hello-wild", OK | EAGAIN_ | EVERSION, EVERSION },
	[CALL_HELLO_UP] = { "hello-up", OK | EAGAIN_, EAGAIN_ },
	[CALL_REGISTER] = { "register", OK | ENOMEM_, OK },
	[CALL_REGISTER_FIELD] = { "register-field", EINVAL_, EINVAL_ },
	[CALL_REGISTER_PAGE] = { "register-page", OK | EFAULT_ | ENOMEM_, EFAULT_ },
	[CALL_REGISTER_TWIN] = { "register-twin", OK | ENOMEM_, OK },
	[CALL_REGISTER_BAR] = { "register-bar", OK | ENOMEM_, OK },
	[CALL_REGISTER_ADDR] = { "register-addr", OK | EINVAL_ | EFAULT_ | ENOMEM_, EFAULT_ },
	[CALL_REGISTER_RACE] = { "register-race", OK | EINVAL_ | EFAULT_ | ENOMEM_, OK },
	[CALL_REGISTER_UP] = { "register-up", EINVAL_, EINVAL_ },
	[CALL_EARLY] = { "early", OK | EINVAL_, OK | EINVAL_ },
	[CALL_STALE] = { "stale", 0, ESTALE_ },
	[CALL_NUMBER] = { "number", NOSYS, NOSYS },
	[CALL_DOORBELL] = { "doorbell", OK, OK },
	[CALL_DOORBELL_WILD] = { "doorbell-wild", EINVAL_, EINVAL_ },
	[CALL_FLUSH] = { "flush", OK | EPROTO_, OK | EPROTO_ },
	[CALL_FLUSH_WAIT] = { "flush-wait", OK | EPROTO_, OK },
	[CALL_FLUSH_RACE] = { "flush-race", OK | EPROTO_, OK },
	[CALL_FLUSH_ARGS] = { "flush-args", EINVAL_, EINVAL_ },
	[CALL_FLUSH_BUFFER] = { "flush-buffer", OK | EPROTO_, OK | EPROTO_ },
	[CALL_FLUSH_HEAD] = { "flush-head", EPROTO_, EPROTO_ },
	[CALL_UNREGISTER] = { "unregister", OK, OK },
	[RACE_DOORBELL] = { "race-doorbell", OK, OK },
	[RACE_FLUSH] = { "race-flush", OK | EINVAL_ | EPROTO_, OK },
	[RACE_REGISTER] = { "race-register", EINVAL_, EINVAL_ },
	[RACE_HELLO] = { "race-hello", OK | EAGAIN_, EAGAIN_ },
	[RACE_UNREGISTER] = { "race-unregister", OK, OK },
	[REC_WALK] = { "rec-walk" },
	[REC_REQUEST] = { "rec-request" },
	[REC_RESPONSE] = { "rec-response" },
	[REC_DATA] = { "rec-data" },
	[REC_SEGS] = { "rec-segs" },
	[REC_FLOOD] = { "rec-flood" },
	[REC_NO_EOM] = { "rec-no-eom" },
	[REC_SHUTDOWN] = { "rec-shutdown" },
	[REC_RST] = { "rec-rst" },
	[REC_CREDIT_UPDATE] = { "rec-credit-update" },
	[REC_CREDIT_REQUEST] = { "rec-credit-request" },
	[REC_ANSWER] = { "rec-answer" },
	[REC_STRANGER] = { "rec-stranger" },
	[REC_ROUTE] = { "rec-route" },
	[REC_SEGS_BAD] = { "rec-segs-bad" },
	[REC_SOURCE] = { "rec-source" },
	[REC_FIELD] = { "rec-field" },
	[REC_NOISE] = { "rec-noise" },
	[LIE_CREDIT] = { "lie-credit" },
	[MEM_OWN] = { "mem-own" },
	[MEM_RING] = { "mem-ring" },
	[MEM_BUFFER] = { "mem-buffer" },
	[MEM_SETUP] = { "mem-setup" },
	[MEM_BAR] = { "mem-bar" },
	[MEM_BAR_END] = { "mem-bar-end" },
	[MEM_APIC] = { "mem-apic" },
	[MEM_IOAPIC] = { "mem-ioapic" },
	[MEM_HPET] = { "mem-hpet" },
	[MEM_HOLE] = { "mem-hole" },
	[MEM_ROM] = { "mem-rom" },
	[MEM_LEGACY] = { "mem-legacy" },
	[MEM_640K] = { "mem-640k" },
	[MEM_TOP] = { "mem-top" },
	[MEM_BEYOND] = { "mem-beyond" },
	[MEM_WRAP] = { "mem-wrap" },
	[CHANGE_RING] = { "change-ring" },
	[CHANGE_SEGS] = { "change-segs" },
	[CHANGE_SETUP] = { "change-setup" },
};

/* So many calls have had each answer, also those that need some luck. */
#define ATTACK_ENOUGH	200

static atomic_t count[ATTACK_KINDS];
static atomic_t answers[ATTACK_CALLS][ANSWERS];
static atomic_t done, failed, polls;

/* Something is not as it must be; said a few times only. */
void attack_failed(const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	if (atomic_inc_return(&failed) > 20)
		return;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_err("virtsock_attack: not ok, after %u operations: %pV\n", attack_done(),
	       &vaf);
	va_end(args);
}

/* A record, or what a call or record has in it. Context: any. */
void attack_count(enum attack_kind kind)
{
	atomic_inc(&count[kind]);
	if (kind < ATTACK_OPS)
		atomic_inc(&done);
}

/* A call, and what the host said. Context: any. */
void attack_answer(enum attack_kind kind, long ret)
{
	u32 i = ANSWERS - 1;

	if (!ret)
		i = 0;
	else if (ret >= -VIRTSOCK_EDOWN && ret <= -VIRTSOCK_EUNBOUND)
		i = -ret - 2000;
	else if (ret == -1000)
		i = ANSWERS - 2;
	attack_count(kind);
	atomic_inc(&answers[kind][i]);
	if (!(BIT(i) & (kinds[kind].may | ESTALE_)))
		attack_failed("%s: %ld", kinds[kind].name, ret);
}

/* A HELLO that was answered EAGAIN: no operation. Context: any. */
void attack_polled(void)
{
	atomic_inc(&polls);
}

/* How many operations so far? Context: any. */
unsigned int attack_done(void)
{
	return atomic_read(&done);
}

static void report_kind(enum attack_kind kind, bool all)
{
	u32 n = atomic_read(&count[kind]), had = 0, i;
	char text[160] = "";
	int len = 0;

	for (i = 0; kind < ATTACK_CALLS && i < ANSWERS; i++) {
		u32 times = atomic_read(&answers[kind][i]);

		if (times)
			len += scnprintf(text + len, sizeof(text) - len, " %s=%u",
					 answer_name[i], times);
		had |= times ? BIT(i) : 0;
	}
	pr_debug("virtsock_attack: %s %u%s\n", kinds[kind].name, n, text);
	if (all && (!n || (n >= ATTACK_ENOUGH && kinds[kind].must & ~had)))
		attack_failed("%s: not all that it must have been", kinds[kind].name);
}

/*
 * Say it. @all: so much was done that each kind must have had its turn. Return:
 * 0, -EINVAL if something was not as it must be.
 */
int attack_report(bool all)
{
	enum attack_kind kind;

	for (kind = 0; kind < ATTACK_KINDS; kind++)
		report_kind(kind, all);
	pr_info("virtsock_attack: %u operations, %u polls, %u failures\n",
		attack_done(), atomic_read(&polls), atomic_read(&failed));
	return atomic_read(&failed) ? -EINVAL : 0;
}
