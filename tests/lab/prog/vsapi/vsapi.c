// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command line, and the two halves of each subtest in processes of their own:
 *
 *   vsapi serve PORT			the helper's side; ends with its client
 *   vsapi run CID PORT NAME...		the subject's side; groups, or
 *					group.test, or all
 *   vsapi solo NAME CID PORT		a scene with a peer that is another program
 *   vsapi list
 *
 * Environment: VSAPI_KNOWN names subtests ("type.group.test", separated by
 * blanks) that may fail; VSAPI_SECS is the time for each, 30 by default.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "solo.h"
#include "vsapi.h"

struct vsapi_half me;

/* What the subject's side asks for; an empty name ends the helper. */
struct order {
	char group[16];
	char test[32];
	int type;
	unsigned int secs;
};

struct verdict {
	int failed;
	char text[260];
};

static const struct vsapi_test *find_test(const char *group, const char *name)
{
	const struct vsapi_group *g;
	const struct vsapi_test *t;

	for (g = vsapi_groups; g->name; g++)
		for (t = g->tests; t->name; t++)
			if (!strcmp(g->name, group) && !strcmp(t->name, name))
				return t;
	return NULL;
}

/* Run this side's half in a child. */
static void run_half(void (*half)(void), unsigned int secs, struct verdict *v)
{
	int status;
	pid_t pid;

	memset(v, 0, sizeof(*v));
	report_init();
	if (!half)
		return;
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		v->failed = 1;
		return;
	}
	if (!pid) {
		setpgid(0, 0);
		alarm(secs);
		half();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	/* Whatever it started */
	kill(-pid, SIGKILL);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	v->failed = 1;
	if (WIFSIGNALED(status))
		snprintf(v->text, sizeof(v->text), "%s at %s",
			 WTERMSIG(status) == SIGALRM ? "hangs" :
			 strsignal(WTERMSIG(status)), report_text());
	else
		snprintf(v->text, sizeof(v->text), "%s", report_text());
}

static int read_full(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len ? 0 : -1;
}

static void serve_one(int ctl, const struct order *o)
{
	const struct vsapi_test *t = find_test(o->group, o->test);
	struct verdict v = { .failed = 1, .text = "no such test" };
	struct sockaddr_vm peer = {};
	socklen_t len = sizeof(peer);

	getpeername(ctl, (struct sockaddr *)&peer, &len);
	me = (struct vsapi_half){
		.type = o->type,
		.cid = peer.svm_cid,
		.ctl = ctl,
	};
	if (t)
		run_half(t->helper, o->secs, &v);
	/* Behind everything that the half had to tell. */
	send(ctl, &v, sizeof(v), MSG_NOSIGNAL);
	shutdown(ctl, SHUT_WR);
	/* Until the other side has seen it. */
	while (recv(ctl, &v, sizeof(v), 0) > 0)
		;
}

static int serve(unsigned int port)
{
	int lfd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct order o;
	bool more = true;
	int ctl;

	if (lfd < 0 || bind_any(lfd, VMADDR_CID_ANY, port) || listen(lfd, 16)) {
		perror("vsapi: listen");
		return 2;
	}
	printf("READY\n");
	fflush(stdout);
	while (more) {
		ctl = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		if (ctl < 0) {
			perror("vsapi: accept");
			return 2;
		}
		if (!read_full(ctl, &o, sizeof(o))) {
			o.group[sizeof(o.group) - 1] = 0;
			o.test[sizeof(o.test) - 1] = 0;
			more = o.test[0];
			if (more)
				serve_one(ctl, &o);
		}
		close(ctl);
	}
	return 0;
}

