/* SPDX-License-Identifier: GPL-2.0-only */
/* storm: many connections at once, each by a plan that its client sends first */
#ifndef STORM_H
#define STORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum storm_end {
	END_FULL,	/* everything, then shutdown(SHUT_WR) and end of file */
	END_CLOSE,	/* the client closes with data unread */
	END_LINGER,	/* the same with SO_LINGER 0 */
	END_SHUT,	/* the client shuts both ways down while it sends and receives */
	END_SERVER,	/* the server closes with data unread */
	END_NR,
	END_QUIT = 0x51	/* no traffic: the server shall end */
};

/* What the client says first; both ends are the same machine type */
struct storm_plan {
	uint32_t magic;
	uint32_t end;
	uint64_t seed;
	uint32_t to_server;	/* messages */
	uint32_t to_client;
	uint32_t end_at;	/* END_* other than FULL: after so many of its own */
	uint32_t nonblock;
};

#define STORM_MAGIC 0x53544f52u

/* Before each message: which one this is */
struct storm_head {
	uint32_t len;		/* with this header */
	uint32_t nr;
	uint64_t seed;
};

#define STORM_MSG_MAX 70000u

/* A connection, as its two threads and the watchdog see it */
struct storm_conn {
	int fd;
	int type;
	bool server;
	struct storm_plan plan;
	atomic_bool taken;	/* by a thread, which fills in the rest */
	atomic_bool used;	/* there is something to watch */
	atomic_bool ending;	/* this end breaks off: errors are expected */
	atomic_uint sent, rcvd;
	atomic_ullong moved;	/* ms, when something moved last */
	const char *doing;
};

struct storm_count {
	atomic_ullong conns, full, broken, retries, sent, rcvd, bytes;
	atomic_ullong in, out;	/* bytes that recv() gave and send() took */
};

extern struct storm_count storm_count;

/* storm-io.c */
bool storm_error(struct storm_conn *c, const char *what, int err);
void storm_io_init(void);
void storm_moved(struct storm_conn *c, const char *doing);
int storm_wait(struct storm_conn *c, short events);
bool storm_send(struct storm_conn *c, uint64_t seed, uint32_t count);
bool storm_recv(struct storm_conn *c, uint64_t seed, uint32_t count);

#endif
