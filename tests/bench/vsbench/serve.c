// SPDX-License-Identifier: GPL-2.0-only
/* serve: a process for each client; it does what the client asks for. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsbench.h"

#define MAX_ADDRS	8

static int control;

/* The client learns why, if it can still be told. */
static void tell(const char *what, int err)
{
	struct done done = { .error = err };

	snprintf(done.what, sizeof(done.what), "%s", what);
	send(control, &done, sizeof(done), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void work(struct addr a)
{
	static struct side s;
	struct answer answer = {};
	unsigned int i;
	struct go go;
	int lfd;

	on_fail = tell;
	cap(20000);
	get_all(control, &s.req, sizeof(s.req));
	if (s.req.magic != BENCH_MAGIC || !s.req.n || s.req.n > MAX_CONNS ||
	    !s.req.size || s.req.size > CHUNK || s.req.rounds > 1 << 20 ||
	    s.req.role > ROLE_PING)
		fail_with("a bad request", EINVAL);
	cap(s.req.cap_ms);
	a.port = 0;
	lfd = bench_listen(&a, s.req.type, s.req.sockbuf, &answer);
	put_all(control, &answer, sizeof(answer));
	for (i = 0; i < s.req.n; i++) {
		s.fd[i] = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		if (s.fd[i] < 0)
			fail("accept");
		if (s.req.role >= ROLE_ECHO)
			no_delay(&a, s.fd[i]);
		if (s.req.zerocopy && s.req.role == ROLE_SOURCE)
			zerocopy_on(s.fd[i]);
	}
	close(lfd);
	s.sample = calloc(s.req.rounds + s.req.n, sizeof(*s.sample));
	if (!s.sample)
		fail("memory");
	/* A client that closes the control connection has all it wants. */
	while (recv(control, &go, sizeof(go), MSG_WAITALL) == sizeof(go)) {
		run_phase(&s, s.req.role, go.usecs);
		put_all(control, &s.done, sizeof(s.done));
		if (s.done.samples)
			put_all(control, s.sample,
				s.done.samples * sizeof(*s.sample));
	}
	_exit(0);
}

/* Text has been read before: a client's process shares it. */
void serve(int argc, char **argv)
{
	struct pollfd pfd[MAX_ADDRS];
	struct addr addr[MAX_ADDRS];
	int i;

	if (argc < 1 || argc > MAX_ADDRS)
		fail_with("serve ADDRESS...", EINVAL);
	signal(SIGCHLD, SIG_IGN);
	for (i = 0; i < argc; i++) {
		parse_addr(argv[i], &addr[i]);
		pfd[i].fd = bench_listen(&addr[i], SOCK_STREAM, 0, NULL);
		pfd[i].events = POLLIN;
	}
	puts("READY");
	fflush(stdout);
	for (;;) {
		if (poll(pfd, argc, -1) < 0)
			continue;
		for (i = 0; i < argc; i++) {
			if (!(pfd[i].revents & POLLIN))
				continue;
			control = accept4(pfd[i].fd, NULL, NULL, SOCK_CLOEXEC);
			if (control < 0)
				continue;
			if (!fork())
				work(addr[i]);
			close(control);
		}
	}
}
