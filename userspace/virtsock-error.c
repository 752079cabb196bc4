// SPDX-License-Identifier: GPL-2.0-only
/* What went wrong, why, and what to do about it; and the exit code for it */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "virtsock.h"

/**
 * vs_error() - one line on stderr
 */
void vs_error(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	fflush(stdout);
	fputs("virtsock: ", stderr);
	errno = saved;			/* for %m */
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/**
 * vs_usage() - the command line is wrong
 *
 * Return: the exit code for that.
 */
int vs_usage(const char *usage, const char *fmt, ...)
{
	va_list ap;

	fputs("virtsock: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n%s", usage);
	return VS_USAGE;
}

/**
 * vs_help() - the usage was asked for
 */
int vs_help(const char *usage)
{
	fputs(usage, stdout);
	return VS_HELPED;
}

static bool loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

/**
 * vs_no_module() - nobody in the kernel answers
 * @cmd: who should have: enum virtsock_cmd
 *
 * Return: the exit code for that.
 */
int vs_no_module(unsigned int cmd)
{
	bool host = loaded("virtsock_host");
	bool guest = loaded("vmw_vsock_virtsock");

	switch (cmd) {
	case VIRTSOCK_CMD_VM_ADD:
	case VIRTSOCK_CMD_VM_DEL:
	case VIRTSOCK_CMD_VM_GET:
	case VIRTSOCK_CMD_VM_SET:
		if (host)
			break;
		vs_error("module virtsock_host is not loaded; on the host, load it with 'modprobe virtsock_host'");
		return VS_NO_MODULE;
	case VIRTSOCK_CMD_LINK_GET:
	case VIRTSOCK_CMD_LINK_SET:
		if (guest)
			break;
		vs_error("module vmw_vsock_virtsock is not loaded; in the guest, load it with 'modprobe vmw_vsock_virtsock'");
		return VS_NO_MODULE;
	default:
		if (host || guest)
			break;
		vs_error("no virtsock module is loaded; load virtsock_host on the host, vmw_vsock_virtsock in the guest, with modprobe");
		return VS_NO_MODULE;
	}
	vs_error("the module is loaded, but does not answer here; use the initial network namespace");
	return VS_NO_MODULE;
}

/* "virtsock: cannot ...", without an end of line */
static void say_what_failed(unsigned int cmd, const struct vs_args *args)
{
	fflush(stdout);
	fputs("virtsock: cannot ", stderr);
	switch (cmd) {
	case VIRTSOCK_CMD_VM_ADD:
		fprintf(stderr, "bind CID %u to process %u", args->cid,
			args->pid);
		break;
	case VIRTSOCK_CMD_VM_DEL:
		fprintf(stderr, "delete CID %u", args->cid);
		break;
	case VIRTSOCK_CMD_VM_GET:
		if (args->given & ARG_CID)
			fprintf(stderr, "show CID %u", args->cid);
		else
			fputs("show the VMs", stderr);
		break;
	case VIRTSOCK_CMD_VM_SET:
		fprintf(stderr, "change CID %u", args->cid);
		break;
	case VIRTSOCK_CMD_LINK_GET:
		fputs("show the link", stderr);
		break;
	case VIRTSOCK_CMD_LINK_SET:
		fputs("change the link", stderr);
		break;
	default:
		fputs("listen to events", stderr);
		break;
	}
}

/*
 * Which argument EINVAL or ERANGE is about. The kernel may say it; if it does
 * not, it is the CID unless something else was given that it may be.
 */
static int say_what_is_invalid(unsigned int cmd, const struct vs_args *args,
			       const struct vs_refusal *refusal)
{
	switch (refusal->attr) {
	case VIRTSOCK_A_CID:
		break;
	case VIRTSOCK_A_NAME:
		fputs("the name is not allowed", stderr);
		return VS_FAILED;
	case VIRTSOCK_A_BACKLOG:
		fputs("the backlog is out of range", stderr);
		return VS_FAILED;
	case VIRTSOCK_A_HOST_PORTS:
	case VIRTSOCK_A_GUEST_PORTS:
		fputs("the list of ports is not allowed", stderr);
		return VS_FAILED;
	case VIRTSOCK_A_RATE:
	case VIRTSOCK_A_CALLS:
		fputs("the limit is out of range", stderr);
		return VS_FAILED;
	case 0:
		if (cmd == VIRTSOCK_CMD_VM_ADD && !(args->given & ARG_CONFIG))
			break;
		/* fall through */
	default:
		fputs("an argument is not allowed", stderr);
		return VS_FAILED;
	}
	fputs("the CID is reserved or not valid", stderr);
	return VS_BAD_CID;
}

static int say_why(unsigned int cmd, const struct vs_args *args,
		   const struct vs_refusal *refusal)
{
	bool of_vm = cmd >= VIRTSOCK_CMD_VM_ADD && cmd <= VIRTSOCK_CMD_VM_SET;
	bool adding = cmd == VIRTSOCK_CMD_VM_ADD;

	switch (refusal->err) {
	case EPERM:
	case EACCES:
		fputs("no permission: it takes CAP_NET_ADMIN in the initial user namespace, as root has it",
		      stderr);
		return VS_NO_PERMISSION;
	case ESRCH:
		if (!adding)
			break;
		fprintf(stderr, "there is no process %u", args->pid);
		return VS_ABSENT;
	case ENOENT:
		if (!of_vm)
			break;
		fprintf(stderr, "no VM has CID %u; 'virtsock vm show' lists them",
			args->cid);
		return VS_ABSENT;
	case EEXIST:
		if (!adding)
			break;
		fprintf(stderr, "CID %u is in use; 'virtsock vm show' tells by which process",
			args->cid);
		return VS_IN_USE;
	case EBUSY:
		if (!adding)
			break;
		fputs("its VM has a CID already; to give it another, first remove that with 'virtsock vm del'",
		      stderr);
		return VS_IN_USE;
	case EINVAL:
	case ERANGE:
		return say_what_is_invalid(cmd, args, refusal);
	default:
		break;
	}
	fputs(strerror(refusal->err), stderr);
	return VS_FAILED;
}

/**
 * vs_refused() - the kernel refused a request
 * @cmd: which: enum virtsock_cmd
 * @args: of the request
 * @refusal: its answer
 *
 * Return: the exit code for that.
 */
int vs_refused(unsigned int cmd, const struct vs_args *args,
	       const struct vs_refusal *refusal)
{
	int ret;

	if (refusal->err == EOPNOTSUPP)
		return vs_no_module(cmd);
	say_what_failed(cmd, args);
	fputs(": ", stderr);
	ret = say_why(cmd, args, refusal);
	if (refusal->text[0])
		fprintf(stderr, " (kernel: %s)", refusal->text);
	fputc('\n', stderr);
	return ret;
}
