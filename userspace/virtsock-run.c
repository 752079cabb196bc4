// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtsock run: start a VM with a CID
 *
 * The kernel binds the process, not what it executes: so this process gets the
 * CID and then becomes the VMM. No other process is left between the VMM and
 * who started it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "virtsock.h"

static const char usage[] =
"Usage: virtsock run --cid CID [ --name NAME ] [ --backlog BYTES ]\n"
"                    [ --host-ports PORTS ] [ --guest-ports PORTS ]\n"
"                    [ --rate { BYTES | none } ] [ --calls { NUMBER | none } ] --\n"
"                    COMMAND [ ARGUMENT ... ]\n"
"where  PORTS := { all | none | PORT[-PORT][,...] }\n";

static int bind_and_exec(struct vs_netlink *nl, const struct vs_args *args,
			 char **command)
{
	struct vs_refusal refusal;
	int ret, err;

	ret = vs_vm_add(nl, args);
	if (ret)
		return ret;
	fflush(stdout);
	execvp(command[0], command);	/* the socket is closed by this */
	err = errno;
	vs_vm_del(nl, args->cid, &refusal);
	vs_error("cannot execute '%s': %s", command[0], strerror(err));
	return err == ENOENT ? VS_NOT_FOUND : VS_CANNOT_EXEC;
}

int vs_run(int argc, char **argv)
{
	struct vs_netlink nl;
	struct vs_args args;
	int own, ret;

	for (own = 0; own < argc && strcmp(argv[own], "--"); own++)
		;
	ret = vs_parse_args(own, argv, ARG_CID | ARG_CONFIG, ARG_CID, usage,
			    &args);
	if (ret)
		return ret;
	if (own + 1 >= argc)
		return vs_usage(usage, "'-- COMMAND' is missing");
	args.given |= ARG_PID;
	args.pid = (uint32_t)getpid();

	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_VM_ADD);
	if (ret)
		return ret;
	ret = bind_and_exec(&nl, &args, argv + own + 1);
	vs_netlink_close(&nl);
	return ret;
}
