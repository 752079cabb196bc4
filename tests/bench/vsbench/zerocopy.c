// SPDX-License-Identifier: GPL-2.0-only
/* MSG_ZEROCOPY: sends, and the completions that the error queue brings. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/errqueue.h>

#include "vsbench.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY	60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY	0x4000000
#endif

#define REAP_AT	16	/* look for completions when so many are missing */

static uint32_t missing;

void zerocopy_on(int fd)
{
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		fail("SO_ZEROCOPY");
}

/* What the error queue holds; false if nothing. */
static bool reap(struct side *s, int fd)
{
	union {
		char buf[256];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct sock_extended_err ee;
	struct cmsghdr *cm;
	uint32_t n;

	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		fail("recvmsg from the error queue");
	}
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		memcpy(&ee, CMSG_DATA(cm), sizeof(ee));
		if (ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY)
			continue;
		n = ee.ee_data - ee.ee_info + 1;
		missing -= n;
		if (ee.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
			s->done.copied += n;
	}
	return true;
}

static void wait_one(struct side *s, int fd)
{
	struct pollfd pfd = { .fd = fd };

	while (!reap(s, fd))
		poll(&pfd, 1, 1000);
}

ssize_t zerocopy_send(struct side *s, int fd, const char *buf, size_t len)
{
	ssize_t n;

	while (missing >= REAP_AT && reap(s, fd))
		;
	for (;;) {
		n = send(fd, buf, len, MSG_NOSIGNAL | MSG_ZEROCOPY);
		if (n >= 0)
			missing++;
		if (n >= 0 || errno != ENOBUFS)
			return n;
		wait_one(s, fd);
	}
}

void zerocopy_wait(struct side *s, int fd)
{
	while (missing)
		wait_one(s, fd);
}
