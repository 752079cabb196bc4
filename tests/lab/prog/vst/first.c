// SPDX-License-Identifier: GPL-2.0-only
/* The very first connection over a link that is not there yet. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vst.h"

/* How often a connection is tried while there is no link, in us */
#define PAUSE 500

/*
 * Connects as soon as there is a link, and makes one round with a peer that
 * echoes. Only "no link" may be tried again; all else has to work at once,
 * within= the time of the try that got through.
 */
void cmd_first(void)
{
	uint8_t *buf = malloc(opt.max);
	unsigned int tries = 0;
	uint64_t t, connected;
	int fd;

	for (;;) {
		fd = vst_socket();
		vst_patient(fd);
		t = now_us();
		tries++;
		if (!vst_try_connect(fd))
			break;
		if (errno != ENODEV && errno != ENETUNREACH &&
		    errno != EHOSTUNREACH)
			die_errno("connect");
		close(fd);
		if (tries == 1)
			say("TRYING");
		usleep(PAUSE);
	}
	connected = now_us() - t;
	fill(opt.seed, 0, buf, opt.max);
	write_all(fd, buf, opt.max);
	read_all(fd, buf, opt.max);
	check(opt.seed, 0, buf, opt.max);
	t = now_us() - t;
	say("first: connected after %llu us, answered after %llu us, try %u",
	    (unsigned long long)connected, (unsigned long long)t, tries);
	if (t > opt.within * 1000ull)
		die("not within %u ms", opt.within);
	close(fd);
	free(buf);
}
