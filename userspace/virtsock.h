/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the virtsock command share */
#ifndef VIRTSOCK_COMMAND_H
#define VIRTSOCK_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/virtsock.h>

struct nl_msg;

/* Exit codes; virtsock(8) promises them. */
enum vs_exit {
	VS_HELPED	= -1,	/* help was shown, nothing else is to be done */
	VS_OK		= 0,
	VS_FAILED	= 1,	/* any other error */
	VS_USAGE	= 2,
	VS_NO_MODULE	= 3,
	VS_NO_PERMISSION = 4,
	VS_ABSENT	= 5,	/* no such process, no such VM */
	VS_IN_USE	= 6,	/* the CID, or the VM has another one */
	VS_BAD_CID	= 7,	/* reserved or not a CID */
	VS_NOT_A_VM	= 8,
	VS_CANNOT_EXEC	= 126,	/* run: as a shell has it */
	VS_NOT_FOUND	= 127
};

struct vs_options {
	bool json;
	bool pretty;
	bool stats;
};

extern struct vs_options options;

/* virtsock-args.c: words of the command line */

#define ARG_CID		(1U << 0)
#define ARG_PID		(1U << 1)
#define ARG_NAME	(1U << 2)
#define ARG_BACKLOG	(1U << 3)
#define ARG_HOST_PORTS	(1U << 4)
#define ARG_GUEST_PORTS	(1U << 5)
#define ARG_RATE	(1U << 6)
#define ARG_CALLS	(1U << 7)
#define ARG_ALL		(1U << 8)	/* the only one without a value */

/* What an administrator may say of a VM */
#define ARG_CONFIG	(ARG_NAME | ARG_BACKLOG | ARG_HOST_PORTS | \
			 ARG_GUEST_PORTS | ARG_RATE | ARG_CALLS)

#define VS_NAME_MAX	63U		/* bytes; the kernel's policy has it too */

#define VS_RANGES_MAX	16U		/* VIRTSOCK_PORT_RANGES_MAX */

struct vs_ports {
	unsigned int count;
	struct virtsock_port_range range[VS_RANGES_MAX];
};

struct vs_args {
	unsigned int given;		/* ARG_* */
	uint32_t cid;
	uint32_t pid;
	uint32_t backlog;
	struct vs_ports host_ports;
	struct vs_ports guest_ports;
	uint64_t rate;
	uint32_t calls;
	const char *name;
};

/* A word and what it stands for; a table ends with a word of NULL. */
struct vs_word {
	const char *word;
	int (*run)(int argc, char **argv);
};

int vs_dispatch(const struct vs_word *table, const char *what,
		const char *usage, int argc, char **argv);
int vs_parse_args(int argc, char **argv, unsigned int allowed,
		  unsigned int required, const char *usage,
		  struct vs_args *args);
int vs_parse_none(int argc, char **argv, const char *usage);
bool vs_parse_decimal(const char *s, uint64_t *value, const char **end);
bool vs_is_prefix(const char *abbreviation, const char *word);
bool vs_is_help(const char *word);

/* virtsock-error.c: what went wrong, in words */

/* How the kernel refused a request */
struct vs_refusal {
	int err;			/* errno, positive; 0: it did not */
	unsigned int attr;		/* the attribute it objects to, or 0 */
	char text[256];			/* in its own words, may be empty */
};

