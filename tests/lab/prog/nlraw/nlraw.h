/* SPDX-License-Identifier: GPL-2.0-only */
/* Netlink as nobody's library would send it, and what the host must answer */
#ifndef _NLRAW_H
#define _NLRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/virtsock.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* No process has, or will have, such a number */
#define PID_NONE	4194305u

#define NAME_MAX_LEN	63
#define BACKLOG_DEFAULT	(8u << 20)

struct list {
	unsigned int nr;
	struct virtsock_port_range range[VIRTSOCK_PORT_RANGES_MAX];
};

/* A VM as it is configured */
struct vm {
	uint32_t cid, pid, backlog, calls;
	uint64_t rate;
	char name[NAME_MAX_LEN + 1];
	struct list host, guest;
};

/* A request, perhaps not well formed: h.nlmsg_len is what it says, len what is */
struct msg {
	union {
		struct nlmsghdr h;
		uint8_t b[8192];
	};
	size_t len;
};

#define VMS_MAX	64

/* What came before the end of an answer */
struct answer {
	struct vm vm[VMS_MAX];
	unsigned int nr;
	unsigned int others;	/* messages that are no VMs */
};

#define CIDS	8
#define PIDS	4

/* A part of the host's table that nobody else changes, as it should be */
struct world {
	uint32_t cid[CIDS];
	pid_t pid[PIDS];	/* processes to give them to */
	struct vm vm[CIDS];
	unsigned int nr;
	bool admin;
	uint64_t rnd;
};

/* An answer of struct world's that only the kernel knows */
#define EITHER_EPERM	(-4096)	/* -EPERM or -EOPNOTSUPP */
#define NOT_OURS	(-4097)	/* nothing to send: it is about others */

/* sock.c */
extern uint16_t family;
extern bool nl_blind;	/* as a program that only writes, wherever that goes */

noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *name_of(int err);
int nl_open(void);
int nl_family(int fd);
void msg_begin(struct msg *m, int cmd, int flags);
void msg_attr(struct msg *m, int type, const void *data, size_t len);
int nl_ask(int fd, const struct msg *m, struct answer *answer);
void nl_send(int fd, const void *data, size_t len);
int nl_wait(int fd, uint32_t seq, struct answer *answer);

/* model.c */
int world_expects(struct world *w, const struct msg *m);
void world_check(const struct world *w, int fd);
void world_forget_pid(struct world *w, pid_t pid);

/* process.c */
pid_t process_fork(pid_t wanted);
pid_t process_new(pid_t wanted);
void process_end(pid_t pid);
void world_init(struct world *w, unsigned int number, uint64_t seed);
void world_exit(struct world *w, int fd);

/* random.c */
void random_run(struct world *w, int fd, unsigned int count);

/* table.c */
void table_run(void);
void nobody_run(void);

#endif
