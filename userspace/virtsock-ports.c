// SPDX-License-Identifier: GPL-2.0-only
/* Lists of ports: "all", "none", or numbers and ranges as in 22,1024-2047 */
#include <inttypes.h>
#include <string.h>
#include "virtsock.h"

static bool add_range(struct vs_ports *ports, uint64_t first, uint64_t last)
{
	if (first > last || last > UINT32_MAX || ports->count == VS_RANGES_MAX)
		return false;
	ports->range[ports->count++] = (struct virtsock_port_range) {
		.first = (uint32_t)first, .last = (uint32_t)last,
	};
	return true;
}

/**
 * vs_ports_parse() - read a list from the command line
 * @s: the list
 * @usage: shown when it is none
 * @ports: filled in
 *
 * Return: 0, or the exit code after it said what is wrong.
 */
int vs_ports_parse(const char *s, const char *usage, struct vs_ports *ports)
{
	const char *p = s, *end;
	uint64_t first, last;

	ports->count = 0;
	if (!strcmp(s, "none"))
		return VS_OK;
	if (!strcmp(s, "all")) {
		add_range(ports, 0, UINT32_MAX);
		return VS_OK;
	}
	for (;; p = end + 1) {
		if (!vs_parse_decimal(p, &first, &end))
			break;
		last = first;
		if (*end == '-' && !vs_parse_decimal(end + 1, &last, &end))
			break;
		if (*end && *end != ',')
			break;
		if (ports->count == VS_RANGES_MAX)
			return vs_usage(usage, "'%s' has more than %u ranges of ports",
					s, VS_RANGES_MAX);
		if (!add_range(ports, first, last))
			return vs_usage(usage,
					"'%s' has a range of ports that ends before it begins, or beyond %u",
					s, UINT32_MAX);
		if (!*end)
			return VS_OK;
	}
	return vs_usage(usage, "'%s' is not a list of ports, as 'all', 'none' or '22,1024-2047'",
			s);
}

/**
 * vs_ports_read() - take a list from a message
 * @data: ranges
 * @len: bytes there; what is beyond the ranges that a list may have is left out
 * @ports: filled in
 *
 * Return: false if it is no list.
 */
bool vs_ports_read(const void *data, size_t len, struct vs_ports *ports)
{
	if (len % sizeof(ports->range[0]))
		return false;
	if (len > sizeof(ports->range))
		len = sizeof(ports->range);
	ports->count = len / sizeof(ports->range[0]);
	if (len)
		memcpy(ports->range, data, len);
	return true;
}

/**
 * vs_ports_are_all() - is it what a VM has that nobody limits?
 */
bool vs_ports_are_all(const struct vs_ports *ports)
{
	return ports->count == 1 && !ports->range[0].first &&
	       ports->range[0].last == UINT32_MAX;
}

/**
 * vs_ports_print() - a list as the command line has it
 */
void vs_ports_print(FILE *out, const struct vs_ports *ports)
{
	unsigned int i;

	if (vs_ports_are_all(ports))
		fputs("all", out);
	else if (!ports->count)
		fputs("none", out);
	for (i = 0; i < ports->count && !vs_ports_are_all(ports); i++) {
		const struct virtsock_port_range *r = &ports->range[i];

		fprintf(out, "%s%" PRIu32, i ? "," : "", r->first);
		if (r->last != r->first)
			fprintf(out, "-%" PRIu32, r->last);
	}
}

/**
 * vs_ports_json() - a list as an array of pairs, first and last port
 */
void vs_ports_json(struct vs_json *json, const struct vs_ports *ports)
{
	unsigned int i;

	vs_json_open(json, '[');
	for (i = 0; i < ports->count; i++) {
		vs_json_open(json, '[');
		vs_json_number(json, ports->range[i].first);
		vs_json_number(json, ports->range[i].last);
		vs_json_close(json, ']');
	}
	vs_json_close(json, ']');
}
