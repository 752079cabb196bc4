/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vst: exercises AF_VSOCK sockets for the lab's cases. Nothing in here knows
 * which transport carries them.
 */
#ifndef VST_H
#define VST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../content.h"

struct vst_opts {
	unsigned int cid;	/* peer; own address is always any */
	unsigned int port;
	int type;		/* SOCK_STREAM or SOCK_SEQPACKET */
	size_t min, max;	/* size=N or size=A-B */
	uint64_t count;		/* messages */
	uint64_t seed;
	unsigned int n;		/* connections */
	unsigned int slow;	/* ms before the first read */
	unsigned int within;	/* ms: bound on what is expected */
	unsigned int delay;	/* ms before the one send that matters */
	size_t chunk;		/* read size of a stream */
	uint64_t buf;		/* SO_VM_SOCKETS_BUFFER_SIZE */
	bool server;		/* the listening side */
	bool nonblock;		/* poll and non-blocking sends */
	bool polls;		/* poll before each send, too */
	bool et;		/* edge-triggered epoll and non-blocking sends */
	bool chaos;		/* storm: links end meanwhile */
	bool eor, trunc;	/* seqpacket: MSG_EOR, MSG_TRUNC */
	const char *counter;	/* file with the VM's hypercall count */
	const char *dev;	/* vsockmon's network device */
	const char *expect;	/* errno names, comma separated */
	uint64_t nr;		/* vmcall: number */
	const char *set;	/* flood: which cases */
	bool full, verbose;	/* flood: all of them; each is said */
	unsigned int lport;	/* client: own port */
	const char *go;		/* a file: wait until it exists */
	const char *end;	/* spool: close, half or hold */
};

extern struct vst_opts opt;

/* util.c */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die_errno(const char *what);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void expect_errno(const char *what, int err);
uint64_t now_us(void);
void sleep_ms(unsigned int ms);
size_t msg_len(uint64_t seed, uint64_t k);
void fill(uint64_t seed, uint64_t off, uint8_t *buf, size_t len);
void check(uint64_t seed, uint64_t off, const uint8_t *buf, size_t len);
int64_t counter(void);

/* sock.c */
int vst_socket(void);
int vst_client(void);
int vst_connect(void);
void vst_patient(int fd);
int vst_try_connect(int fd);
int vst_listen(void);
void vst_bind_listen(int fd);
int vst_accept(int lfd);
void write_all(int fd, const void *buf, size_t len);
void read_all(int fd, void *buf, size_t len);
void expect_eof(int fd);
void set_nonblock(int fd);
void wait_readable(int fd);
void wait_go(void);

/* transfer.c: the two halves of a transfer */
void send_messages(int fd, uint64_t seed);
void recv_messages(int fd, uint64_t seed);

/* unfair.c: how to stand still */
void *hole(int *uffd);
void fill_hole(int uffd, void *p);
void wait_asleep(pid_t pid, const char *where);

/* roles of a connected socket; each checks and ends the program on error */
void role_send(int fd);
void role_recv(int fd);
void role_bidi(int fd);
void role_ping(int fd);
void role_echo(int fd);
void role_talk(int fd);
void role_answer(int fd);
void role_half_first(int fd);
void role_half_second(int fd);
void role_hold(int fd);
void role_shut(int fd);
void role_quit(int fd);
void role_drain(int fd);
void role_flood(int fd);
void role_idle(int fd);
void role_idle_peer(int fd);
void role_pump(int fd);
void role_gauge(int fd);
void role_audience(int fd);
void role_perform(int fd);
void role_holder(int fd);

/* whole programs */
void cmd_conns(void);
void cmd_conns_server(void);
void cmd_multiplex(void);
void cmd_multiplex_server(void);
void cmd_burst(void);
void cmd_burst_server(void);
void cmd_connect_error(void);
void cmd_monitor(void);
void cmd_first(void);
void cmd_vmcall(void);
void cmd_flood(void);
void cmd_flood_server(void);
void cmd_crowd(void);
void cmd_crowd_server(void);
void cmd_engulf(void);
void cmd_engulf_server(void);
void cmd_spool(void);
void cmd_late(void);
void cmd_cling(void);
void cmd_cling_server(void);
void cmd_churn(void);
void cmd_churn_server(void);
void cmd_keep(void);
void cmd_sum(void);
void cmd_leak_mark(void);
void cmd_leak_check(void);
void cmd_crowds(void);
void cmd_drain(void);
void cmd_hoard(void);
void cmd_stuff(void);
void cmd_stuck(void);
void cmd_spin(void);
void cmd_stall(void);
void cmd_pending(void);
void cmd_ask(void);
void cmd_bound(void);
void cmd_no_transport(void);
void cmd_stand(void);
void cmd_dial(void);
void cmd_dial_stuck(void);
void cmd_storm(void);
void cmd_storm_server(void);
void cmd_bait(void);
void cmd_stand_still(void);
void cmd_half_open(void);
void cmd_cut(void);
void cmd_cut_server(void);
void cmd_tick(void);

#endif
