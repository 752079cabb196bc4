// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIOCOUTQ: bytes that the peer's side has not taken yet; not those that its
 * program has not read. SIOCINQ: bytes to be read. Kernels without refuse them.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "groups.h"

/* -1 where this kernel has none */
static int queue_len(int fd, unsigned long request)
{
	int val = -7;

	HERE();
	if (!ioctl(fd, request, &val)) {
		TRUE(val >= 0);
		return val;
	}
	if (errno != ENOTTY && errno != EOPNOTSUPP &&
	    !(errno == EINVAL && kernel_before(6, 12)))
		FAIL("ioctl %#lx: %s", request, strerrorname_np(errno));
	return -1;
}

static bool missing(int fd, unsigned long request)
{
	return queue_len(fd, request) < 0;
}

/*
 * 1000 small sends, and nobody reads: all of it is taken soon. So many messages
 * would block their sender, as they cannot be merged.
 */
static int small_sends(void)
{
	return me.type == SOCK_STREAM ? 1000 : 300;
}

static void small_subject(void)
{
	int fd = pair(), i;

	for (i = 0; i < small_sends(); i++)
		send_all(fd, i * 64, 64);
	if (!missing(fd, SIOCOUTQ))
		UNTIL(queue_len(fd, SIOCOUTQ) == 0);
	meet();
	/* It stays there. */
	if (!missing(fd, SIOCOUTQ))
		EQUAL(queue_len(fd, SIOCOUTQ), 0);
	meet();
}

static void small_helper(void)
{
	int fd = pair(), i;

	meet();
	if (!missing(fd, SIOCINQ))
		UNTIL(queue_len(fd, SIOCINQ) == 64 * small_sends());
	for (i = 0; i < small_sends(); i++)
		recv_all(fd, i * 64, 64);
	if (!missing(fd, SIOCINQ))
		EQUAL(queue_len(fd, SIOCINQ), 0);
	meet();
}

/* The window is full: the same */
static void full_subject(void)
{
	int fd = pair();
	uint64_t len = fill_up(fd, 4096);

	if (!missing(fd, SIOCOUTQ))
		UNTIL(queue_len(fd, SIOCOUTQ) == 0);
	tell(len);
	/* While it flows it is never negative, never more than was sent. */
	send_all(fd, len, 4096 * 20);
	if (!missing(fd, SIOCOUTQ))
		UNTIL(queue_len(fd, SIOCOUTQ) == 0);
	meet();
}

static void full_helper(void)
{
	int fd = pair();
	uint64_t len = hear();

	drain(fd, 0, len);
	if (me.type == SOCK_STREAM)
		drain(fd, len, 4096 * 20);
	else
		recv_all(fd, len, 4096 * 20);
	meet();
}

/* Large ones that the ring refers to, and a send that fails half way */
static void large_subject(void)
{
	uint8_t *bad = holed(192);
	int fd = pair(), i;

	for (i = 0; i < 8; i++)
		send_all(fd, i * 100000, 100000);
	if (!missing(fd, SIOCOUTQ))
		UNTIL(queue_len(fd, SIOCOUTQ) == 0);
	TRUE(send(fd, bad, 100000, MSG_NOSIGNAL) < 0);
	if (!missing(fd, SIOCOUTQ))
		UNTIL(queue_len(fd, SIOCOUTQ) == 0);
	meet();
}

static void large_helper(void)
{
	int fd = pair(), i;

	for (i = 0; i < 8; i++)
		recv_all(fd, i * 100000, 100000);
	meet();
}

static void refused(void)
{
	int lfd = listen_new(), fd = pair(), val;

	HERE();
	TRUE(ioctl(lfd, SIOCOUTQ, &val) < 0);
	TRUE(ioctl(sock_new(), SIOCOUTQ, &val) < 0);
	if (!missing(fd, SIOCOUTQ))
		REFUSED(EFAULT, ioctl(fd, SIOCOUTQ, 8));
	TRUE(ioctl(fd, 0x7777, &val) < 0);
	meet();
}

const struct vsapi_test queue_tests[] = {
	{ "small", BOTH, small_subject, small_helper },
	{ "full", BOTH, full_subject, full_helper },
	{ "large", BOTH, large_subject, large_helper },
	{ "refused", BOTH, refused, refused },
	{}
};
