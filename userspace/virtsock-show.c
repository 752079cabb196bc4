// SPDX-License-Identifier: GPL-2.0-only
/* Objects as text for people and as JSON for programs */
#include <inttypes.h>
#include <string.h>
#include "virtsock.h"

static const struct {
	int attr;
	const char *key;
} counters[] = {
	{ VIRTSOCK_STATS_A_TX_BYTES,		"tx_bytes" },
	{ VIRTSOCK_STATS_A_TX_MESSAGES,		"tx_messages" },
	{ VIRTSOCK_STATS_A_TX_RECORDS,		"tx_records" },
	{ VIRTSOCK_STATS_A_RX_BYTES,		"rx_bytes" },
	{ VIRTSOCK_STATS_A_RX_MESSAGES,		"rx_messages" },
	{ VIRTSOCK_STATS_A_RX_RECORDS,		"rx_records" },
	{ VIRTSOCK_STATS_A_HYPERCALLS,		"hypercalls" },
	{ VIRTSOCK_STATS_A_FLUSHES,		"flushes" },
	{ VIRTSOCK_STATS_A_POLLS,		"polls" },
	{ VIRTSOCK_STATS_A_DOORBELLS,		"doorbells" },
	{ VIRTSOCK_STATS_A_FAST,		"fast" },
	{ VIRTSOCK_STATS_A_DEFERRED,		"deferred" },
	{ VIRTSOCK_STATS_A_STOPS,		"stops" },
	{ VIRTSOCK_STATS_A_RESETS,		"resets" },
	{ VIRTSOCK_STATS_A_MALFORMED,		"malformed" },
	{ VIRTSOCK_STATS_A_TIMER_FLUSHES,	"timer_flushes" },
	{ VIRTSOCK_STATS_A_DENIED_HOST_PORTS,	"denied_host_ports" },
	{ VIRTSOCK_STATS_A_DENIED_GUEST_PORTS,	"denied_guest_ports" },
	{ VIRTSOCK_STATS_A_LIMITED_TX,		"limited_tx" },
	{ VIRTSOCK_STATS_A_LIMITED_RX,		"limited_rx" },
	{ VIRTSOCK_STATS_A_LIMITED_CALLS,	"limited_calls" },
};

#define NR_COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* Where the row of a counter begins that stands alone, in counters[] */
#define FIRST_PLAIN 6

/* A number that was not sent is shown as -. */
static void print_cell(const struct vs_stats *stats, int attr)
{
	if (stats->has[attr])
		printf(" %14" PRIu64, stats->value[attr]);
	else
		printf(" %14s", "-");
}

static void print_direction(const struct vs_stats *stats, const char *label,
			    int first)
{
	printf("    %s: %14s %14s %14s\n       ", label, "bytes", "messages",
	       "records");
	print_cell(stats, first);
	print_cell(stats, first + 1);
	print_cell(stats, first + 2);
	putchar('\n');
}

/* Hypercalls that carried messages, or asked for some */
static uint64_t carriers(const struct vs_stats *stats)
{
	return stats->value[VIRTSOCK_STATS_A_FLUSHES] +
	       stats->value[VIRTSOCK_STATS_A_POLLS];
}

static bool has_ratios(const struct vs_stats *stats, int messages)
{
	return stats->has[messages] &&
	       stats->has[VIRTSOCK_STATS_A_FLUSHES] &&
	       stats->has[VIRTSOCK_STATS_A_POLLS];
}

static void print_ratio(const char *label, uint64_t part, uint64_t whole)
{
	if (whole)
		printf("%s %.2f", label, (double)part / (double)whole);
	else
		printf("%s -", label);
}

/* @messages: the counter of those from guest to host, on this side */
static void print_stats(const struct vs_stats *stats, int messages)
{
	size_t i, column = 0;

	print_direction(stats, "RX", VIRTSOCK_STATS_A_RX_BYTES);
	print_direction(stats, "TX", VIRTSOCK_STATS_A_TX_BYTES);
	for (i = FIRST_PLAIN; i < NR_COUNTERS; i++) {
		if (!stats->has[counters[i].attr])
			continue;
		printf("%s%s %" PRIu64, column ? " " : "    ",
		       counters[i].key, stats->value[counters[i].attr]);
		if (++column == 4) {
			putchar('\n');
			column = 0;
		}
	}
	if (column)
		putchar('\n');
	if (has_ratios(stats, messages)) {
		uint64_t n = stats->value[messages];

		print_ratio("    guest to host: messages/hypercall", n,
			    carriers(stats));
		print_ratio(" messages/flush", n,
			    stats->value[VIRTSOCK_STATS_A_FLUSHES]);
		putchar('\n');
	}
}

static void print_state(const struct vs_object *object)
{
	uint64_t state = object->number[VIRTSOCK_A_STATE];
	const char *name = vs_state_name(state);

	if (!object->has[VIRTSOCK_A_STATE])
		return;
	if (name)
		printf(" state %s", name);
	else
		printf(" state %" PRIu64, state);
}

