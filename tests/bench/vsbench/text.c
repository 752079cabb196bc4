// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is sent: real text, the same file on both sides, taken round and round.
 * It is sent from where it lies and compared with where it lies, so content
 * costs a sender nothing and every receiver one look at either.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsbench.h"

const char *text;
uint32_t text_len;

/* The file, and its beginning again, so that no message or chunk wraps. */
void text_load(const char *path)
{
	struct stat st;
	uint32_t got = 0;
	char *buf;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		fail(path);
	if (st.st_size < 2 * CHUNK || st.st_size > 64 << 20)
		fail_with("the text is too short or too long", EINVAL);
	buf = aligned_alloc(4096, (st.st_size + CHUNK + 4095) & ~4095ul);
	if (!buf)
		fail("memory");
	for (; got < st.st_size; got += n) {
		n = read(fd, buf + got, st.st_size - got);
		if (n <= 0)
			fail("read the text");
	}
	close(fd);
	if (memchr(buf, 0, got))
		fail_with("there is a NUL in the text", EINVAL);
	memcpy(buf + got, buf, CHUNK);
	text = buf;
	text_len = got;
}

uint32_t text_next(uint32_t pos, uint32_t len)
{
	pos += len;
	return pos < text_len ? pos : pos - text_len;
}

/*
 * As memcmp() == 0, in words: on an emulated CPU the vector instructions of
 * libc's take twice as long, as much as a copy does.
 */
static bool same(const char *a, const char *b, size_t n)
{
	uint64_t x, y, differs = 0;

	for (; n >= sizeof(x); n -= sizeof(x)) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		differs |= x ^ y;
		a += sizeof(x);
		b += sizeof(y);
	}
	return !differs && !memcmp(a, b, n);
}

/*
 * Compare at most a chunk. True if it ends with the NUL that ends a phase;
 * anything else that differs ends the program.
 */
bool text_check(uint32_t *pos, const char *buf, size_t len)
{
	size_t n = len - !buf[len - 1];

	if (!same(buf, text + *pos, n))
		fail_with("the content differs", EBADMSG);
	*pos = text_next(*pos, n);
	return n != len;
}
