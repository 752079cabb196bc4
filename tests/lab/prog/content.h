/* SPDX-License-Identifier: GPL-2.0-only */
/* Pseudo-random content that both ends know. */
#ifndef CONTENT_H
#define CONTENT_H

#include <stddef.h>
#include <stdint.h>

/* splitmix64 */
uint64_t mix(uint64_t x);

/* What a stream called @seed has from byte @off on */
void content_fill(uint64_t seed, uint64_t off, void *buf, size_t len);

/* Where @buf differs from it first; @len if nowhere. @want gets its byte. */
size_t content_differs(uint64_t seed, uint64_t off, const void *buf,
		       size_t len, uint8_t *want);

#endif
