// SPDX-License-Identifier: GPL-2.0-only
/* Requests to the kernel and its answers, by generic netlink */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include <netlink/genl/ctrl.h>
#include "virtsock.h"

/**
 * vs_netlink_open() - connect to the kernel's family
 * @nl: filled in; closed again on failure
 * @cmd: what will be asked, for the message if nobody answers
 *
 * Return: 0, or the exit code after it said what failed.
 */
int vs_netlink_open(struct vs_netlink *nl, unsigned int cmd)
{
	int on = 1, err, fd;

	nl->sock = nl_socket_alloc();
	if (!nl->sock) {
		vs_error("out of memory");
		return VS_FAILED;
	}
	err = genl_connect(nl->sock);
	if (err < 0) {
		vs_error("cannot open a generic netlink socket: %s",
			 nl_geterror(err));
		goto close;
	}
	/* More than a number in case of an error. Older kernels have it not. */
	fd = nl_socket_get_fd(nl->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));

	nl->family = genl_ctrl_resolve(nl->sock, VIRTSOCK_GENL_NAME);
	if (nl->family >= 0)
		return VS_OK;
	if (nl->family == -NLE_OBJ_NOTFOUND) {
		vs_netlink_close(nl);
		return vs_no_module(cmd);
	}
	vs_error("cannot find the netlink family '%s': %s", VIRTSOCK_GENL_NAME,
		 nl_geterror(nl->family));
close:
	vs_netlink_close(nl);
	return VS_FAILED;
}

void vs_netlink_close(struct vs_netlink *nl)
{
	nl_socket_free(nl->sock);
	nl->sock = NULL;
}

/**
 * vs_request() - begin a request
 * @nl: connected
 * @cmd: enum virtsock_cmd
 * @dump: of all objects
 *
 * Return: the message for vs_transact(); NULL when out of memory.
 */
struct nl_msg *vs_request(const struct vs_netlink *nl, unsigned int cmd,
			  bool dump)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				dump ? NLM_F_DUMP : 0, cmd,
				VIRTSOCK_GENL_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

struct exchange {
	const struct nlmsghdr *request;
	vs_reply_fn reply;
	void *data;
	struct vs_refusal *refusal;
	bool done;
};

/* The attribute at an offset of the request */
static unsigned int attr_at(const struct nlmsghdr *request, uint32_t offset)
{
	const struct nlattr *attr;

	if (offset < NLMSG_HDRLEN ||
	    offset + sizeof(*attr) > request->nlmsg_len)
		return 0;
	attr = (const void *)((const char *)request + offset);
	return nla_type(attr);
}

/* What stands behind the first @skip bytes of an error's payload */
static void parse_extack(const struct nlmsghdr *nlh, int skip,
			 struct exchange *x)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	int len = nlmsg_datalen(nlh) - skip;
	const char *data = nlmsg_data(nlh);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || len <= 0)
		return;
	if (nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)(data + skip),
		      len, NULL) < 0)
		return;
	if (tb[NLMSGERR_ATTR_MSG])
		nla_strlcpy(x->refusal->text, tb[NLMSGERR_ATTR_MSG],
			    sizeof(x->refusal->text));
	if (tb[NLMSGERR_ATTR_OFFS] && nla_len(tb[NLMSGERR_ATTR_OFFS]) == 4)
		x->refusal->attr =
			attr_at(x->request, nla_get_u32(tb[NLMSGERR_ATTR_OFFS]));
}

static void parse_error(const struct nlmsghdr *nlh, struct exchange *x)
{
	const struct nlmsgerr *e = nlmsg_data(nlh);
	int skip = sizeof(*e);

	/* The request is sent back, its payload only if it is not capped. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) &&
	    e->msg.nlmsg_len >= NLMSG_HDRLEN &&
	    e->msg.nlmsg_len <= (uint32_t)nlmsg_datalen(nlh))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	parse_extack(nlh, skip, x);
	x->refusal->err = -e->error;
	x->done = true;
}

static int on_valid(struct nl_msg *msg, void *data)
{
	struct exchange *x = data;
	struct vs_object object;

	if (x->reply && !vs_object_parse(msg, &object))
		x->reply(&object, x->data);
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *data)
{
	parse_error(nlmsg_hdr(msg), data);
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *e, void *data)
{
	(void)who;
	parse_error((const void *)((const char *)e - NLMSG_HDRLEN), data);
	return NL_STOP;
}

/* The end of a dump; it says whether it is the end of all, or an error */
static int on_finish(struct nl_msg *msg, void *data)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct exchange *x = data;
	int err;

	x->done = true;
	if (nlmsg_datalen(nlh) >= (int)sizeof(err)) {
		memcpy(&err, nlmsg_data(nlh), sizeof(err));
		if (err < 0)
			x->refusal->err = -err;
		parse_extack(nlh, sizeof(err), x);
	}
	return NL_STOP;
}

/* libnl's own errors, where they are not from the kernel */
static void failed(struct vs_refusal *refusal, int err)
{
	refusal->err = err == -NLE_NOMEM ? ENOMEM :
		       err == -NLE_DUMP_INTR ? EINTR : EIO;
	snprintf(refusal->text, sizeof(refusal->text), "%s", nl_geterror(err));
}

/**
 * vs_transact() - send a request and take in the whole answer
 * @nl: connected
 * @msg: from vs_request(), freed here; NULL: out of memory
 * @reply: called for every object of the answer, or NULL
 * @data: for @reply
 * @refusal: filled in; its err is 0 if the kernel did as it was told, EINTR if
 *	     what it dumped changed meanwhile
 */
void vs_transact(struct vs_netlink *nl, struct nl_msg *msg,
		 vs_reply_fn reply, void *data, struct vs_refusal *refusal)
{
	struct exchange x = {
		.reply = reply, .data = data, .refusal = refusal,
	};
	struct nl_cb *cb;
	int err;

	memset(refusal, 0, sizeof(*refusal));
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!msg || !cb) {
		refusal->err = ENOMEM;
		goto out;
	}
	x.request = nlmsg_hdr(msg);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &x);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &x);

	err = nl_send_auto(nl->sock, msg);
	while (err >= 0 && !x.done)
		err = nl_recvmsgs(nl->sock, cb);
	if (err < 0 && !refusal->err)
		failed(refusal, err);
	else if (!refusal->err && refusal->text[0])
		vs_error("warning from the kernel: %s", refusal->text);
out:
	nl_cb_put(cb);
	nlmsg_free(msg);
}
