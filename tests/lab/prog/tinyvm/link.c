// SPDX-License-Identifier: GPL-2.0-only
/* What a guest says to have a link, and whether the answers were right. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include "link.h"

struct tiny_link the_link;
int failed, number;

void expect(const char *way, const char *what, long long want, long long got)
{
	int ok = want == got;

	printf("%sok %d %s, %s\n", ok ? "" : "not ", ++number, way, what);
	if (!ok)
		printf("# %lld, not %lld\n", got, want);
	failed += !ok;
}

static long long call(struct tiny *t, int op, struct tiny_regs *r)
{
	int reason;

	r->rax = VIRTSOCK_HC_BASE + op;
	reason = tiny_call(t, r);
	if (reason) {
		printf("# exit %d\n", reason);
		return -1;
	}
	return (long long)r->rax;
}

long long hello(struct tiny *t)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct tiny_regs r;
	long long ret;

	/* The host ends the link before in its own time, and says when to ask again. */
	while (1) {
		r = (struct tiny_regs) { .rbx = VIRTSOCK_ABI_VERSION };
		ret = call(t, VIRTSOCK_HC_HELLO, &r);
		if (ret != -VIRTSOCK_EAGAIN)
			break;
		nanosleep(&pause, NULL);
	}
	the_link.cid = (unsigned int)r.rbx;
	the_link.epoch = r.rcx;
	return ret;
}

long long set_up(struct tiny *t, uint64_t ring)
{
	struct virtsock_setup *s = (struct virtsock_setup *)(t->mem + SETUP);
	struct tiny_regs r = { .rbx = the_link.epoch, .rcx = SETUP };
	unsigned int i;

	s->size = sizeof(*s) + VIRTSOCK_RING_PAGES_MIN * sizeof(s->pages[0]);
	s->nr_pages = VIRTSOCK_RING_PAGES_MIN;
	s->doorbell = virtsock_doorbell_arg(0, 255, 0);
	for (i = 0; i < VIRTSOCK_RING_PAGES_MIN; i++)
		s->pages[i] = ring + i * VIRTSOCK_PAGE_SIZE;
	return call(t, VIRTSOCK_HC_REGISTER, &r);
}

long long flush(struct tiny *t, unsigned int head, unsigned int flags, uint64_t rx)
{
	struct tiny_regs r = {
		.rbx = the_link.epoch,
		.rcx = virtsock_flush_arg(head, flags),
		.rdx = rx,
		.rsi = RX_SIZE,
	};

	return call(t, VIRTSOCK_HC_FLUSH, &r);
}

/* A record that a host takes: of no connection, with a payload in @seg if not 0. */
unsigned int record(uint8_t *at, uint64_t seg)
{
	struct virtsock_rec *rec = (struct virtsock_rec *)at;
	struct virtsock_seg *s = (struct virtsock_seg *)(rec + 1);

	*rec = (struct virtsock_rec) {
		.size = sizeof(*rec) + (seg ? sizeof(*s) : 0),
		.len = seg ? 100 : 0,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = seg ? VIRTIO_VSOCK_OP_RW : VIRTIO_VSOCK_OP_RST,
		.src_port = 1, .dst_port = 1, .src_cid = the_link.cid, .dst_cid = VMADDR_CID_HOST,
		.nr_msgs = !!seg, .nr_segs = !!seg,
	};
	if (seg)
		*s = (struct virtsock_seg) { .addr = seg, .len = rec->len };
	return rec->size;
}

/* A program of the host connects: the guest has something to receive. */
int host_connects(void)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK, .svm_cid = the_link.cid, .svm_port = 1,
	};
	int fd = must(socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno != EINPROGRESS)
		die("connect");
	return fd;
}

void host_is_reset(const char *way, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	expect(way, "who connects is told within 2 s", 1, poll(&p, 1, 2000));
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	expect(way, "that it was reset", ECONNRESET, err);
	close(fd);
}
