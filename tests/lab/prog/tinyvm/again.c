// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM that boots its VM anew, in the same process: descriptors and memory of the
 * old one go, and there is a new one, as with cloud-hypervisor.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "link.h"

int again(struct tiny *t)
{
	unsigned int cid;
	uint64_t epoch;
	int fd;

	expect("first", "HELLO", 0, hello(t));
	expect("first", "REGISTER", 0, set_up(t, RING));
	expect("first", "FLUSH", 0, flush(t, 0, 0, RX));
	cid = the_link.cid;
	epoch = the_link.epoch;
	fd = host_connects();

	munmap(t->run, 4096);
	close(t->vcpu);
	close(t->vm);
	munmap(t->mem, MEM_SIZE);
	tiny_make(t, TINY_LONG);
	expect("second", "HELLO", 0, hello(t));
	expect("second", "has the CID", cid, the_link.cid);
	expect("second", "has a link of its own", 1, the_link.epoch != epoch);
	expect("second", "REGISTER", 0, set_up(t, RING));
	host_is_reset("first", fd);
	expect("second", "FLUSH", 0, flush(t, 0, VIRTSOCK_FF_ARM, RX));

	/* There is no third one to say so, but the host rings for this one in vain. */
	fd = host_connects();
	munmap(t->run, 4096);
	close(t->vcpu);
	close(t->vm);
	munmap(t->mem, MEM_SIZE);
	host_is_reset("second", fd);
	printf("%d passed, %d failed\n", number - failed, failed);
	return !!failed;
}
