// SPDX-License-Identifier: GPL-2.0-only
/* virtsock: administer virtsock, AF_VSOCK between KVM guest and host */
#include <string.h>
#include "virtsock.h"

#ifndef VIRTSOCK_VERSION
#define VIRTSOCK_VERSION "unknown"
#endif

struct vs_options options;

static const char usage[] =
"Usage: virtsock [ OPTIONS ] OBJECT { COMMAND | help }\n"
"       virtsock [ OPTIONS ] run --cid CID -- COMMAND ...\n"
"where  OBJECT := { vm | link | run | stats | monitor }\n"
"       OPTIONS := { -j[son] | -p[retty] | -s[tatistics] |\n"
"                    -V[ersion] | -h[elp] }\n";

static int help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return vs_help(usage);
}

static const struct vs_word objects[] = {
	{ "vm",		vs_vm },
	{ "link",	vs_link },
	{ "run",	vs_run },
	{ "stats",	vs_stats },
	{ "monitor",	vs_monitor },
	{ "help",	help },
	{ NULL,		NULL }
};

static int version(void)
{
	printf("virtsock %s, ABI %d, netlink %d\n", VIRTSOCK_VERSION,
	       VIRTSOCK_ABI_VERSION, VIRTSOCK_GENL_VERSION);
	return VS_OK;
}

/* Several single letters in one word, as in -jp */
static bool take_letters(const char *letters)
{
	struct vs_options taken = options;

	if (!*letters)
		return false;
	for (; *letters; letters++) {
		switch (*letters) {
		case 'j':
			taken.json = true;
			break;
		case 'p':
			taken.pretty = true;
			break;
		case 's':
			taken.stats = true;
			break;
		default:
			return false;
		}
	}
	options = taken;
	return true;
}

static int run(int argc, char **argv)
{
	for (argc--, argv++; argc && argv[0][0] == '-'; argc--, argv++) {
		const char *word = argv[0] + 1;

		if (*word == '-')
			word++;		/* --json is -json */
		if (!*word)
			return vs_usage(usage, "option '%s' is unknown",
					argv[0]);
		if (vs_is_prefix(word, "json"))
			options.json = true;
		else if (vs_is_prefix(word, "pretty"))
			options.pretty = true;
		else if (vs_is_prefix(word, "statistics") ||
			 !strcmp(word, "stats"))
			options.stats = true;
		else if (vs_is_prefix(word, "Version") ||
			 !strcmp(word, "version"))
			return version();
		else if (vs_is_prefix(word, "help"))
			return vs_help(usage);
		else if (!take_letters(word))
			return vs_usage(usage, "option '%s' is unknown",
					argv[0]);
	}
	if (!argc)
		return vs_usage(usage, "what object?");
	return vs_dispatch(objects, "object", usage, argc, argv);
}

int main(int argc, char **argv)
{
	int ret = run(argc, argv);

	if (ret == VS_HELPED)
		ret = VS_OK;
	/* Output that is lost, on a full disk say, is a failure. */
	if ((ferror(stdout) || fflush(stdout)) && ret == VS_OK) {
		vs_error("cannot write the output: %m");
		ret = VS_FAILED;
	}
	return ret;
}
