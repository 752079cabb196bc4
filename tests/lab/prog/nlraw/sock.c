// SPDX-License-Identifier: GPL-2.0-only
/* Requests and answers, byte by byte */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "nlraw.h"

uint16_t family;
bool nl_blind;

void die(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL: nlraw: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

const char *name_of(int err)
{
	if (err == EITHER_EPERM)
		return "EPERM or EOPNOTSUPP";
	return err ? strerrorname_np(-err) : "success";
}

int nl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), on = 1;
	struct timeval patience = { .tv_sec = 60 };
	int room = 1 << 20;

	/* An answer that does not come is a failure, and not a hang. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		die("socket: %s", strerrorname_np(errno));
	return fd;
}

void msg_begin(struct msg *m, int cmd, int flags)
{
	static uint32_t seq;
	struct genlmsghdr *g = NLMSG_DATA(&m->h);

	m->len = NLMSG_HDRLEN + GENL_HDRLEN;
	memset(m->b, 0, m->len);
	m->h.nlmsg_type = family;
	m->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	m->h.nlmsg_seq = ++seq;
	m->h.nlmsg_len = m->len;
	g->cmd = cmd;
	g->version = VIRTSOCK_GENL_VERSION;
}

void msg_attr(struct msg *m, int type, const void *data, size_t len)
{
	struct nlattr *a = (void *)(m->b + m->len);

	memset(a, 0, NLA_HDRLEN + NLA_ALIGN(len));
	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy(a + 1, data, len);
	m->len += NLA_HDRLEN + NLA_ALIGN(len);
	m->h.nlmsg_len = m->len;
}

static void list_read(struct list *l, const void *data, size_t len)
{
	if (len > sizeof(l->range) || len % sizeof(l->range[0]))
		die("a list of ports with %zu bytes", len);
	l->nr = len / sizeof(l->range[0]);
	memcpy(l->range, data, len);
}

static void vm_read(struct vm *vm, const struct nlmsghdr *h)
{
	const struct nlattr *a = (void *)((uint8_t *)NLMSG_DATA(h) + GENL_HDRLEN);
	int left = h->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	size_t len;

	*vm = (struct vm){ 0 };
	for (; left >= NLA_HDRLEN; left -= NLA_ALIGN(a->nla_len),
	     a = (void *)((uint8_t *)a + NLA_ALIGN(a->nla_len))) {
		len = a->nla_len - NLA_HDRLEN;
		switch (a->nla_type) {
		case VIRTSOCK_A_CID:
			memcpy(&vm->cid, a + 1, sizeof(vm->cid));
			break;
		case VIRTSOCK_A_PID:
			memcpy(&vm->pid, a + 1, sizeof(vm->pid));
			break;
		case VIRTSOCK_A_NAME:
			if (len > sizeof(vm->name))
				die("a label of %zu bytes", len);
			memcpy(vm->name, a + 1, len);
			break;
		case VIRTSOCK_A_BACKLOG:
			memcpy(&vm->backlog, a + 1, sizeof(vm->backlog));
			break;
		case VIRTSOCK_A_HOST_PORTS:
			list_read(&vm->host, a + 1, len);
			break;
		case VIRTSOCK_A_GUEST_PORTS:
			list_read(&vm->guest, a + 1, len);
			break;
		case VIRTSOCK_A_RATE:
			memcpy(&vm->rate, a + 1, sizeof(vm->rate));
			break;
		case VIRTSOCK_A_CALLS:
			memcpy(&vm->calls, a + 1, sizeof(vm->calls));
			break;
		}
	}
}

void nl_send(int fd, const void *data, size_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };

	if (sendto(fd, data, len, 0, nl_blind ? NULL : (void *)&to,
		   nl_blind ? 0 : sizeof(to)) != (ssize_t)len)
		die("sendto: %s", strerrorname_np(errno));
}

/* Until the end of the answer to @seq. Return: 0 or a negative errno. */
int nl_wait(int fd, uint32_t seq, struct answer *answer)
{
	static union {
		struct nlmsghdr h;
		uint8_t b[65536];
	} in;
	const struct nlmsghdr *h;
	ssize_t len;
	int err;

	for (;;) {
		len = recv(fd, &in, sizeof(in), 0);
		if (len < 0)
			die("no answer: %s", strerrorname_np(errno));
		for (h = &in.h; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_seq != seq)
				die("an answer to %u, not to %u", h->nlmsg_seq, seq);
			if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
				memcpy(&err, NLMSG_DATA(h), sizeof(err));
				return err;
			}
			if (!answer)
				continue;
			if (h->nlmsg_type != family)
				answer->others++;
			else if (answer->nr == VMS_MAX)
				die("more than %d VMs", VMS_MAX);
			else
				vm_read(&answer->vm[answer->nr++], h);
		}
	}
}

int nl_ask(int fd, const struct msg *m, struct answer *answer)
{
	if (answer) {
		answer->nr = 0;
		answer->others = 0;
	}
	nl_send(fd, m, m->len);
	return nl_wait(fd, m->h.nlmsg_seq, answer);
}

/* Return: 0, with @family set, or why there is none here. */
int nl_family(int fd)
{
	static union {
		struct nlmsghdr h;
		uint8_t b[8192];
	} in;
	const struct nlattr *a = (void *)(in.b + NLMSG_HDRLEN + GENL_HDRLEN);
	struct msg m;
	ssize_t len;
	int left;

	msg_begin(&m, CTRL_CMD_GETFAMILY, 0);
	m.h.nlmsg_type = GENL_ID_CTRL;
	m.h.nlmsg_flags = NLM_F_REQUEST;
	msg_attr(&m, CTRL_ATTR_FAMILY_NAME, VIRTSOCK_GENL_NAME,
		 sizeof(VIRTSOCK_GENL_NAME));
	nl_send(fd, &m, m.len);
	len = recv(fd, &in, sizeof(in), 0);
	if (len < (ssize_t)(NLMSG_HDRLEN + sizeof(int)))
		die("no answer about the family");
	if (in.h.nlmsg_type == NLMSG_ERROR)
		return *(int *)NLMSG_DATA(&in.h);
	left = len - NLMSG_HDRLEN - GENL_HDRLEN;
	for (; left >= NLA_HDRLEN; left -= NLA_ALIGN(a->nla_len),
	     a = (void *)((uint8_t *)a + NLA_ALIGN(a->nla_len)))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, a + 1, sizeof(family));
	return family ? 0 : -ENOENT;
}
