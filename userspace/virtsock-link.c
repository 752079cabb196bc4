// SPDX-License-Identifier: GPL-2.0-only
/* virtsock link: this guest's link to its host */
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include "virtsock.h"

static const char usage[] =
"Usage: virtsock [ -j ] [ -p ] [ -s ] link [ show ]\n"
"       virtsock link { up | down }\n";

static void take(const struct vs_object *object, void *data)
{
	*(struct vs_object *)data = *object;
}

/**
 * vs_link_collect() - ask for the link
 * @nl: connected
 * @link: filled in
 * @refusal: filled in
 *
 * Return: 0, or an error that nobody was told of yet.
 */
int vs_link_collect(struct vs_netlink *nl, struct vs_object *link,
		    struct vs_refusal *refusal)
{
	*link = (struct vs_object){ 0 };
	vs_transact(nl, vs_request(nl, VIRTSOCK_CMD_LINK_GET, false), take,
		    link, refusal);
	return refusal->err;
}

static int show(int argc, char **argv)
{
	const struct vs_args args = { 0 };
	struct vs_refusal refusal;
	struct vs_netlink nl;
	struct vs_object link;
	struct vs_json json;
	int ret;

	ret = vs_parse_none(argc, argv, usage);
	if (ret)
		return ret;
	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_LINK_GET);
	if (ret)
		return ret;
	if (vs_link_collect(&nl, &link, &refusal)) {
		ret = vs_refused(VIRTSOCK_CMD_LINK_GET, &args, &refusal);
	} else if (options.json) {
		vs_json_begin(&json, stdout, options.pretty);
		vs_json_open(&json, '[');
		vs_json_link(&json, &link, options.stats);
		vs_json_close(&json, ']');
		vs_json_end(&json);
	} else {
		vs_print_link(&link, options.stats);
	}
	vs_netlink_close(&nl);
	return ret;
}

static int set(int argc, char **argv, bool want)
{
	const struct vs_args args = { 0 };
	struct vs_refusal refusal;
	struct vs_netlink nl;
	struct nl_msg *msg;
	int ret;

	ret = vs_parse_none(argc, argv, usage);
	if (ret)
		return ret;
	ret = vs_netlink_open(&nl, VIRTSOCK_CMD_LINK_SET);
	if (ret)
		return ret;
	msg = vs_request(&nl, VIRTSOCK_CMD_LINK_SET, false);
	if (msg)
		nla_put_u8(msg, VIRTSOCK_A_ADMIN_UP, want);
	vs_transact(&nl, msg, NULL, NULL, &refusal);
	if (refusal.err)
		ret = vs_refused(VIRTSOCK_CMD_LINK_SET, &args, &refusal);
	vs_netlink_close(&nl);
	return ret;
}

static int up(int argc, char **argv)
{
	return set(argc, argv, true);
}

static int down(int argc, char **argv)
{
	return set(argc, argv, false);
}

static const struct vs_word commands[] = {
	{ "show",	show },
	{ "list",	show },
	{ "up",		up },
	{ "down",	down },
	{ NULL,		NULL }
};

int vs_link(int argc, char **argv)
{
	if (!argc)
		return show(argc, argv);
	return vs_dispatch(commands, "command", usage, argc, argv);
}
