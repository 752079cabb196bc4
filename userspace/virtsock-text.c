// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text from elsewhere, safe to print. A process chooses its command name, so
 * what comes from the kernel may hold anything, a terminal's escapes as well.
 */
#include <string.h>
#include "virtsock.h"

/**
 * vs_utf8_length() - bytes of the first character
 * @s: not empty
 *
 * Return: 1 to 4; 0 if it is not UTF-8.
 */
size_t vs_utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c, least;
	size_t n, i;

	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf) {
		n = 2;
		least = 0x80;
		c = u[0] & 0x1f;
	} else if ((u[0] & 0xf0) == 0xe0) {
		n = 3;
		least = 0x800;
		c = u[0] & 0x0f;
	} else if (u[0] >= 0xf0 && u[0] <= 0xf4) {
		n = 4;
		least = 0x10000;
		c = u[0] & 0x07;
	} else {
		return 0;
	}
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;	/* the end of the string as well */
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

/**
 * vs_utf8_is_text() - does a terminal take the first character for text?
 * @s: not empty, begins with UTF-8
 *
 * Return: false for a control character, U+0000 to U+001F or U+007F to U+009F.
 */
bool vs_utf8_is_text(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	return u[0] >= 0x20 && u[0] != 0x7f &&
	       !(u[0] == 0xc2 && u[1] <= 0x9f);
}

/* Bytes of the first character if it is text, else 0 */
static size_t printable_length(const char *s)
{
	size_t n = vs_utf8_length(s);

	return n && vs_utf8_is_text(s) ? n : 0;
}

/**
 * vs_is_printable() - is all of it text?
 * @s: may be empty
 */
bool vs_is_printable(const char *s)
{
	size_t n;

	for (; *s; s += n) {
		n = printable_length(s);
		if (!n)
			return false;
	}
	return true;
}

/**
 * vs_print_word() - print as one word, whatever it is
 * @out: where to
 * @s: in quotes if it is empty or holds more than letters and the like
 */
void vs_print_word(FILE *out, const char *s)
{
	const char *p;
	bool plain = *s;
	size_t n;

	for (p = s; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
			plain = false;
	if (plain) {
		fputs(s, out);
		return;
	}
	fputc('"', out);
	for (; *s; s += n) {
		n = printable_length(s);
		if (!n) {
			fprintf(out, "\\x%02x", (unsigned char)*s);
			n = 1;
			continue;
		}
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fwrite(s, 1, n, out);
	}
	fputc('"', out);
}
