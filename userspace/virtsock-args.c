// SPDX-License-Identifier: GPL-2.0-only
/* Words of the command line: abbreviations, keywords and numbers */
#include <string.h>
#include "virtsock.h"

#define CID_RESERVED_MAX	2U		/* hypervisor, local, host */
#define CID_ANY			0xffffffffU

/* ARG_* that have a value, the first ones */
#define ARG_VALUES		__builtin_ctz(ARG_ALL)

/**
 * vs_is_prefix() - does a word abbreviate another?
 * @abbreviation: not empty
 * @word: in full
 */
bool vs_is_prefix(const char *abbreviation, const char *word)
{
	return *abbreviation &&
	       !strncmp(abbreviation, word, strlen(abbreviation));
}

bool vs_is_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "-h") ||
	       !strcmp(word, "-help") || !strcmp(word, "--help");
}

/**
 * vs_dispatch() - run what the first word stands for
 * @table: of words; several may stand for the same
 * @what: what kind of word is expected
 * @usage: shown when there is no such word
 * @argc: at least 1
 * @argv: begins with the word
 *
 * An abbreviation will do where it is unique.
 */
int vs_dispatch(const struct vs_word *table, const char *what,
		const char *usage, int argc, char **argv)
{
	const struct vs_word *w, *found = NULL, *other = NULL;

	if (vs_is_help(argv[0]))
		return vs_help(usage);
	for (w = table; w->word; w++) {
		if (!strcmp(argv[0], w->word))
			return w->run(argc - 1, argv + 1);
		if (!vs_is_prefix(argv[0], w->word))
			continue;
		if (found && found->run != w->run)
			other = found;
		found = w;
	}
	if (other)
		return vs_usage(usage, "%s '%s' may be '%s' or '%s'", what,
				argv[0], other->word, found->word);
	if (!found)
		return vs_usage(usage, "%s '%s' is unknown", what, argv[0]);
	return found->run(argc - 1, argv + 1);
}

/**
 * vs_parse_decimal() - a number in decimal digits: no sign, no blank, no 0x
 * @s: begins with it
 * @value: the number; UINT64_MAX for larger ones
 * @end: what stands behind it
 *
 * Return: false if there is no digit.
 */
bool vs_parse_decimal(const char *s, uint64_t *value, const char **end)
{
	uint64_t v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned int digit = *s - '0';

		if (v > (UINT64_MAX - digit) / 10)
			v = UINT64_MAX;		/* stays there: too large */
		else
			v = v * 10 + digit;
	}
	*value = v;
	*end = s;
	return true;
}

static int parse_cid(const char *s, const char *usage, uint32_t *cid)
{
	const char *end;
	uint64_t v;

	if (!vs_parse_decimal(s, &v, &end) || *end)
		return vs_usage(usage, "CID '%s' is not a decimal number", s);
	if (v <= CID_RESERVED_MAX || v == CID_ANY) {
		vs_error("CID %s is reserved; a VM's CID is between 3 and %u",
			 s, CID_ANY - 1);
		return VS_BAD_CID;
	}
	if (v > CID_ANY) {
		vs_error("CID %s is too large; a VM's CID is between 3 and %u",
			 s, CID_ANY - 1);
		return VS_BAD_CID;
	}
	*cid = v;
	return VS_OK;
}

static int parse_pid(const char *s, const char *usage, uint32_t *pid)
{
	const char *end;
	uint64_t v;

	if (!vs_parse_decimal(s, &v, &end) || *end || v < 1 || v > INT32_MAX)
		return vs_usage(usage, "'%s' is not a process ID", s);
	*pid = v;
	return VS_OK;
}

/* Bytes, or with a K, M or G behind them KiB, MiB or GiB */
static int parse_bytes(const char *s, const char *usage, uint64_t most,
		       uint64_t *bytes)
{
	const char *end;
	uint64_t v, unit = 1;

	if (!vs_parse_decimal(s, &v, &end))
		return vs_usage(usage, "'%s' is not a number of bytes", s);
	if (*end == 'k' || *end == 'K')
		unit = 1024;
	else if (*end == 'm' || *end == 'M')
		unit = 1024 * 1024;
	else if (*end == 'g' || *end == 'G')
		unit = 1024 * 1024 * 1024;
	if (unit > 1)
		end++;
	if (*end)
		return vs_usage(usage, "'%s' is not a number of bytes", s);
	if (v > most / unit)
		return vs_usage(usage, "'%s' is too many bytes", s);
	*bytes = v * unit;
	return VS_OK;
}

static int parse_backlog(const char *s, const char *usage, uint32_t *backlog)
{
	uint64_t bytes;
	int ret = parse_bytes(s, usage, UINT32_MAX, &bytes);

	if (!ret)
		*backlog = bytes;
	return ret;
}

/* 0 is how the kernel says "none", and as good a word for it. */
static int parse_rate(const char *s, const char *usage, uint64_t *rate)
{
	*rate = 0;
	return strcmp(s, "none") ? parse_bytes(s, usage, INT64_MAX, rate) : VS_OK;
}

