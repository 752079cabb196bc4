// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "vsbench.h"

static const char usage[] =
"vsbench TEXT serve ADDRESS...	wait for clients\n"
"vsbench TEXT run peer=ADDRESS [KEY=VALUE...]	measure; one line of JSON\n"
"vsbench TEXT spin US	want the CPU; one line of JSON\n"
"\n"
"TEXT	a file of 128 KiB or more without NUL, the same on both sides\n"
"ADDRESS	vsock:CID:PORT, tcp:IPV4:PORT, unix:NAME:NUMBER\n"
"KEY	mode=stream|ping  dir=send|recv  type=stream|seq  size=  n=\n"
"	sockbuf=BYTES  zerocopy=1  multi=1  warm=US  run=US  at=US  cap=MS\n"
"	rounds=  every=US  samples=1  ready=1  watch=NAME:FILE\n";

int main(int argc, char **argv)
{
	struct rlimit files = { 8192, 8192 };

	if (argc < 4) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	text_load(argv[1]);
	if (!strcmp(argv[2], "serve"))
		serve(argc - 3, argv + 3);
	if (!strcmp(argv[2], "run"))
		return client(argc - 3, argv + 3);
	if (!strcmp(argv[2], "spin"))
		return spin(strtoul(argv[3], NULL, 0));
	fputs(usage, stderr);
	return 2;
}
