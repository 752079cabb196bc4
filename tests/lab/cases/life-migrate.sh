# SPDX-License-Identifier: GPL-2.0-only
# case: live migration to another QEMU, busy and idle: told within 2 s, linked again, memory is what it was
# when: once
# clock: yes
# timeout: 480
. "$LAB_REPO/tests/lab/host/life.sh"
needs_virtsock

arrived() {
	case $(vm_ask L "info migrate") in
	*"Migration status: completed"*) return 0 ;;
	*failed*) fail "$(vm_ask L "info migrate")" ;;
	esac
	return 1
}

# L goes to another QEMU, which is then called L. Sets gone to the time when the
# old one is about to end, t to that from which the guest's programs are to be told:
# the same, or, where it is emulated, when they run again, as there the first touch of
# each page after a migration takes its time.
migrate() {
	VM_MEM=${BARE_MIB}M vm_start M -initrd "$LAB_OUT/bare.initrd" \
		-incoming "unix:$(vm_dir M)/incoming"
	until [ -S "$(vm_dir M)/incoming" ]; do
		vm_alive M || fail "QEMU of M ended: $(<"$(vm_dir M)/qemu.log")"
		nap 0.1
	done
	vm_ask L "migrate_set_parameter downtime-limit 2000"
	vm_ask L "migrate -d unix:$(vm_dir M)/incoming"
	until_ok 120 arrived
	gone=$EPOCHREALTIME
	vm_kill L
	idle_host "$gone"
	mv "$(vm_dir M)" "$(vm_dir L)"
	vm_cid L >"$(vm_dir L)/cid"
	guest L true
	t=$EPOCHREALTIME
	note "$(((${t/./} - ${gone/./}) / 1000)) ms from the end of the migration to the guest's first answer"
	[ -n "${LAB_EMULATED:-}" ] || t=$gone
	vm_bind L
	vm_own L
}

bare L
for load in chaos=1 ''; do
	[ -z "$load" ] || traffic L "$load"
	idle L
	keep L
	migrate
	idle_guest L "$t"
	until_ok 10 link_up L
	note "the link was back within $(since "$gone") ms${load:+, with traffic}"
	[ -z "$load" ] || traffic_moves L
	idle_after L
	keep_check L
	[ -z "$load" ] || traffic_ends L
done
exercise L
vm_kill L
