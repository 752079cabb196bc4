// SPDX-License-Identifier: GPL-2.0-only
/* How a half says what went wrong, even one that hangs and is killed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vsapi.h"

/* Shared with the parent, which tells about a child that hangs. */
static struct report {
	const char *file;
	int line;
	char text[200];
	char out[260];
} *report;

static bool aloud;

/* Before the fork of each half. */
void report_init(void)
{
	if (!report)
		report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(report, 0, sizeof(*report));
}

const char *report_text(void)
{
	const char *name = report->file ? strrchr(report->file, '/') : NULL;

	snprintf(report->out, sizeof(report->out), "%s:%d %s",
		 name ? name + 1 : report->file ?: "?", report->line,
		 report->text);
	return report->out;
}

void report_here(const char *file, int line)
{
	report->file = file;
	report->line = line;
}

/* What would help to understand a failure that may follow */
void report_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->text, sizeof(report->text), fmt, ap);
	va_end(ap);
}

/* There is no parent who tells. */
void report_aloud(void)
{
	aloud = true;
}

void report_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->text, sizeof(report->text), fmt, ap);
	va_end(ap);
	if (aloud) {
		printf("FAIL: vsapi: %s\n", report_text());
		fflush(stdout);
	}
	_exit(1);
}
