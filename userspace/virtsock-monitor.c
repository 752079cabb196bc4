// SPDX-License-Identifier: GPL-2.0-only
/* virtsock monitor: what happens to VMs and to the link, as it happens */
#define _GNU_SOURCE		/* ppoll */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <linux/genetlink.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include <netlink/genl/ctrl.h>
#include "virtsock.h"

static const char usage[] =
"Usage: virtsock [ -j ] monitor\n";

#define BUFFER_SIZE (1024 * 1024)	/* for a burst of events */

struct monitor {
	struct vs_netlink nl;
	bool gone;			/* the kernel's family is unregistered */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* ISO 8601, with microseconds and the distance from UTC */
static void print_time(FILE *out)
{
	char date[32], zone[8];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!localtime_r(&now.tv_sec, &tm))
		memset(&tm, 0, sizeof(tm));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	fprintf(out, "%s.%06ld%.3s:%s", date, now.tv_nsec / 1000, zone,
		zone + 3);
}

/* What an administrator does about a VM without a CID */
static void put_hint(char *buf, size_t size, uint64_t pid)
{
	snprintf(buf, size, "virtsock vm add pid %" PRIu64 " cid CID", pid);
}

/* What an administrator does about a VM that cannot have a link */
static void print_reason(const struct vs_object *event)
{
	uint64_t reason = event->number[VIRTSOCK_A_REASON];
	const char *words = vs_reason_words(reason);

	if (words)
		printf(" reason %s: %s", vs_reason_name(reason), words);
	else if (reason)
		printf(" reason %" PRIu64, reason);
}

static void print_text(const struct vs_object *event, const char *name)
{
	uint64_t pid = event->number[VIRTSOCK_A_PID];
	char hint[64];

	print_time(stdout);
	printf(" %s", name);
	if (event->has[VIRTSOCK_A_CID])
		printf(" cid %" PRIu64, event->number[VIRTSOCK_A_CID]);
	if (event->has[VIRTSOCK_A_PID])
		printf(" pid %" PRIu64, pid);
	if (event->name[0]) {
		fputs(" name ", stdout);
		vs_print_word(stdout, event->name);
	}
	if (event->comm[0]) {
		fputs(" comm ", stdout);
		vs_print_word(stdout, event->comm);
	}
	if (event->number[VIRTSOCK_A_EVENT] == VIRTSOCK_EVENT_UNBOUND && pid) {
		put_hint(hint, sizeof(hint), pid);
		printf(": it has no CID, '%s' gives it one", hint);
	}
	print_reason(event);
	putchar('\n');
}

static void json_time(struct vs_json *json)
{
	char time[64] = "";
	FILE *f = fmemopen(time, sizeof(time), "w");

	if (f) {
		print_time(f);
		fclose(f);
	}
	vs_json_key(json, "time");
	vs_json_string(json, time);
}

/* On one line even with -p: a reader takes them line by line. */
static void print_json(const struct vs_object *event, const char *name)
{
	uint64_t pid = event->number[VIRTSOCK_A_PID];
	struct vs_json json;
	char hint[64];

	vs_json_begin(&json, stdout, false);
	vs_json_open(&json, '{');
	json_time(&json);
	vs_json_key(&json, "event");
	vs_json_string(&json, name);
	if (event->has[VIRTSOCK_A_CID]) {
		vs_json_key(&json, "cid");
		vs_json_number(&json, event->number[VIRTSOCK_A_CID]);
	}
	if (event->has[VIRTSOCK_A_PID]) {
		vs_json_key(&json, "pid");
		vs_json_number(&json, pid);
	}
	if (event->has[VIRTSOCK_A_NAME]) {
		vs_json_key(&json, "name");
		vs_json_string(&json, event->name);
	}
	if (event->has[VIRTSOCK_A_COMM]) {
		vs_json_key(&json, "comm");
		vs_json_string(&json, event->comm);
	}
	if (event->number[VIRTSOCK_A_EVENT] == VIRTSOCK_EVENT_UNBOUND && pid) {
		put_hint(hint, sizeof(hint), pid);
		vs_json_key(&json, "hint");
		vs_json_string(&json, hint);
	}
	vs_json_reason(&json, event);
	vs_json_close(&json, '}');
	vs_json_end(&json);
}

static void print(const struct vs_object *event, const char *name)
{
	if (options.json)
		print_json(event, name);
	else
		print_text(event, name);
}

