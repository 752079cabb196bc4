# SPDX-License-Identifier: GPL-2.0-only
#
# make                   modules for the running kernel (or KVER=…) and the command
# make install           both, man page, completion, modprobe.d
# make demo | check | check-quick | check-full | kunit | lint | modules-7.2

KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
prefix	?= /usr/local
B	:= build/$(KVER)
KSRC	:= Kbuild net host include compat-include

all: modules command

# Each kernel has a build folder of its own, so one checkout serves several.
modules:
	@mkdir -p $(B)
	@cp -pru --remove-destination $(KSRC) $(B)/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B) $(if $(W),W=$(W)) $(if $(C),C=$(C)) modules

command:
	@$(MAKE) --no-print-directory -C userspace

.PHONY: all modules command
