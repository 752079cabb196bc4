// SPDX-License-Identifier: GPL-2.0-only
/* virtsock stats: the counters of whatever is on this machine */
#include <errno.h>
#include "virtsock.h"

static const char usage[] =
"Usage: virtsock [ -j ] [ -p ] stats [ cid CID ]\n";

struct all {
	struct vs_vms vms;
	struct vs_object link;
	bool is_host;
	bool is_guest;
};

static void print(const struct all *all)
{
	size_t i;

	for (i = 0; i < all->vms.count; i++)
		vs_print_vm(&all->vms.vm[i], true);
	if (all->is_guest)
		vs_print_link(&all->link, true);
}

static void print_json(const struct all *all)
{
	struct vs_json json;
	size_t i;

	vs_json_begin(&json, stdout, options.pretty);
	vs_json_open(&json, '{');
	vs_json_key(&json, "vms");
	vs_json_open(&json, '[');
	for (i = 0; i < all->vms.count; i++)
		vs_json_vm(&json, &all->vms.vm[i], true);
	vs_json_close(&json, ']');
	vs_json_key(&json, "link");
	if (all->is_guest)
		vs_json_link(&json, &all->link, true);
	else
		vs_json_null(&json);
	vs_json_close(&json, '}');
	vs_json_end(&json);
}

/* A part that is not loaded is no error, unless it was asked for. */
static int collect(struct vs_netlink *nl, const struct vs_args *args,
		   struct all *all)
{
	bool one = args->given & ARG_CID;
	struct vs_refusal refusal;
	int err;

	err = vs_vm_collect(nl, args, &all->vms, &refusal);
	if (err && (one || err != EOPNOTSUPP))
		return vs_refused(VIRTSOCK_CMD_VM_GET, args, &refusal);
	all->is_host = !err;
	if (one)
		return VS_OK;
	err = vs_link_collect(nl, &all->link, &refusal);
	if (err && err != EOPNOTSUPP)
		return vs_refused(VIRTSOCK_CMD_LINK_GET, args, &refusal);
	all->is_guest = !err;
	if (!all->is_host && !all->is_guest)
		return vs_no_module(VIRTSOCK_CMD_UNSPEC);
	return VS_OK;
}

int vs_stats(int argc, char **argv)
{
	struct all all = { .is_host = false };
	struct vs_netlink nl;
	struct vs_args args;
	int ret;

	if (argc && vs_is_prefix(argv[0], "show")) {
		argc--;
		argv++;
	}
	ret = vs_parse_args(argc, argv, ARG_CID, 0, usage, &args);
	if (ret)
		return ret;
	ret = vs_netlink_open(&nl, args.given & ARG_CID ?
				   VIRTSOCK_CMD_VM_GET : VIRTSOCK_CMD_UNSPEC);
	if (ret)
		return ret;
	ret = collect(&nl, &args, &all);
	if (!ret && options.json)
		print_json(&all);
	else if (!ret)
		print(&all);
	vs_vms_free(&all.vms);
	vs_netlink_close(&nl);
	return ret;
}