/* Our own: the kernel had events, this command was too slow for them. */
static void print_lost(void)
{
	static const struct vs_object nothing;

	print(&nothing, "lost");
	vs_error("events were lost; 'virtsock vm show' tells how it is now");
}

static void print_event(const struct vs_object *event)
{
	uint64_t number = event->number[VIRTSOCK_A_EVENT];
	const char *name = vs_event_name(number);
	char unknown[32];

	if (!name) {
		snprintf(unknown, sizeof(unknown), "event-%" PRIu64, number);
		name = unknown;
	}
	print(event, name);
}

/* Of the controller, which tells of families that come and go */
static bool is_our_end(struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = genlmsg_hdr(nlh);
	struct nlattr *name;

	if (genl->cmd != CTRL_CMD_DELFAMILY)
		return false;
	name = nla_find(genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0),
			CTRL_ATTR_FAMILY_NAME);
	return name && !nla_strcmp(name, VIRTSOCK_GENL_NAME);
}

static int on_message(struct nl_msg *msg, void *data)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct monitor *monitor = data;
	struct vs_object event;

	if (nlmsg_get_src(msg)->nl_pid || !genlmsg_valid_hdr(nlh, 0))
		return NL_OK;		/* not from the kernel */
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		monitor->gone |= is_our_end(nlh);
	else if (nlh->nlmsg_type == monitor->nl.family &&
		 genlmsg_hdr(nlh)->cmd == VIRTSOCK_CMD_EVENT &&
		 !vs_object_parse(msg, &event))
		print_event(&event);
	return NL_OK;
}

/* To the events, and first to the end of the family that sends them */
static int join(struct monitor *monitor)
{
	const struct vs_args args = { 0 };
	struct nl_sock *sock = monitor->nl.sock;
	struct vs_refusal refusal = { 0 };
	int control, events, err;

	control = genl_ctrl_resolve_grp(sock, "nlctrl", "notify");
	events = genl_ctrl_resolve_grp(sock, VIRTSOCK_GENL_NAME,
				       VIRTSOCK_GENL_MCGRP);
	err = control < 0 ? control : events;
	if (err >= 0) {
		nl_socket_disable_seq_check(sock);
		nl_socket_set_buffer_size(sock, BUFFER_SIZE, 0);
		err = nl_socket_add_membership(sock, control);
	}
	if (err >= 0)
		err = nl_socket_add_membership(sock, events);
	if (err >= 0)
		err = nl_socket_set_nonblocking(sock);
	if (err >= 0)
		return VS_OK;
	if (err == -NLE_PERM) {
		refusal.err = EPERM;
		return vs_refused(VIRTSOCK_CMD_EVENT, &args, &refusal);
	}
	vs_error("cannot listen to events: %s", nl_geterror(err));
	return VS_FAILED;
}

static int listen_until_signal(struct monitor *monitor)
{
	struct pollfd pollfd = {
		.fd = nl_socket_get_fd(monitor->nl.sock), .events = POLLIN,
	};
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked, open;
	int err;

	/* Signals are taken while waiting only, so that none is missed. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	sigdelset(&open, SIGINT);
	sigdelset(&open, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	while (!interrupted && !monitor->gone && !ferror(stdout)) {
		if (ppoll(&pollfd, 1, NULL, &open) < 0) {
			if (errno == EINTR)
				continue;
			vs_error("cannot wait for events: %m");
			return VS_FAILED;
		}
		err = nl_recvmsgs_default(monitor->nl.sock);
		if (err == -NLE_NOMEM) {
			print_lost();
		} else if (err < 0 && err != -NLE_AGAIN) {
			vs_error("cannot receive events: %s", nl_geterror(err));
			return VS_FAILED;
		}
	}
	if (!monitor->gone)
		return VS_OK;
	vs_error("the virtsock modules were unloaded");
	return VS_NO_MODULE;
}

int vs_monitor(int argc, char **argv)
{
	struct monitor monitor = { .gone = false };
	int ret;

	ret = vs_parse_none(argc, argv, usage);
	if (ret)
		return ret;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ret = vs_netlink_open(&monitor.nl, VIRTSOCK_CMD_EVENT);
	if (ret)
		return ret;
	ret = join(&monitor);
	nl_socket_modify_cb(monitor.nl.sock, NL_CB_VALID, NL_CB_CUSTOM,
			    on_message, &monitor);
	if (!ret)
		ret = listen_until_signal(&monitor);
	vs_netlink_close(&monitor.nl);
	return ret;
}
