/* SPDX-License-Identifier: GPL-2.0-only */
/* Completions of MSG_ZEROCOPY on a socket's error queue */
#ifndef VSAPI_ZEROCOPY_H
#define VSAPI_ZEROCOPY_H

#include <stdbool.h>

struct zc {
	unsigned int done;	/* sends completed, all from the first on */
	unsigned int copied;	/* of these, copied after all */
};

bool zc_on(int fd);
bool zc_read(int fd, struct zc *z);
void zc_wait(int fd, struct zc *z, unsigned int nr);

#endif
