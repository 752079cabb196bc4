// SPDX-License-Identifier: GPL-2.0-only
/* What a message from the kernel says: attributes, and names for their values */
#include <string.h>
#include <linux/kvm_para.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include "virtsock.h"

/* The guest's module has this for answers that are not virtsock's. */
#define REASON_STRANGE 1

/* Of whatever width: another kernel may have chosen another one. */
static bool get_number(const struct nlattr *attr, uint64_t *value)
{
	const void *data = nla_data(attr);
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;

	switch (nla_len(attr)) {
	case sizeof(v8):
		memcpy(&v8, data, sizeof(v8));
		*value = v8;
		return true;
	case sizeof(v16):
		memcpy(&v16, data, sizeof(v16));
		*value = v16;
		return true;
	case sizeof(v32):
		memcpy(&v32, data, sizeof(v32));
		*value = v32;
		return true;
	case sizeof(*value):
		memcpy(value, data, sizeof(*value));
		return true;
	default:
		return false;
	}
}

static void parse_stats(struct nlattr *nest, struct vs_stats *stats)
{
	struct nlattr *tb[VIRTSOCK_STATS_A_MAX + 1];
	int i;

	if (nla_parse_nested(tb, VIRTSOCK_STATS_A_MAX, nest, NULL) < 0)
		return;
	for (i = VIRTSOCK_STATS_A_TX_BYTES; i <= VIRTSOCK_STATS_A_MAX; i++)
		if (tb[i])
			stats->has[i] = get_number(tb[i], &stats->value[i]);
}

/**
 * vs_object_parse() - read a message
 * @msg: of our family
 * @object: filled in with what is there and known
 *
 * Return: 0, or -1 if it is no generic netlink message.
 */
int vs_object_parse(struct nl_msg *msg, struct vs_object *object)
{
	struct nlattr *tb[VIRTSOCK_A_MAX + 1];
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct genlmsghdr *genl;
	int i;

	memset(object, 0, sizeof(*object));
	if (!genlmsg_valid_hdr(nlh, 0))
		return -1;
	genl = genlmsg_hdr(nlh);
	if (nla_parse(tb, VIRTSOCK_A_MAX, genlmsg_attrdata(genl, 0),
		      genlmsg_attrlen(genl, 0), NULL) < 0)
		return -1;
	for (i = VIRTSOCK_A_CID; i <= VIRTSOCK_A_MAX; i++) {
		if (!tb[i])
			continue;
		object->has[i] = true;
		switch (i) {
		case VIRTSOCK_A_NAME:
			nla_strlcpy(object->name, tb[i], sizeof(object->name));
			break;
		case VIRTSOCK_A_COMM:
			nla_strlcpy(object->comm, tb[i], sizeof(object->comm));
			break;
		case VIRTSOCK_A_POLICY:
			nla_strlcpy(object->policy, tb[i],
				    sizeof(object->policy));
			break;
		case VIRTSOCK_A_HOST_PORTS:
			object->has[i] = vs_ports_read(nla_data(tb[i]), nla_len(tb[i]),
						       &object->host_ports);
			break;
		case VIRTSOCK_A_GUEST_PORTS:
			object->has[i] = vs_ports_read(nla_data(tb[i]), nla_len(tb[i]),
						       &object->guest_ports);
			break;
		case VIRTSOCK_A_STATS:
			parse_stats(tb[i], &object->stats);
			break;
		default:
			object->has[i] = get_number(tb[i], &object->number[i]);
			break;
		}
	}
	return 0;
}

/**
 * vs_state_name() - a name for enum virtsock_state
 *
 * Return: the name; NULL if this command does not know it.
 */
const char *vs_state_name(uint64_t state)
{
	switch (state) {
	case VIRTSOCK_STATE_DOWN:
		return "down";
	case VIRTSOCK_STATE_HELLO:
		return "hello";
	case VIRTSOCK_STATE_UP:
		return "up";
	case VIRTSOCK_STATE_ENDING:
		return "ending";
	default:
		return NULL;
	}
}

/**
 * vs_event_name() - a name for enum virtsock_event
 *
 * Return: the name; NULL if this command does not know it.
 */
const char *vs_event_name(uint64_t event)
{
	switch (event) {
	case VIRTSOCK_EVENT_VM_ADD:
		return "vm-add";
	case VIRTSOCK_EVENT_VM_DEL:
		return "vm-del";
	case VIRTSOCK_EVENT_VM_EXIT:
		return "vm-exit";
	case VIRTSOCK_EVENT_LINK_UP:
		return "link-up";
	case VIRTSOCK_EVENT_LINK_DOWN:
		return "link-down";
	case VIRTSOCK_EVENT_UNBOUND:
		return "unbound";
	case VIRTSOCK_EVENT_REFUSED:
		return "refused";
	default:
		return NULL;
	}
}

static const struct {
	uint32_t reason;
	const char *name;
	const char *words;
} reasons[] = {
	{ REASON_STRANGE, "strange",
	  "the host does not answer as virtsock does" },
	{ KVM_ENOSYS, "no-host",
	  "the host does not have virtsock_host loaded" },
	{ VIRTSOCK_EUNBOUND, "unbound",
	  "this VM has no CID; on the host, 'virtsock vm add' gives it one" },
	{ VIRTSOCK_EVERSION, "version",
	  "host and guest speak different versions; update the older side" },
	{ VIRTSOCK_ESTALE, "stale",
	  "the host has ended the link" },
	{ VIRTSOCK_EAGAIN, "again",
	  "the host is still ending an earlier link" },
	{ VIRTSOCK_EINVAL, "invalid",
	  "the host refused an argument" },
	{ VIRTSOCK_EFAULT, "fault",
	  "the host refused an address" },
	{ VIRTSOCK_EPROTO, "protocol",
	  "the host found the ring malformed" },
	{ VIRTSOCK_ENOMEM, "no-memory",
	  "the host is out of memory" },
	{ VIRTSOCK_ENOAPIC, "no-apic",
	  "this VM has no in-kernel local APIC; start it without kernel_irqchip=off" },
	{ VIRTSOCK_EHYPERV, "hyperv",
	  "Hyper-V or Xen takes all hypercalls; start it without hv-* or xen-version" },
	{ VIRTSOCK_EDOWN, "down",
	  "the host's administrator took the link down" },
};

/**
 * vs_reason_name() - a name for enum virtsock_hc_error
 *
 * Return: the name; NULL if this command does not know it.
 */
const char *vs_reason_name(uint64_t reason)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].reason == reason)
			return reasons[i].name;
	return NULL;
}

/**
 * vs_reason_words() - what it means and what to do
 *
 * Return: the words; NULL if this command does not know the reason.
 */
const char *vs_reason_words(uint64_t reason)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].reason == reason)
			return reasons[i].words;
	return NULL;
}
