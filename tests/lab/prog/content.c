// SPDX-License-Identifier: GPL-2.0-only
/* Pseudo-random content that both ends know. */
#include <string.h>

#include "content.h"

uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static uint8_t byte_at(uint64_t seed, uint64_t off)
{
	return mix((seed << 40) + off / 8) >> (off % 8 * 8);
}

void content_fill(uint64_t seed, uint64_t off, void *buf, size_t len)
{
	uint8_t *p = buf;
	uint64_t word;

	for (; len && off % 8; len--)
		*p++ = byte_at(seed, off++);
	for (; len >= 8; len -= 8, off += 8, p += 8) {
		word = mix((seed << 40) + off / 8);
		memcpy(p, &word, 8);
	}
	for (; len; len--)
		*p++ = byte_at(seed, off++);
}

size_t content_differs(uint64_t seed, uint64_t off, const void *buf,
		       size_t len, uint8_t *want)
{
	const uint8_t *p = buf;
	uint8_t right[4096];
	size_t done, n, i;

	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(right) ? len - done : sizeof(right);
		content_fill(seed, off + done, right, n);
		if (!memcmp(right, p + done, n))
			continue;
		for (i = 0; right[i] == p[done + i]; i++)
			;
		*want = right[i];
		return done + i;
	}
	return len;
}
