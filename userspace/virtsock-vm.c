// SPDX-License-Identifier: GPL-2.0-only
/* virtsock vm: the VMs of this host */
#include <errno.h>
#include <stdlib.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include "virtsock.h"

/* A dump that changes under our hands is made again, so often. */
#define DUMP_TRIES 10

static const char usage[] =
"Usage: virtsock vm add pid PID cid CID [ CONFIG ]\n"
"       virtsock vm set cid CID CONFIG\n"
"       virtsock vm del { cid CID | all }\n"
"       virtsock [ -j ] [ -p ] [ -s ] vm [ show [ cid CID ] ]\n"
"where  PID is the process that runs the VM,\n"
"       CID is a number from 3 to 4294967294,\n"
"       CONFIG := [ name NAME ] [ backlog BYTES ]\n"
"                 [ host-ports PORTS ] [ guest-ports PORTS ]\n"
"                 [ rate { BYTES | none } ] [ calls { NUMBER | none } ],\n"
"       BYTES is a number, with K, M or G for KiB, MiB or GiB,\n"
"       PORTS := { all | none | PORT[-PORT][,...] }\n";

static int ports_size(const struct vs_ports *ports)
{
	return (int)(ports->count * sizeof(ports->range[0]));
}

static void put_config(struct nl_msg *msg, const struct vs_args *args)
{
	/* nlmsg_alloc() has room for all of them. */
	if (args->given & ARG_NAME)
		nla_put_string(msg, VIRTSOCK_A_NAME, args->name);
	if (args->given & ARG_BACKLOG)
		nla_put_u32(msg, VIRTSOCK_A_BACKLOG, args->backlog);
	if (args->given & ARG_HOST_PORTS)
		nla_put(msg, VIRTSOCK_A_HOST_PORTS, ports_size(&args->host_ports),
			args->host_ports.range);
	if (args->given & ARG_GUEST_PORTS)
		nla_put(msg, VIRTSOCK_A_GUEST_PORTS, ports_size(&args->guest_ports),
			args->guest_ports.range);
	if (args->given & ARG_RATE)
		nla_put_u64(msg, VIRTSOCK_A_RATE, args->rate);
	if (args->given & ARG_CALLS)
		nla_put_u32(msg, VIRTSOCK_A_CALLS, args->calls);
}

/**
 * vs_vm_add() - bind a CID to a process
 * @nl: connected
 * @args: what the request says
 *
 * Waits for the end of a binding that is in the way, however long its VMM takes.
 *
 * Return: 0, or the exit code after it said what failed.
 */
int vs_vm_add(struct vs_netlink *nl, const struct vs_args *args)
{
	struct vs_refusal refusal;
	struct nl_msg *msg;

	do {
		msg = vs_request(nl, VIRTSOCK_CMD_VM_ADD, false);
		if (msg) {
			nla_put_u32(msg, VIRTSOCK_A_CID, args->cid);
			nla_put_u32(msg, VIRTSOCK_A_PID, args->pid);
			put_config(msg, args);
		}
		vs_transact(nl, msg, NULL, NULL, &refusal);
		/* The kernel has waited for a second, and lets others ask. */
	} while (refusal.err == EAGAIN);
	return refusal.err ? vs_refused(VIRTSOCK_CMD_VM_ADD, args, &refusal) :
			     VS_OK;
}

/**
 * vs_vm_del() - remove the binding of a CID
 * @nl: connected
 * @cid: of the VM
 * @refusal: filled in
 *
 * Waits until it is removed, however long its VMM takes.
 *
 * Return: 0, or an error that nobody was told of yet.
 */
int vs_vm_del(struct vs_netlink *nl, uint32_t cid, struct vs_refusal *refusal)
{
	bool began = false;
	struct nl_msg *msg;

	for (;; began = true) {
		msg = vs_request(nl, VIRTSOCK_CMD_VM_DEL, false);
		if (msg)
			nla_put_u32(msg, VIRTSOCK_A_CID, cid);
		vs_transact(nl, msg, NULL, NULL, refusal);
		/* The kernel has waited for a second, and lets others ask. */
		if (refusal->err != EAGAIN)
			break;
	}
	/* Removed, as it was asked to, between two requests */
	if (began && refusal->err == ENOENT)
		refusal->err = 0;
	return refusal->err;
}

static void collect(const struct vs_object *object, void *data)
{
	struct vs_vms *vms = data;
	struct vs_object *more;

	if (vms->failed || !object->has[VIRTSOCK_A_CID])
		return;
	if (vms->count == vms->room) {
		size_t room = vms->room ? 2 * vms->room : 16;

		more = realloc(vms->vm, room * sizeof(*more));
		if (!more) {
			vms->failed = true;
			return;
		}
		vms->vm = more;
		vms->room = room;
	}
	vms->vm[vms->count++] = *object;
}

static int by_cid(const void *a, const void *b)
{
	uint64_t x = ((const struct vs_object *)a)->number[VIRTSOCK_A_CID];
	uint64_t y = ((const struct vs_object *)b)->number[VIRTSOCK_A_CID];

	return x < y ? -1 : x > y;
}

/**
 * vs_vm_collect() - ask for the VMs
 * @nl: connected
 * @args: a CID if it is about one VM, which then has to exist
 * @vms: filled in, by CID; to be freed
 * @refusal: filled in
 *
 * Return: 0, or an error that nobody was told of yet.
 */
int vs_vm_collect(struct vs_netlink *nl, const struct vs_args *args,
		  struct vs_vms *vms, struct vs_refusal *refusal)
{
	bool one = args->given & ARG_CID;
	struct nl_msg *msg;
	int tries = 0;