static int parse_calls(const char *s, const char *usage, uint32_t *calls)
{
	const char *end;
	uint64_t v = 0;

	if (strcmp(s, "none") &&
	    (!vs_parse_decimal(s, &v, &end) || *end || v > UINT32_MAX))
		return vs_usage(usage, "'%s' is not a number of calls", s);
	*calls = v;
	return VS_OK;
}

static int parse_name(const char *s, const char *usage, const char **name)
{
	if (strlen(s) > VS_NAME_MAX)
		return vs_usage(usage, "a name has at most %u bytes",
				VS_NAME_MAX);
	if (!vs_is_printable(s))
		return vs_usage(usage,
				"a name is UTF-8 text without control characters");
	*name = s;
	return VS_OK;
}

static unsigned int keyword(const char *word)
{
	if (!strcmp(word, "cid"))
		return ARG_CID;
	if (!strcmp(word, "pid"))
		return ARG_PID;
	if (!strcmp(word, "name"))
		return ARG_NAME;
	if (!strcmp(word, "backlog"))
		return ARG_BACKLOG;
	if (!strcmp(word, "host-ports"))
		return ARG_HOST_PORTS;
	if (!strcmp(word, "guest-ports"))
		return ARG_GUEST_PORTS;
	if (!strcmp(word, "rate"))
		return ARG_RATE;
	if (!strcmp(word, "calls"))
		return ARG_CALLS;
	if (!strcmp(word, "all"))
		return ARG_ALL;
	return 0;
}

static int parse_value(unsigned int arg, const char *s, const char *usage,
		       struct vs_args *args)
{
	switch (arg) {
	case ARG_CID:
		return parse_cid(s, usage, &args->cid);
	case ARG_PID:
		return parse_pid(s, usage, &args->pid);
	case ARG_NAME:
		return parse_name(s, usage, &args->name);
	case ARG_HOST_PORTS:
		return vs_ports_parse(s, usage, &args->host_ports);
	case ARG_GUEST_PORTS:
		return vs_ports_parse(s, usage, &args->guest_ports);
	case ARG_RATE:
		return parse_rate(s, usage, &args->rate);
	case ARG_CALLS:
		return parse_calls(s, usage, &args->calls);
	default:
		return parse_backlog(s, usage, &args->backlog);
	}
}

static const char *missing(unsigned int args)
{
	if (args & ARG_PID)
		return "pid PID";
	if (args & ARG_CID)
		return "cid CID";
	return "something";
}

/**
 * vs_parse_args() - keywords and their values, in any order
 * @argc: words
 * @argv: "cid 42" or "--cid 42" or "--cid=42" each
 * @allowed: ARG_* that may be given
 * @required: ARG_* that must be
 * @usage: shown when they are not
 * @args: what was given
 *
 * All words are looked at before a value of one is judged, so that a wrong
 * word is a wrong usage whatever the values are.
 *
 * Return: 0 to go on, or the exit code.
 */
int vs_parse_args(int argc, char **argv, unsigned int allowed,
		  unsigned int required, const char *usage,
		  struct vs_args *args)
{
	const char *value[ARG_VALUES] = { NULL };
	unsigned int arg, i;
	int ret = VS_OK;

	memset(args, 0, sizeof(*args));
	for (; argc; argc--, argv++) {
		char *word = argv[0], *equals = NULL;

		if (vs_is_help(word))
			return vs_help(usage);
		if (!strncmp(word, "--", 2)) {
			word += 2;
			equals = strchr(word, '=');
			if (equals)
				*equals = '\0';
		}
		arg = keyword(word);
		if (!(arg & allowed))
			return vs_usage(usage, "argument '%s' is unknown",
					argv[0]);
		if (arg & args->given)
			return vs_usage(usage, "'%s' is given twice", word);
		args->given |= arg;
		if (arg == ARG_ALL) {
			if (equals)
				return vs_usage(usage, "'%s' has no value",
						argv[0]);
			continue;
		}
		if (!equals && argc < 2)
			return vs_usage(usage, "'%s' needs a value", argv[0]);
		i = (unsigned int)__builtin_ctz(arg);
		if (equals) {
			value[i] = equals + 1;
		} else {
			value[i] = argv[1];
			argc--;
			argv++;
		}
	}
	if (required & ~args->given)
		return vs_usage(usage, "'%s' is missing",
				missing(required & ~args->given));
	for (i = 0; i < ARG_VALUES && !ret; i++)
		if (args->given & (1U << i))
			ret = parse_value(1U << i, value[i], usage, args);
	return ret;
}

/**
 * vs_parse_none() - nothing may follow
 *
 * Return: 0 to go on, or the exit code.
 */
int vs_parse_none(int argc, char **argv, const char *usage)
{
	if (!argc)
		return VS_OK;
	if (vs_is_help(argv[0]))
		return vs_help(usage);
	return vs_usage(usage, "argument '%s' is unknown", argv[0]);
}