static void print_number(const struct vs_object *object, int attr,
			 const char *key)
{
	if (object->has[attr])
		printf(" %s %" PRIu64, key, object->number[attr]);
}

/* 0 is no link's epoch. */
static void print_epoch(const struct vs_object *object)
{
	uint64_t epoch = object->number[VIRTSOCK_A_EPOCH];

	if (epoch)
		printf(" epoch 0x%016" PRIx64, epoch);
}

/* Why there is no link */
static void print_reason(const struct vs_object *object)
{
	uint64_t reason = object->number[VIRTSOCK_A_REASON];
	const char *words = vs_reason_words(reason);

	if (words)
		printf("    reason %s: %s\n", vs_reason_name(reason), words);
	else if (reason)
		printf("    reason %" PRIu64 "\n", reason);
}

/* A limit that was set, on a line of its own with all others */
static void print_limit(const char *key, bool *any)
{
	printf("%s%s ", *any ? " " : "    ", key);
	*any = true;
}

/* What is allowed to any VM unless it is said otherwise is not shown. */
static void print_limits(const struct vs_object *vm)
{
	bool any = false;

	if (vm->has[VIRTSOCK_A_HOST_PORTS] && !vs_ports_are_all(&vm->host_ports)) {
		print_limit("host-ports", &any);
		vs_ports_print(stdout, &vm->host_ports);
	}
	if (vm->has[VIRTSOCK_A_GUEST_PORTS] && !vs_ports_are_all(&vm->guest_ports)) {
		print_limit("guest-ports", &any);
		vs_ports_print(stdout, &vm->guest_ports);
	}
	if (vm->number[VIRTSOCK_A_RATE]) {
		print_limit("rate", &any);
		printf("%" PRIu64, vm->number[VIRTSOCK_A_RATE]);
	}
	if (vm->number[VIRTSOCK_A_CALLS]) {
		print_limit("calls", &any);
		printf("%" PRIu64, vm->number[VIRTSOCK_A_CALLS]);
	}
	if (any)
		putchar('\n');
}

/**
 * vs_print_vm() - a VM, as text
 * @vm: as the host's kernel has it
 * @stats: with its counters
 */
void vs_print_vm(const struct vs_object *vm, bool stats)
{
	printf("cid %" PRIu64 ":", vm->number[VIRTSOCK_A_CID]);
	print_state(vm);
	if (vm->name[0]) {
		fputs(" name ", stdout);
		vs_print_word(stdout, vm->name);
	}
	fputs("\n   ", stdout);
	print_number(vm, VIRTSOCK_A_PID, "pid");
	if (vm->comm[0]) {
		fputs(" comm ", stdout);
		vs_print_word(stdout, vm->comm);
	}
	print_number(vm, VIRTSOCK_A_BACKLOG, "backlog");
	if (vm->number[VIRTSOCK_A_RING_SIZE])
		print_number(vm, VIRTSOCK_A_RING_SIZE, "ring");
	print_epoch(vm);
	putchar('\n');
	print_limits(vm);
	print_reason(vm);
	if (stats && vm->has[VIRTSOCK_A_STATS])
		print_stats(&vm->stats, VIRTSOCK_STATS_A_RX_MESSAGES);
}

/**
 * vs_print_link() - the link, as text
 * @link: as the guest's kernel has it
 * @stats: with its counters
 */
void vs_print_link(const struct vs_object *link, bool stats)
{
	fputs("link:", stdout);
	print_state(link);
	if (link->has[VIRTSOCK_A_ADMIN_UP])
		printf(" admin %s",
		       link->number[VIRTSOCK_A_ADMIN_UP] ? "up" : "down");
	if (link->number[VIRTSOCK_A_CID])
		print_number(link, VIRTSOCK_A_CID, "cid");
	fputs("\n   ", stdout);
	if (link->policy[0]) {
		fputs(" policy ", stdout);
		vs_print_word(stdout, link->policy);
	}
	print_number(link, VIRTSOCK_A_RING_SIZE, "ring");
	print_epoch(link);
	putchar('\n');
	print_reason(link);
	if (stats && link->has[VIRTSOCK_A_STATS])
		print_stats(&link->stats, VIRTSOCK_STATS_A_TX_MESSAGES);
}

static void json_stats(struct vs_json *json, const struct vs_object *object,
		       int messages)
{
	const struct vs_stats *stats = &object->stats;
	size_t i;

	if (!object->has[VIRTSOCK_A_STATS])
		return;
	vs_json_key(json, "stats");
	vs_json_open(json, '{');
	for (i = 0; i < NR_COUNTERS; i++) {
		if (!stats->has[counters[i].attr])
			continue;
		vs_json_key(json, counters[i].key);
		vs_json_number(json, stats->value[counters[i].attr]);
	}
	if (has_ratios(stats, messages)) {
		vs_json_key(json, "messages_per_hypercall");
		vs_json_ratio(json, stats->value[messages], carriers(stats));
		vs_json_key(json, "messages_per_flush");
		vs_json_ratio(json, stats->value[messages],
			      stats->value[VIRTSOCK_STATS_A_FLUSHES]);
	}
	vs_json_close(json, '}');
}

