// SPDX-License-Identifier: GPL-2.0-only
/*
 * monitor: what a vsockmon device shows of the connection to port= with the
 * guest cid=, compared with what role bidi sends. A packet of port + 1 ends it.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include <linux/vsockmon.h>

#include "vst.h"

enum { TO_SERVER, TO_CLIENT, DIRS };

static const char * const dirs[DIRS] = { "to-server", "to-client" };
static uint64_t bytes[DIRS], all;

static const struct {
	const char *name;
	unsigned int op;	/* vsockmon's */
} ops[] = {
	[VIRTIO_VSOCK_OP_REQUEST]	 = { "request", AF_VSOCK_OP_CONNECT },
	[VIRTIO_VSOCK_OP_RESPONSE]	 = { "response", AF_VSOCK_OP_CONNECT },
	[VIRTIO_VSOCK_OP_RST]		 = { "rst", AF_VSOCK_OP_DISCONNECT },
	[VIRTIO_VSOCK_OP_SHUTDOWN]	 = { "shutdown", AF_VSOCK_OP_DISCONNECT },
	[VIRTIO_VSOCK_OP_RW]		 = { "rw", AF_VSOCK_OP_PAYLOAD },
	[VIRTIO_VSOCK_OP_CREDIT_UPDATE]	 = { "credit", AF_VSOCK_OP_CONTROL },
	[VIRTIO_VSOCK_OP_CREDIT_REQUEST] = { "ask", AF_VSOCK_OP_CONTROL },
};

/* The two headers say the same. Little-endian, as this machine is. */
static void check_headers(const struct af_vsockmon_hdr *mon,
			  const struct virtio_vsock_hdr *hdr, size_t payload)
{
	unsigned int type = opt.type == SOCK_SEQPACKET ? VIRTIO_VSOCK_TYPE_SEQPACKET :
							 VIRTIO_VSOCK_TYPE_STREAM;

	if (mon->transport != AF_VSOCK_TRANSPORT_VIRTIO ||
	    mon->len != sizeof(*hdr))
		die("transport %u with a header of %u bytes", mon->transport, mon->len);
	if (mon->src_cid != hdr->src_cid || mon->dst_cid != hdr->dst_cid ||
	    mon->src_port != hdr->src_port || mon->dst_port != hdr->dst_port)
		die("the headers differ in their addresses");
	if (hdr->op >= sizeof(ops) / sizeof(*ops) || !ops[hdr->op].name)
		die("operation %u", hdr->op);
	if (mon->op != ops[hdr->op].op)
		die("%s is shown as %u", ops[hdr->op].name, mon->op);
	if (hdr->len != payload || (payload && hdr->op != VIRTIO_VSOCK_OP_RW))
		die("%s: length %u, %zu bytes behind the header",
		    ops[hdr->op].name, hdr->len, payload);
	if (hdr->type != type)
		die("type %u, expected %u", hdr->type, type);
	if (!((mon->src_cid == VMADDR_CID_HOST && mon->dst_cid == opt.cid) ||
	      (mon->dst_cid == VMADDR_CID_HOST && mon->src_cid == opt.cid)))
		die("from CID %llu to CID %llu", (unsigned long long)mon->src_cid,
		    (unsigned long long)mon->dst_cid);
}

/* Return: was it the last? */
static bool packet(const uint8_t *buf, size_t len)
{
	const struct af_vsockmon_hdr *mon = (const void *)buf;
	const struct virtio_vsock_hdr *hdr = (const void *)(mon + 1);
	size_t payload = len - sizeof(*mon) - sizeof(*hdr);
	int dir;

	if (len < sizeof(*mon) + sizeof(*hdr))
		die("a packet of %zu bytes", len);
	all++;
	if (mon->src_port == opt.port + 1 || mon->dst_port == opt.port + 1)
		return hdr->op == VIRTIO_VSOCK_OP_RST;
	if (mon->src_port != opt.port && mon->dst_port != opt.port)
		return false;
	dir = mon->dst_port == opt.port ? TO_SERVER : TO_CLIENT;
	check_headers(mon, hdr, payload);
	check(opt.seed + dir, bytes[dir], (const uint8_t *)(hdr + 1), payload);
	bytes[dir] += payload;
	say("%s %s %zu", dirs[dir], ops[hdr->op].name, payload);
	return false;
}

static int open_device(void)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(opt.dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), size = 64 << 20;

	if (fd < 0 || !addr.sll_ifindex)
		die_errno(opt.dev);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die_errno("packet socket");
	return fd;
}

void cmd_monitor(void)
{
	static uint8_t buf[1 << 20];
	struct tpacket_stats stats = {};
	socklen_t size = sizeof(stats);
	uint64_t k, total[DIRS] = {};
	int fd, dir;
	ssize_t n;

	if (!opt.dev)
		die("dev= is missing");
	fd = open_device();
	say("READY");
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			die_errno("recv");
	} while (!packet(buf, n));

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		die_errno("PACKET_STATISTICS");
	if (stats.tp_drops)
		die("%u packets were dropped", stats.tp_drops);
	for (dir = 0; dir < DIRS; dir++) {
		for (k = 0; k < opt.count; k++)
			total[dir] += msg_len(opt.seed + dir, k);
		if (bytes[dir] != total[dir])
			die("%s: %llu bytes of %llu", dirs[dir],
			    (unsigned long long)bytes[dir],
			    (unsigned long long)total[dir]);
	}
	say("packets %llu", (unsigned long long)all);
	close(fd);
}