	*vms = (struct vs_vms){ 0 };
	do {
		vms->count = 0;
		msg = vs_request(nl, VIRTSOCK_CMD_VM_GET, !one);
		if (msg && one)
			nla_put_u32(msg, VIRTSOCK_A_CID, args->cid);
		vs_transact(nl, msg, collect, vms, refusal);
	} while (refusal->err == EINTR && ++tries < DUMP_TRIES);
	if (!refusal->err && vms->failed)
		refusal->err = ENOMEM;
	if (vms->count)
		qsort(vms->vm, vms->count, sizeof(*vms->vm), by_cid);
	return refusal->err;
}

void vs_vms_free(struct vs_vms *vms)
{
	free(vms->vm);
	*vms = (struct vs_vms){ 0 };
}

static int add(int argc, char **argv)
{
	struct vs_netlink nl;
	struct vs_args args;
	int ret;

	ret = vs_parse_args(argc, argv,
			    ARG_CID | ARG_PID | ARG_CONFIG,
			    ARG_CID | ARG_PID, usage, &args);
	if (ret)
		return ret;
	ret = vs_check_process(args.pid);
	if (ret)
		return ret;
	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_VM_ADD);
	if (ret)
		return ret;
	ret = vs_vm_add(&nl, &args);
	vs_netlink_close(&nl);
	return ret;
}

static int del_all(struct vs_netlink *nl)
{
	struct vs_args args = { 0 };
	struct vs_refusal refusal;
	struct vs_vms vms;
	int ret = VS_OK;
	size_t i;

	if (vs_vm_collect(nl, &args, &vms, &refusal))
		ret = vs_refused(VIRTSOCK_CMD_VM_GET, &args, &refusal);
	for (i = 0; !ret && i < vms.count; i++) {
		args.given = ARG_CID;
		args.cid = vms.vm[i].number[VIRTSOCK_A_CID];
		/* A VM may end between being listed and being deleted. */
		if (vs_vm_del(nl, args.cid, &refusal) && refusal.err != ENOENT)
			ret = vs_refused(VIRTSOCK_CMD_VM_DEL, &args, &refusal);
	}
	vs_vms_free(&vms);
	return ret;
}

static int del(int argc, char **argv)
{
	struct vs_refusal refusal;
	struct vs_netlink nl;
	struct vs_args args;
	int ret;

	ret = vs_parse_args(argc, argv, ARG_CID | ARG_ALL, 0, usage, &args);
	if (ret)
		return ret;
	if (args.given != ARG_CID && args.given != ARG_ALL)
		return vs_usage(usage, "either 'cid CID' or 'all' is needed");
	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_VM_DEL);
	if (ret)
		return ret;
	if (args.given & ARG_ALL)
		ret = del_all(&nl);
	else if (vs_vm_del(&nl, args.cid, &refusal))
		ret = vs_refused(VIRTSOCK_CMD_VM_DEL, &args, &refusal);
	vs_netlink_close(&nl);
	return ret;
}

static int set(int argc, char **argv)
{
	struct vs_refusal refusal;
	struct vs_netlink nl;
	struct vs_args args;
	struct nl_msg *msg;
	int ret;

	ret = vs_parse_args(argc, argv, ARG_CID | ARG_CONFIG, ARG_CID, usage,
			    &args);
	if (ret)
		return ret;
	if (!(args.given & ARG_CONFIG))
		return vs_usage(usage, "set what: 'name', 'backlog', 'host-ports', 'guest-ports', 'rate' or 'calls'?");
	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_VM_SET);
	if (ret)
		return ret;
	msg = vs_request(&nl, VIRTSOCK_CMD_VM_SET, false);
	if (msg) {
		nla_put_u32(msg, VIRTSOCK_A_CID, args.cid);
		put_config(msg, &args);
	}
	vs_transact(&nl, msg, NULL, NULL, &refusal);
	if (refusal.err)
		ret = vs_refused(VIRTSOCK_CMD_VM_SET, &args, &refusal);
	vs_netlink_close(&nl);
	return ret;
}

static void print(const struct vs_vms *vms)
{
	struct vs_json json;
	size_t i;

	if (!options.json) {
		for (i = 0; i < vms->count; i++)
			vs_print_vm(&vms->vm[i], options.stats);
		return;
	}
	vs_json_begin(&json, stdout, options.pretty);
	vs_json_open(&json, '[');
	for (i = 0; i < vms->count; i++)
		vs_json_vm(&json, &vms->vm[i], options.stats);
	vs_json_close(&json, ']');
	vs_json_end(&json);
}

static int show(int argc, char **argv)
{
	struct vs_refusal refusal;
	struct vs_netlink nl;
	struct vs_args args;
	struct vs_vms vms;
	int ret;

	ret = vs_parse_args(argc, argv, ARG_CID, 0, usage, &args);
	if (ret)
		return ret;
	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_VM_GET);
	if (ret)
		return ret;
	if (vs_vm_collect(&nl, &args, &vms, &refusal))
		ret = vs_refused(VIRTSOCK_CMD_VM_GET, &args, &refusal);
	else
		print(&vms);
	vs_vms_free(&vms);
	vs_netlink_close(&nl);
	return ret;
}

static const struct vs_word commands[] = {
	{ "add",	add },
	{ "set",	set },
	{ "del",	del },
	{ "delete",	del },
	{ "show",	show },
	{ "list",	show },
	{ NULL,		NULL }
};

int vs_vm(int argc, char **argv)
{
	if (!argc)
		return show(argc, argv);
	return vs_dispatch(commands, "command", usage, argc, argv);
}