static void json_number(struct vs_json *json, const struct vs_object *object,
			int attr, const char *key)
{
	if (!object->has[attr])
		return;
	vs_json_key(json, key);
	vs_json_number(json, object->number[attr]);
}

static void json_string(struct vs_json *json, const struct vs_object *object,
			int attr, const char *key, const char *value)
{
	if (!object->has[attr])
		return;
	vs_json_key(json, key);
	vs_json_string(json, value);
}

static void json_state(struct vs_json *json, const struct vs_object *object)
{
	uint64_t state = object->number[VIRTSOCK_A_STATE];
	const char *name = vs_state_name(state);

	if (!object->has[VIRTSOCK_A_STATE])
		return;
	vs_json_key(json, "state");
	if (name)
		vs_json_string(json, name);
	else
		vs_json_number(json, state);
}

/* As a string: many readers would round so large a number. */
static void json_epoch(struct vs_json *json, const struct vs_object *object)
{
	uint64_t epoch = object->number[VIRTSOCK_A_EPOCH];
	char hex[2 + 16 + 1];

	if (!object->has[VIRTSOCK_A_EPOCH])
		return;
	vs_json_key(json, "epoch");
	if (!epoch) {
		vs_json_null(json);
		return;
	}
	snprintf(hex, sizeof(hex), "0x%016" PRIx64, epoch);
	vs_json_string(json, hex);
}

/**
 * vs_json_reason() - why there is no link, as a key and its value
 * @json: the writer
 * @object: a VM, a link or an event
 */
void vs_json_reason(struct vs_json *json, const struct vs_object *object)
{
	uint64_t reason = object->number[VIRTSOCK_A_REASON];
	const char *name = vs_reason_name(reason);

	if (!object->has[VIRTSOCK_A_REASON])
		return;
	vs_json_key(json, "reason");
	if (!reason)
		vs_json_null(json);
	else if (name)
		vs_json_string(json, name);
	else
		vs_json_number(json, reason);
}

/* A number, or null where there is no limit */
static void json_limit(struct vs_json *json, const struct vs_object *object,
		       int attr, const char *key)
{
	if (!object->has[attr])
		return;
	vs_json_key(json, key);
	if (object->number[attr])
		vs_json_number(json, object->number[attr]);
	else
		vs_json_null(json);
}

static void json_ports(struct vs_json *json, const struct vs_object *object,
		       int attr, const char *key, const struct vs_ports *ports)
{
	if (!object->has[attr])
		return;
	vs_json_key(json, key);
	vs_ports_json(json, ports);
}

/**
 * vs_json_vm() - a VM, as an object of JSON
 * @json: the writer
 * @vm: as the host's kernel has it
 * @stats: with its counters
 */
void vs_json_vm(struct vs_json *json, const struct vs_object *vm, bool stats)
{
	vs_json_open(json, '{');
	json_number(json, vm, VIRTSOCK_A_CID, "cid");
	json_string(json, vm, VIRTSOCK_A_NAME, "name", vm->name);
	json_number(json, vm, VIRTSOCK_A_PID, "pid");
	json_string(json, vm, VIRTSOCK_A_COMM, "comm", vm->comm);
	json_state(json, vm);
	vs_json_reason(json, vm);
	json_epoch(json, vm);
	json_number(json, vm, VIRTSOCK_A_BACKLOG, "backlog");
	json_number(json, vm, VIRTSOCK_A_RING_SIZE, "ring_size");
	json_ports(json, vm, VIRTSOCK_A_HOST_PORTS, "host_ports", &vm->host_ports);
	json_ports(json, vm, VIRTSOCK_A_GUEST_PORTS, "guest_ports",
		   &vm->guest_ports);
	json_limit(json, vm, VIRTSOCK_A_RATE, "rate");
	json_limit(json, vm, VIRTSOCK_A_CALLS, "calls");
	if (stats)
		json_stats(json, vm, VIRTSOCK_STATS_A_RX_MESSAGES);
	vs_json_close(json, '}');
}

/**
 * vs_json_link() - the link, as an object of JSON
 * @json: the writer
 * @link: as the guest's kernel has it
 * @stats: with its counters
 */
void vs_json_link(struct vs_json *json, const struct vs_object *link,
		  bool stats)
{
	vs_json_open(json, '{');
	vs_json_key(json, "cid");
	if (link->number[VIRTSOCK_A_CID])
		vs_json_number(json, link->number[VIRTSOCK_A_CID]);
	else
		vs_json_null(json);
	json_state(json, link);
	if (link->has[VIRTSOCK_A_ADMIN_UP]) {
		vs_json_key(json, "admin_up");
		vs_json_bool(json, link->number[VIRTSOCK_A_ADMIN_UP]);
	}
	vs_json_reason(json, link);
	json_epoch(json, link);
	json_number(json, link, VIRTSOCK_A_RING_SIZE, "ring_size");
	json_string(json, link, VIRTSOCK_A_POLICY, "policy", link->policy);
	if (stats)
		json_stats(json, link, VIRTSOCK_STATS_A_TX_MESSAGES);
	vs_json_close(json, '}');
}
