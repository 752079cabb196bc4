# SPDX-License-Identifier: GPL-2.0-only
#
# make                 modules for the running kernel (or KVER=…) and the command
# make install         both, into updates/ and $(prefix); KVER=…, DESTDIR=…
# make demo            a real host and guest, unchanged programs that talk
# make check           all tests;  check-quick: under 6 minutes;  check-full: more
# make check-debug     the lab's cases on a kernel that looks for faults: hours
# make conformance     the kernel's vsock tests, beside vhost-vsock
# make pair            both transports in one kernel with 4 CPUs, under stress
# make soak            traffic for an hour, all of it accounted for; MINUTES=…
# make soak-life       what ends a VM or a module, N=20 times in a row
# make bench           virtsock and its peers measured, a verdict for each target;
#                      bench-quick: every kind of measurement once, no verdicts
# make kunit-coverage  the unit tests, and which lines they reach
# make kunit, model    only the unit tests, only the protocols' models
# make fuzz            a hostile guest at length: 1,000,000 operations in the lab,
#                      and fuzz-parser longer than by itself
# make fuzz-parser     the host's record parser before a hostile guest, in user space
# make lint            only the style checks
# make modules-7.2     the guest's modules against Linux 7.2 in a trixie root

KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
MODLIB	?= $(DESTDIR)/lib/modules/$(KVER)
B	:= build/$(KVER)
KSRC	:= Kbuild net host include compat-include

all: modules command

# Each kernel has a build folder of its own, so one checkout serves several.
modules:
	@mkdir -p $(B)
	@cp -pru --remove-destination $(KSRC) $(B)/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B) $(if $(W),W=$(W)) \
		$(if $(C),C=$(C)) $(if $(CF),CF="$(CF)") modules

# For the lab: a guest that means harm, a livepatch in the way, faults on purpose
lab-modules:
	@mkdir -p $(B)/lab/include/uapi/linux
	@cp -pu tests/lab/mod/* $(B)/lab/
	@cp -pu include/uapi/linux/virtsock.h $(B)/lab/include/uapi/linux/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B)/lab $(if $(W),W=$(W)) modules

# Both sides for one kernel: the modules, with tests/pair/overlay laid over them
pair-modules:
	@mkdir -p $(B)/pair/attack
	@cp -pu tests/lab/mod/attack*.[ch] $(B)/pair/attack/
	@cp -pru --remove-destination net host include compat-include tests/pair/mod $(B)/pair/
	@cp -pr --remove-destination tests/pair/overlay/. $(B)/pair/
	@cat Kbuild tests/pair/Kbuild >$(B)/pair/Kbuild
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B)/pair $(if $(W),W=$(W)) modules

command:
	@$(MAKE) --no-print-directory -C userspace

install: all
	install -d $(MODLIB)/updates
	install -m 644 $(B)/*.ko $(MODLIB)/updates/
	$(if $(DESTDIR),,depmod $(KVER))
	@$(MAKE) --no-print-directory -C userspace install

uninstall:
	$(RM) $(addprefix $(MODLIB)/updates/,virtsock_core.ko virtsock_host.ko \
		vmw_vsock_virtsock.ko)
	$(if $(DESTDIR),,depmod $(KVER))
	@$(MAKE) --no-print-directory -C userspace uninstall

demo:
	@scripts/deps build lab
	@tests/lab/demo $(ARGS)

check:
	@tests/check all
check-quick:
	@tests/check quick
check-full:
	@tests/check full
check-debug:
	@tests/debug/run $(STAGES)

conformance:
	@scripts/deps build lab conformance
	@tests/conformance/compare $(ARGS)

pair:
	@scripts/deps build lab
	@tests/pair/run

soak:
	@scripts/deps build lab
	@tests/soak traffic $(MINUTES)
soak-life:
	@scripts/deps build lab
	@CASES="$(CASES)" tests/soak life $(N)

bench:
	@tests/bench/run $(ARGS)
bench-quick:
	@tests/bench/run --quick $(ARGS)

kunit:
	@scripts/deps kunit
	@tests/kunit/run
kunit-coverage:
	@scripts/deps kunit
	@tests/kunit/run --coverage
model:
	@tests/model/run
fuzz:
	@tests/check fuzz
fuzz-parser:
	@tests/fuzz/run $(ARGS)
lint:
	@scripts/deps build
	@tests/lint/run
modules-7.2:
	@tests/lint/build-7.2

clean:
	$(RM) -r build

.PHONY: all modules lab-modules pair-modules command install uninstall demo check \
	check-quick check-full check-debug soak soak-life bench bench-quick conformance \
	pair kunit kunit-coverage model fuzz fuzz-parser lint modules-7.2 clean
