/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What labctl (host) and labagent (guest) say to each other on a virtio
 * serial port. A request carries argv, NUL separated; answers carry its nonce,
 * so what is left over from an earlier request is recognised and dropped. The
 * agent takes a request with FRAME_ACK before it runs it; a request that is not
 * taken is sent again on a new connection, as a port can lose the word that the
 * host has connected.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#include <stdint.h>

#define FRAME_MAGIC	0x3162616cu
#define FRAME_MAX	65536

enum frame_type { FRAME_RUN, FRAME_ACK, FRAME_OUT, FRAME_ERR, FRAME_EXIT };

struct frame {
	uint32_t magic;
	uint32_t nonce;
	uint32_t type;
	uint32_t len;
};

#endif
