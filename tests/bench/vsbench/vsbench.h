/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vsbench: measures throughput and latency of one kind of socket, in the same
 * way for all kinds. 'vsbench serve' waits on any number of addresses; a client
 * says by a control connection what the server has to do, opens the data
 * connections, and prints one line of JSON.
 */
#ifndef VSBENCH_H
#define VSBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_MAGIC	0x62737631u
#define CHUNK		65536u		/* what a stream's reader asks for */
#define MAX_CONNS	2048

enum role { ROLE_SINK, ROLE_SOURCE, ROLE_ECHO, ROLE_PING };

/* What the server does; a client tells it first. */
struct request {
	uint32_t magic;
	uint32_t role;
	uint32_t type;		/* SOCK_STREAM or SOCK_SEQPACKET */
	uint32_t size;
	uint32_t n;		/* connections */
	uint32_t sockbuf;	/* 0: leave it */
	uint32_t rounds;	/* ping: at most, for each phase */
	uint32_t zerocopy;
	uint32_t multi;		/* epoll, even for one connection */
	uint32_t every_us;	/* ping of one connection: not more often */
	uint32_t cap_ms;	/* gives up after this time */
};

/* Its answer: where the data connections go. */
struct answer {
	uint32_t error;
	uint32_t port;
};

/* A phase starts; the sender sends for this time. */
struct go {
	uint32_t usecs;
};

struct cpu {
	uint64_t busy, guest, steal, idle;	/* in 10 ms */
	uint64_t ctxt, intr;
};

/* What the server saw in a phase; 'samples' u32 follow. */
struct done {
	uint32_t error;
	uint32_t samples;
	uint64_t bytes, messages, calls, copied;
	struct cpu cpu;
	char what[64];
};

struct addr {
	int family;
	char host[64];		/* CID, IPv4 address or abstract name */
	unsigned int port;
};

/* One side of the data connections. */
struct side {
	struct request req;
	int fd[MAX_CONNS];
	uint32_t pos[MAX_CONNS];	/* in the text */
	struct done done;
	uint32_t *sample;		/* ns */
};

/* util.c */
_Noreturn void fail(const char *what);
_Noreturn void fail_with(const char *what, int err);
extern void (*on_fail)(const char *what, int err);
uint64_t now_ns(void);
void cap(unsigned int ms);
void phase_timer(unsigned int usecs);
void sleep_until(uint64_t ns);
extern volatile bool time_is_up;
void put_all(int fd, const void *buf, size_t len);
void get_all(int fd, void *buf, size_t len);
void cpu_read(struct cpu *cpu);
void cpu_since(struct cpu *cpu, const struct cpu *before);

/* text.c */
extern const char *text;
extern uint32_t text_len;
void text_load(const char *path);
uint32_t text_next(uint32_t pos, uint32_t len);
bool text_check(uint32_t *pos, const char *buf, size_t len);

/* sock.c */
void parse_addr(const char *s, struct addr *a);
int bench_listen(const struct addr *a, int type, unsigned int sockbuf,
		 struct answer *port);
int bench_connect(const struct addr *a, int type, unsigned int sockbuf);
void no_delay(const struct addr *a, int fd);

/* stream.c, multi.c, ping.c: one phase each; results in side->done */
void source(struct side *s, unsigned int usecs);
void sink(struct side *s);
void source_multi(struct side *s, unsigned int usecs);
void sink_multi(struct side *s);
void ping(struct side *s, unsigned int usecs);
void echo(struct side *s);
void ping_multi(struct side *s, unsigned int usecs);
void echo_multi(struct side *s);
bool send_some(struct side *s, unsigned int i, const char *buf, size_t len,
	       size_t *sent, int flags);
void make_epoll(struct side *s, uint32_t events, bool nonblock);
extern int epfd;

/* zerocopy.c */
void zerocopy_on(int fd);
ssize_t zerocopy_send(struct side *s, int fd, const char *buf, size_t len);
void zerocopy_wait(struct side *s, int fd);

/* phase.c */
void run_phase(struct side *s, enum role which, unsigned int usecs);

/* spin.c */
int spin(unsigned int usecs);

/* serve.c, client.c */
_Noreturn void serve(int argc, char **argv);
int client(int argc, char **argv);

#endif
