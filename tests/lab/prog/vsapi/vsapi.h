/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vsapi: what the socket API promises, as named subtests in two halves. The
 * subject's half runs where `vsapi run` was called, the helper's half where
 * `vsapi serve` was. Nothing in here knows which transport carries them.
 */
#ifndef VSAPI_H
#define VSAPI_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/vm_sockets.h>

#include "../content.h"

#define STREAM	1
#define SEQ	2
#define BOTH	(STREAM | SEQ)

/* One subtest. A half may be missing where the other needs no company. */
struct vsapi_test {
	const char *name;
	unsigned int types;
	void (*subject)(void);
	void (*helper)(void);
};

struct vsapi_group {
	const char *name;
	const struct vsapi_test *tests;
};

extern const struct vsapi_group vsapi_groups[];

/* This half of the subtest at work */
struct vsapi_half {
	bool subject;
	int type;		/* SOCK_STREAM or SOCK_SEQPACKET */
	unsigned int cid;	/* the peer's */
	int ctl;		/* to the other half */
};

extern struct vsapi_half me;

/* report.c: how a half fails; the line of the last call is kept for timeouts */
void report_init(void);
void report_aloud(void);
const char *report_text(void);
void report_here(const char *file, int line);
void report_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void report_fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

#define HERE() report_here(__FILE__, __LINE__)

#define FAIL(...) \
	do { \
		HERE(); \
		report_fail(__VA_ARGS__); \
	} while (0)

/* The call must not return -1; its value */
#define NEED(call) \
	({ \
		long need_ret; \
		HERE(); \
		need_ret = (long)(call); \
		if (need_ret == -1) \
			report_fail("%s: %s", #call, strerrorname_np(errno)); \
		need_ret; \
	})

/* The call must fail with this errno */
#define REFUSED(err, call) \
	do { \
		int refused_err = (err); \
		long refused_ret; \
		HERE(); \
		errno = 0; \
		refused_ret = (long)(call); \
		if (refused_ret != -1 || errno != refused_err) \
			report_fail("%s: %ld %s, expected %s", #call, refused_ret, \
				    strerrorname_np(errno), strerrorname_np(refused_err)); \
	} while (0)

#define EQUAL(is, must) \
	do { \
		long long equal_is, equal_must; \
		HERE(); \
		equal_is = (long long)(is); \
		equal_must = (long long)(must); \
		if (equal_is != equal_must) \
			report_fail("%s is %lld, expected %s %lld", #is, \
				    equal_is, #must, equal_must); \
	} while (0)

#define TRUE(cond) \
	do { \
		HERE(); \
		if (!(cond)) \
			report_fail("not true: %s", #cond); \
	} while (0)

/* Wait for a condition, 15 s at most. */
#define UNTIL(cond) \
	do { \
		uint64_t until_end = now_ms() + 15000; \
		HERE(); \
		while (!(cond)) { \
			if (now_ms() > until_end) \
				report_fail("never true: %s", #cond); \
			nap(2); \
		} \
	} while (0)

/* ctl.c: between the halves */
void tell(uint64_t val);
uint64_t hear(void);
uint64_t swap(uint64_t val);
void meet(void);

/* sock.c */
bool kernel_before(int major, int minor);
int core_errno(int err);
int sock_new(void);
int sock_flags(int flags);
void set_int(int fd, int name, int val);
int get_int(int fd, int name);
void set_u64(int fd, int name, uint64_t val);
uint64_t get_u64(int fd, int name);
int sock_error(int fd);
unsigned int sock_port(int fd);
unsigned int own_cid(void);
int bind_any(int fd, unsigned int cid, unsigned int port);
int listen_new(void);
int listen_on(int fd, int backlog);
int connect_to(int fd, unsigned int port);
int connect_cid(int fd, unsigned int cid, unsigned int port);
int pair(void);
int pair_from(int fd);
void nonblock(int fd, bool on);
int wait_for(int fd, int events, int ms);

/* data.c */
uint64_t now_ms(void);
void nap(unsigned int ms);
size_t rnd(uint64_t *state, size_t min, size_t max);
void fill(uint64_t off, void *buf, size_t len);
void check(uint64_t off, const void *buf, size_t len);
void send_all(int fd, uint64_t off, size_t len);
void recv_all(int fd, uint64_t off, size_t len);
uint64_t send_pieces(int fd, uint64_t off, size_t total, size_t max);
void recv_pieces(int fd, uint64_t off, size_t total, size_t max);
void drain(int fd, uint64_t off, uint64_t total);
uint64_t fill_up(int fd, size_t piece);
void expect_eof(int fd);
uint8_t *big_buf(size_t len);
uint8_t *holed(size_t good);

#endif