void vs_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int vs_usage(const char *usage, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int vs_help(const char *usage);
int vs_no_module(unsigned int cmd);
int vs_refused(unsigned int cmd, const struct vs_args *args,
	       const struct vs_refusal *refusal);

/* virtsock-object.c: what a message from the kernel says */

struct vs_stats {
	bool has[VIRTSOCK_STATS_A_MAX + 1];
	uint64_t value[VIRTSOCK_STATS_A_MAX + 1];
};

/* A VM, the link or an event. What has[] does not name is 0 or empty. */
struct vs_object {
	bool has[VIRTSOCK_A_MAX + 1];
	uint64_t number[VIRTSOCK_A_MAX + 1];
	char name[256];
	char comm[64];
	char policy[64];
	struct vs_ports host_ports;
	struct vs_ports guest_ports;
	struct vs_stats stats;
};

int vs_object_parse(struct nl_msg *msg, struct vs_object *object);
const char *vs_state_name(uint64_t state);
const char *vs_event_name(uint64_t event);
const char *vs_reason_name(uint64_t reason);
const char *vs_reason_words(uint64_t reason);

/* virtsock-netlink.c: the socket */

struct vs_netlink {
	struct nl_sock *sock;
	int family;
};

typedef void (*vs_reply_fn)(const struct vs_object *object, void *data);

int vs_netlink_open(struct vs_netlink *nl, unsigned int cmd);
void vs_netlink_close(struct vs_netlink *nl);
struct nl_msg *vs_request(const struct vs_netlink *nl, unsigned int cmd,
			  bool dump);
void vs_transact(struct vs_netlink *nl, struct nl_msg *msg,
		 vs_reply_fn reply, void *data, struct vs_refusal *refusal);

/* virtsock-json.c: a writer */

struct vs_json {
	FILE *out;
	bool pretty;
	int depth;
	bool first;			/* of its object or array */
	bool after_key;
};

void vs_json_begin(struct vs_json *json, FILE *out, bool pretty);
void vs_json_end(struct vs_json *json);
void vs_json_open(struct vs_json *json, char bracket);
void vs_json_close(struct vs_json *json, char bracket);
void vs_json_key(struct vs_json *json, const char *key);
void vs_json_string(struct vs_json *json, const char *value);
void vs_json_number(struct vs_json *json, uint64_t value);
void vs_json_ratio(struct vs_json *json, uint64_t part, uint64_t whole);
void vs_json_bool(struct vs_json *json, bool value);
void vs_json_null(struct vs_json *json);

/* virtsock-ports.c: lists of ports */

int vs_ports_parse(const char *s, const char *usage, struct vs_ports *ports);
bool vs_ports_read(const void *data, size_t len, struct vs_ports *ports);
bool vs_ports_are_all(const struct vs_ports *ports);
void vs_ports_print(FILE *out, const struct vs_ports *ports);
void vs_ports_json(struct vs_json *json, const struct vs_ports *ports);

/* virtsock-text.c: text from elsewhere, safe to print */

size_t vs_utf8_length(const char *s);
bool vs_utf8_is_text(const char *s);
bool vs_is_printable(const char *s);
void vs_print_word(FILE *out, const char *s);

/* virtsock-show.c: objects for people and for programs */

void vs_print_vm(const struct vs_object *vm, bool stats);
void vs_print_link(const struct vs_object *link, bool stats);
void vs_json_reason(struct vs_json *json, const struct vs_object *object);
void vs_json_vm(struct vs_json *json, const struct vs_object *vm, bool stats);
void vs_json_link(struct vs_json *json, const struct vs_object *link,
		  bool stats);

/* virtsock-vm.c, used by others too */

struct vs_vms {
	struct vs_object *vm;
	size_t count;
	size_t room;
	bool failed;			/* out of memory */
};

int vs_vm_add(struct vs_netlink *nl, const struct vs_args *args);
int vs_vm_del(struct vs_netlink *nl, uint32_t cid, struct vs_refusal *refusal);
int vs_vm_collect(struct vs_netlink *nl, const struct vs_args *args,
		  struct vs_vms *vms, struct vs_refusal *refusal);
void vs_vms_free(struct vs_vms *vms);

/* virtsock-link.c, used by others too */

int vs_link_collect(struct vs_netlink *nl, struct vs_object *link,
		    struct vs_refusal *refusal);

/* virtsock-proc.c */

int vs_check_process(uint32_t pid);

/* The objects of the command line */

int vs_vm(int argc, char **argv);
int vs_link(int argc, char **argv);
int vs_run(int argc, char **argv);
int vs_stats(int argc, char **argv);
int vs_monitor(int argc, char **argv);

#endif
