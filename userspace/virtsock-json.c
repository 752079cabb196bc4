// SPDX-License-Identifier: GPL-2.0-only
/* A writer of JSON, just large enough for this command */
#include <inttypes.h>
#include "virtsock.h"

#define INDENT 4

/**
 * vs_json_begin() - before the first value
 * @json: the writer
 * @out: where to
 * @pretty: on many lines
 */
void vs_json_begin(struct vs_json *json, FILE *out, bool pretty)
{
	*json = (struct vs_json){ .out = out, .pretty = pretty, .first = true };
}

/**
 * vs_json_end() - after the last value
 */
void vs_json_end(struct vs_json *json)
{
	fputc('\n', json->out);
}

static void newline(struct vs_json *json)
{
	if (json->pretty)
		fprintf(json->out, "\n%*s", json->depth * INDENT, "");
}

/* Before a key, or before a value that has none */
static void separate(struct vs_json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (!json->first)
		fputc(',', json->out);
	if (json->depth)
		newline(json);
	json->first = false;
}

void vs_json_open(struct vs_json *json, char bracket)
{
	separate(json);
	fputc(bracket, json->out);
	json->depth++;
	json->first = true;
}

void vs_json_close(struct vs_json *json, char bracket)
{
	json->depth--;
	if (!json->first)
		newline(json);
	fputc(bracket, json->out);
	json->first = false;
}

static void put_string(FILE *out, const char *s)
{
	size_t n;

	fputc('"', out);
	for (; *s; s += n) {
		n = vs_utf8_length(s);
		if (!n) {
			fputs("\\ufffd", out);	/* what is not UTF-8 */
			n = 1;
		} else if (n == 1 && !vs_utf8_is_text(s)) {
			fprintf(out, "\\u%04x", (unsigned char)*s);
		} else if (n == 2 && !vs_utf8_is_text(s)) {
			fprintf(out, "\\u%04x", (unsigned char)s[1]);
		} else {
			if (*s == '"' || *s == '\\')
				fputc('\\', out);
			fwrite(s, 1, n, out);
		}
	}
	fputc('"', out);
}

void vs_json_key(struct vs_json *json, const char *key)
{
	separate(json);
	put_string(json->out, key);
	fputs(json->pretty ? ": " : ":", json->out);
	json->after_key = true;
}

void vs_json_string(struct vs_json *json, const char *value)
{
	separate(json);
	put_string(json->out, value);
}

void vs_json_number(struct vs_json *json, uint64_t value)
{
	separate(json);
	fprintf(json->out, "%" PRIu64, value);
}

/**
 * vs_json_ratio() - a fraction with two digits behind the point
 * @json: the writer
 * @part: of
 * @whole: null is written if this is 0
 */
void vs_json_ratio(struct vs_json *json, uint64_t part, uint64_t whole)
{
	separate(json);
	if (whole)
		fprintf(json->out, "%.2f", (double)part / (double)whole);
	else
		fputs("null", json->out);
}

void vs_json_bool(struct vs_json *json, bool value)
{
	separate(json);
	fputs(value ? "true" : "false", json->out);
}

void vs_json_null(struct vs_json *json)
{
	separate(json);
	fputs("null", json->out);
}