static int call(unsigned int cid, unsigned int port, const struct order *o)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = o->secs + 20 };

	if (fd < 0 || connect_cid(fd, cid, port) ||
	    send(fd, o, sizeof(*o), MSG_NOSIGNAL) != sizeof(*o)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* What the helper's side said last is its verdict. */
static void other_verdict(int ctl, struct verdict *v)
{
	static char buf[1 << 16];
	size_t used = 0;
	ssize_t n;

	/* A helper that waits for us learns that nothing comes any more. */
	shutdown(ctl, SHUT_WR);
	while ((n = recv(ctl, buf + used, sizeof(buf) - used, 0)) > 0)
		used += n;
	if (used >= sizeof(*v)) {
		memcpy(v, buf + used - sizeof(*v), sizeof(*v));
		return;
	}
	v->failed = 1;
	snprintf(v->text, sizeof(v->text), "no verdict (%zu bytes, %s)", used,
		 n ? strerrorname_np(errno) : "end of file");
}

static bool known(const char *name)
{
	const char *list = getenv("VSAPI_KNOWN") ?: "", *p = list;
	size_t len = strlen(name);

	for (; (p = strstr(p, name)); p += len)
		if ((p == list || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

static int nr, failures;

static void run_test(unsigned int cid, unsigned int port, const char *group,
		     const struct vsapi_test *t, int type)
{
	const char *type_name = type == SOCK_STREAM ? "stream" : "seqpacket";
	const char *secs = getenv("VSAPI_SECS");
	struct order o = { .type = type, .secs = secs ? atoi(secs) : 30 };
	struct verdict mine = {}, other = {};
	uint64_t began = now_ms();
	char name[80];
	int ctl;

	snprintf(name, sizeof(name), "%s.%s.%s", type_name, group, t->name);
	snprintf(o.group, sizeof(o.group), "%s", group);
	snprintf(o.test, sizeof(o.test), "%s", t->name);
	/* One that is known to hang need not do so for long. */
	if (known(name))
		o.secs = 5;
	ctl = call(cid, port, &o);
	if (ctl < 0) {
		mine.failed = 1;
		snprintf(mine.text, sizeof(mine.text), "no helper: %s",
			 strerrorname_np(errno));
	} else {
		me = (struct vsapi_half){
			.subject = true, .type = type, .cid = cid, .ctl = ctl,
		};
		run_half(t->subject, o.secs, &mine);
		other_verdict(ctl, &other);
		close(ctl);
	}
	nr++;
	if (!mine.failed && !other.failed) {
		printf("ok %d %s # %llu ms\n", nr, name,
		       (unsigned long long)(now_ms() - began));
	} else {
		printf("not ok %d %s #%s subject: %s; helper: %s\n", nr, name,
		       known(name) ? " TODO" : "",
		       mine.failed ? mine.text : "ok",
		       other.failed ? other.text : "ok");
		if (!known(name)) {
			failures++;
			printf("FAIL: %s\n", name);
		}
	}
	fflush(stdout);
}

static bool wanted(const char *group, const char *test, char **names)
{
	char full[64];

	snprintf(full, sizeof(full), "%s.%s", group, test);
	for (; *names; names++)
		if (!strcmp(*names, "all") || !strcmp(*names, group) ||
		    !strcmp(*names, full))
			return true;
	return false;
}

static int run(unsigned int cid, unsigned int port, char **names)
{
	const struct vsapi_group *g;
	const struct vsapi_test *t;
	struct order quit = {};
	int ctl;

	printf("KTAP version 1\n");
	for (g = vsapi_groups; g->name; g++) {
		for (t = g->tests; t->name; t++) {
			if (!wanted(g->name, t->name, names))
				continue;
			if (t->types & STREAM)
				run_test(cid, port, g->name, t, SOCK_STREAM);
			if (t->types & SEQ)
				run_test(cid, port, g->name, t, SOCK_SEQPACKET);
		}
	}
	printf("1..%d\n", nr);
	ctl = call(cid, port, &quit);
	if (ctl >= 0)
		close(ctl);
	printf("%d passed, %d failed\n", nr - failures, failures);
	return failures || !nr;
}

static int list(void)
{
	const struct vsapi_group *g;
	const struct vsapi_test *t;

	for (g = vsapi_groups; g->name; g++)
		for (t = g->tests; t->name; t++)
			printf("%s.%s%s%s\n", g->name, t->name,
			       t->types & STREAM ? " stream" : "",
			       t->types & SEQ ? " seqpacket" : "");
	return 0;
}

static int solo(const char *name, unsigned int cid, unsigned int port)
{
	const struct vsapi_solo *s;

	for (s = vsapi_solos; s->name && strcmp(s->name, name); s++)
		;
	if (!s->name) {
		fprintf(stderr, "vsapi: no scene %s\n", name);
		return 2;
	}
	me = (struct vsapi_half){
		.subject = true, .type = SOCK_STREAM, .cid = cid, .ctl = -1,
	};
	report_init();
	report_aloud();
	alarm(60);
	s->run(port);
	printf("ok %s\n", name);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 5 && !strcmp(argv[1], "solo"))
		return solo(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc >= 5 && !strcmp(argv[1], "run"))
		return run(atoi(argv[2]), atoi(argv[3]), argv + 4);
	fprintf(stderr, "usage: vsapi serve PORT | run CID PORT NAME... | solo NAME CID PORT | list\n");
	return 2;
}
