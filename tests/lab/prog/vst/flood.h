/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floods: what both ends know of one connection, its writer, its reader.
 * flood.c goes through the cases; writer.c and reader.c are one end each.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flood_writer { WRITE_BLOCKING, WRITE_POLL, WRITE_EDGE, WRITERS };
enum flood_reader { READ_MUCH, READ_SLOW, READ_BYTE, READERS };

/* Which end sends, and which end has its buffer set */
enum flood_end { END_CLIENT = 1, END_SERVER = 2, END_BOTH = 3 };

/**
 * struct flood_case - one connection, as the client describes it to the server
 * @type: SOCK_STREAM or SOCK_SEQPACKET
 * @from: enum flood_end: who sends
 * @writer: enum flood_writer
 * @reader: enum flood_reader
 * @late: nothing is read before the senders are blocked
 * @third: meanwhile another connection is made and used
 * @end: nothing follows
 * @sized: enum flood_end: who has @buf
 * @min: shortest message
 * @max: longest
 * @count: messages, beyond those that fit unread if @late
 * @buf: buffer size, 0: the default
 * @resize: the readers' buffer size from their first read on, 0: unchanged
 * @again: the same after some more reads
 * @seed: of the content
 */
struct flood_case {
	uint32_t type, from, writer, reader;
	uint32_t late, third, end, sized;
	uint32_t min, max;
	uint64_t count, buf, resize, again, seed;
};

/* What was sent, or received; and how long its reader waited in vain */
struct flood_pos {
	uint64_t msgs, bytes;
	uint32_t stalls, longest;
};

/**
 * struct flood_sender - a sending end
 * @fd: its socket
 * @c: the case
 * @seed: of its content
 * @thread: the thread
 * @sent: messages that send() has taken
 * @goal: where to stop
 * @done: it has stopped
 * @bytes: in those messages; its own
 */
struct flood_sender {
	int fd;
	const struct flood_case *c;
	uint64_t seed;
	pthread_t thread;
	atomic_ullong sent, goal;
	atomic_bool done;
	uint64_t bytes;
};

/*
 * Who waits longer than this for a flood to go on was woken by accident, if the machine
 * itself did not stand still: it would have come to that many of flood_ticks().
 */
#define FLOOD_STALL_MS 700
#define FLOOD_STALL_TICKS 50

/* After so long without progress somebody is stuck */
#define FLOOD_STUCK_MS 30000

size_t flood_len(const struct flood_case *c, uint64_t seed, uint64_t k);
void flood_describe(const struct flood_case *c, char *text, size_t size);
unsigned int flood_ticks(void);
_Noreturn void flood_stuck(const struct flood_case *c, int fd, const char *who,
			   uint64_t msgs);

/* writer.c */
void flood_start(struct flood_sender *s);
uint64_t flood_blocked(struct flood_sender *s);
void flood_finish(struct flood_sender *s);

/* reader.c: read until the end of file */
struct flood_pos flood_read(int fd, const struct flood_case *c, uint64_t seed);
void flood_resize(int fd, uint64_t size);

#endif
