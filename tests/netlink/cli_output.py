# SPDX-License-Identifier: GPL-2.0-only
"""What is shown, and what the command does besides."""

import errno
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import threading

from cli import (COMMAND, SPEC, WORK, OK, FAILED, NO_MODULE, NO_PERMISSION,
                 ABSENT, IN_USE, case, environment, run, fake, asked, stats,
                 a_vm, a_link)
from fake_kernel import Refuse, attribute
from ktap import Skip, equal
from spec import TOP


@case
def show_as_text():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        out = run("vm", "show", kernel=kernel).exits(OK).out
        equal(out, "cid 42: state up name web\n"
              "    pid 1234 comm qemu-system-x86 backlog 1048576 ring 262144 "
              "epoch 0x1122334455667788\n", "vm show")
        out = run("-s", "vm", "show", "cid", "42", kernel=kernel).exits(OK).out
        words = out.split()
        for counter in ("hypercalls", "flushes", "polls", "doorbells", "fast",
                        "deferred", "stops", "resets", "malformed"):
            value = stats()[counter]
            equal(words[words.index(counter) + 1], str(value), counter)
        flat = " ".join(words)
        assert "RX: bytes messages records 5000 6000 7000" in flat, out
        assert "TX: bytes messages records 2000 3000 4000" in flat, out
        assert "messages/hypercall 0.32 messages/flush 0.67" in flat, out
        run("vm", "show", "cid", "43", kernel=kernel).exits(
            ABSENT, "no VM has CID 43", out="")
        kernel.vms[43] = a_vm(cid=43, reason=2009)
        out = run("vm", "show", "cid", "43", kernel=kernel).exits(OK).out
        equal(out.splitlines()[2], "    reason no-apic: this VM has no "
              "in-kernel local APIC; start it without kernel_irqchip=off",
              "reason")


@case
def show_as_json():
    with fake() as kernel:
        equal(run("-j", "vm", "show", kernel=kernel).exits(OK).out, "[]\n",
              "no VM")
        kernel.vms[43] = a_vm(cid=43, pid=1235, name="", epoch=0, reason=2010,
                              state=SPEC.enums["state"]["down"])
        kernel.vms[42] = a_vm(stats=stats(rx_messages=3424, flushes=90,
                                          polls=10))
        both = json.loads(run("-j", "vm", kernel=kernel).exits(OK).out)
        equal(both, [
            {"cid": 42, "name": "web", "pid": 1234, "comm": "qemu-system-x86",
             "state": "up", "epoch": "0x1122334455667788",
             "backlog": 1048576, "ring_size": 262144},
            {"cid": 43, "name": "", "pid": 1235, "comm": "qemu-system-x86",
             "state": "down", "reason": "hyperv", "epoch": None,
             "backlog": 1048576,
             "ring_size": 262144}], "vm show")
        line = run("-j", "-s", "vm", "show", "cid", "42",
                   kernel=kernel).exits(OK).out
        equal(line.count("\n"), 1, "lines of JSON")
        pretty = run("-jps", "vm", "show", "cid", "42",
                     kernel=kernel).exits(OK).out
        assert pretty.count("\n") > 20, pretty
        equal(json.loads(pretty), json.loads(line), "pretty JSON")
        found = json.loads(line)[0]["stats"]
        equal(found.pop("messages_per_hypercall"), 34.24, "per hypercall")
        equal(found.pop("messages_per_flush"), 38.04, "per flush")
        equal(found, {n.replace("-", "_"): v
                      for n, v in kernel.vms[42]["stats"].items()}, "stats")
        kernel.vms[42]["stats"] = stats(flushes=0, polls=0)
        found = json.loads(run("-j", "-s", "vm", "show", "cid", "42",
                               kernel=kernel).out)[0]["stats"]
        equal(found["messages_per_hypercall"], None, "of no hypercalls")


@case
def show_ports():
    everything = [0, 4294967295]
    with fake() as kernel:
        for cid, host, guest, line in (
                (3, everything, everything, None),
                (4, [], everything, "    host-ports none"),
                (5, everything, [22, 22, 1024, 2047],
                 "    guest-ports 22,1024-2047"),
                (6, [80, 80], [], "    host-ports 80 guest-ports none"),
                (7, [0, 4294967294], [1, 4294967295],
                 "    host-ports 0-4294967294 guest-ports 1-4294967295")):
            kernel.vms[cid] = a_vm(cid=cid, host_ports=host, guest_ports=guest)
            out = run("vm", "show", "cid", str(cid), kernel=kernel).exits(OK).out
            equal(out.splitlines()[2:], [line] if line else [], f"CID {cid}")
            (found,) = json.loads(run("-j", "vm", "show", "cid", str(cid),
                                      kernel=kernel).exits(OK).out)
            for key, list_ in (("host_ports", host), ("guest_ports", guest)):
                equal(found[key], [list(p) for p in zip(list_[::2],
                                                        list_[1::2])], key)
        # More than this command knows, and what is no list
        kernel.vms = {8: a_vm(cid=8, host_ports=list(range(100)),
                              guest_ports=b"\1\2\3")}
        (found,) = json.loads(run("-j", "vm", kernel=kernel).exits(OK).out)
        equal(len(found["host_ports"]), 16, "ranges")
        assert "guest_ports" not in found, found


@case
def show_limits():
    with fake() as kernel:
        for rate, calls, line in (
                (0, 0, None), (65536, 0, "    rate 65536"),
                (0, 100, "    calls 100"),
                (1 << 36, 2**32 - 1, "    rate 68719476736 calls 4294967295")):
            kernel.vms[42] = a_vm(rate=rate, calls=calls)
            out = run("vm", "show", kernel=kernel).exits(OK).out
            equal(out.splitlines()[2:], [line] if line else [], "limits")
            (found,) = json.loads(run("-j", "vm", kernel=kernel).exits(OK).out)
            equal(found["rate"], rate or None, "rate")
            equal(found["calls"], calls or None, "calls")
        kernel.vms[42] = a_vm(rate=1, calls=2, host_ports=[], guest_ports=[])
        out = run("vm", "show", kernel=kernel).exits(OK).out
        equal(out.splitlines()[2],
              "    host-ports none guest-ports none rate 1 calls 2", "all limits")


@case
def show_many():
    with fake() as kernel:
        for cid in range(2000, 1000, -1):
            kernel.vms[cid] = a_vm(cid=cid, pid=cid)
        out = run("-j", "vm", kernel=kernel).exits(OK).out
        equal([vm["cid"] for vm in json.loads(out)], list(range(1001, 2001)),
              "CIDs, in order")


@case
def show_survives_surprises():
    strange = "\x1b[2Jq\"\\\u0085\u00fc"
    with fake() as kernel:
        kernel.vms[42] = {"cid": 42}
        kernel.vms[43] = {"cid": 43, "state": 77, "comm": strange,
                          "name": b"\xff\xfe", "stats": {"rx-bytes": 2**64 - 1}}
        kernel.vms[44] = {"pid": 1}     # without a CID: passed over
        kernel.raw = (attribute(200, b"new") + attribute(99, b"\0" * 40) +
                      attribute(0, b""))
        found = json.loads(run("-j", "-s", "vm", kernel=kernel).exits(OK).out)
        equal(found[0], {"cid": 42}, "a VM that says little")
        equal(found[1]["comm"], strange, "a strange comm")
        equal(found[1]["name"], "\ufffd\ufffd", "a name that is no text")
        equal(found[1]["state"], 77, "a state of the future")
        equal(found[1]["stats"], {"rx_bytes": 2**64 - 1}, "counters")
        equal(len(found), 2, "VMs")
        text = run("-s", "vm", kernel=kernel).exits(OK).out
        assert "\x1b" not in text and "\u0085" not in text, repr(text)
        assert r'"\x1b[2Jq\"\\\xc2\x85ü"' in text, text
        assert "state 77" in text and r'"\xff\xfe"' in text, text


@case
def show_again_when_interrupted():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        kernel.interrupted = 2
        out = run("-j", "vm", kernel=kernel).exits(OK).out
        equal(len(json.loads(out)), 1, "VMs")
        equal(len(kernel.requests), 3, "dumps")
        kernel.interrupted = 1000
        run("-j", "vm", kernel=kernel).exits(FAILED, "cannot show the VMs",
                                             out="")


@case
def show_survives_noise():
    noise = random.Random(2013)
    with fake(guest=True) as kernel:
        kernel.vms[42] = {"cid": 42}
        for _ in range(60):
            kernel.raw = noise.randbytes(noise.randrange(200))
            if noise.random() < 0.7:    # a length that may be believed
                kernel.raw = struct.pack("=HH", noise.randrange(64),
                                         noise.randrange(20)) + kernel.raw
            for words in (["-s", "vm"], ["-js", "vm", "show", "cid", "42"],
                          ["-js", "link"]):
                code = run(*words, kernel=kernel).code
                assert code in (OK, FAILED), f"{kernel.raw!r}: exit {code}"


# The guest's link

@case
def link_as_text():
    with fake(host=False, guest=True) as kernel:
        kernel.link = a_link()
        equal(run("link", kernel=kernel).exits(OK).out,
              "link: state up admin up cid 42\n"
              "    policy adaptive ring 262144 epoch 0xfedcba9876543210\n",
              "link show")
        out = run("-s", "link", "show", kernel=kernel).exits(OK).out
        assert "timer_flushes 17000" in out, out
        assert "messages/hypercall 0.16 messages/flush 0.33" in out, out
        kernel.link = a_link(cid=0, epoch=0, reason=2001,
                             state=SPEC.enums["state"]["down"])
        out = run("link", kernel=kernel).exits(OK).out
        assert "state down" in out and "cid" not in out.splitlines()[0], out
        assert "reason unbound: this VM has no CID" in out, out


@case
def link_as_json():
    with fake(host=False, guest=True) as kernel:
        kernel.link = a_link()
        (found,) = json.loads(run("-j", "link", kernel=kernel).exits(OK).out)
        equal(found, {"cid": 42, "state": "up", "admin_up": True,
                      "reason": None, "epoch": "0xfedcba9876543210",
                      "ring_size": 262144, "policy": "adaptive"}, "link")
        for reason, name in ((1000, "no-host"), (2001, "unbound"),
                             (2011, "down"), (2999, 2999)):
            kernel.link = a_link(reason=reason, cid=0)
            (found,) = json.loads(run("-j", "link", kernel=kernel).out)
            equal(found["reason"], name, "reason")
            equal(found["cid"], None, "cid")
            run("link", kernel=kernel).exits(OK)
        kernel.link = {}
        run("link", kernel=kernel).exits(OK)
        (found,) = json.loads(run("-j", "-s", "link", kernel=kernel).out)
        equal(found, {"cid": None}, "a link that says nothing")


@case
def link_up_and_down():
    with fake(host=False, guest=True) as kernel:
        run("link", "down", kernel=kernel).exits(OK, out="")
        run("link", "up", kernel=kernel).exits(OK, out="")
        asked(kernel, ("link-set", {"admin-up": 0}, False),
              ("link-set", {"admin-up": 1}, False))
        kernel.refuse["link-set"] = Refuse(errno.EPERM)
        run("link", "down", kernel=kernel).exits(
            NO_PERMISSION, "cannot change the link", out="")


# stats

@case
def stats_of_all():
    with fake(guest=True) as kernel:
        kernel.vms[42] = a_vm()
        kernel.vms[43] = a_vm(cid=43)
        kernel.link = a_link()
        found = json.loads(run("-j", "stats", kernel=kernel).exits(OK).out)
        equal([vm["cid"] for vm in found["vms"]], [42, 43], "VMs")
        equal(found["vms"][0]["stats"]["rx_bytes"], 5000, "a counter")
        equal(found["link"]["stats"]["timer_flushes"], 17000, "a counter")
        out = run("stats", kernel=kernel).exits(OK).out
        equal([w for w in re.findall(r"^\S.*?:", out, re.M)],
              ["cid 42:", "cid 43:", "link:"], "headings")
        found = json.loads(run("-j", "stats", "cid", "43", kernel=kernel).out)
        equal([vm["cid"] for vm in found["vms"]], [43], "VMs")
        equal(found["link"], None, "link")
        run("stats", "cid", "9", kernel=kernel).exits(ABSENT, out="")
        kernel.guest = False
        found = json.loads(run("-j", "-p", "stats", kernel=kernel).out)
        equal(found["link"], None, "link")


@case
def output_that_is_lost_fails():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([COMMAND, "vm"], stdout=full, text=True,
                                  stderr=subprocess.PIPE, timeout=120,
                                  env=environment(kernel))
        equal(done.returncode, FAILED, "exit code")
        assert "cannot write" in done.stderr, done.stderr


# monitor

EVENT = SPEC.enums["event"]


def monitor(kernel, *options, lines):
    """So many lines of the monitor; then it is interrupted, if it lives."""
    with subprocess.Popen([COMMAND, *options, "monitor"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL,
                          env=environment(kernel)) as process:
        killer = threading.Timer(20, process.kill)
        killer.start()
        out = [process.stdout.readline() for _ in range(lines)]
        if not kernel.ends:
            process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        err = process.stderr.read()
        code = process.wait()
        killer.cancel()
    equal(rest, "", "more lines")
    return out, err, code


def all_events(kernel):
    kernel.events = [
        {"event": EVENT["vm-add"], "cid": 42, "pid": 1234,
         "comm": "qemu-system-x86", "name": "web"},
        {"event": EVENT["link-up"], "cid": 42},
        {"event": EVENT["link-down"], "cid": 42},
        {"event": EVENT["vm-exit"], "cid": 42, "pid": 1234},
        {"event": EVENT["vm-del"], "cid": 42},
        {"event": EVENT["unbound"], "pid": 77, "comm": "a b\x1b"},
        {"event": EVENT["refused"], "cid": 42, "pid": 77, "comm": "q",
         "reason": 2009},
        {"event": EVENT["refused"], "cid": 43, "reason": 2999},
        {"event": 99},
        None,
    ]


@case
def monitor_as_text():
    with fake() as kernel:
        all_events(kernel)
        out, err, code = monitor(kernel, lines=10)
        equal(code, OK, f"exit code ({err})")
        assert "events were lost" in err, err
        stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+05:30 ")
        for line in out:
            assert stamp.match(line), line
        equal([stamp.sub("", line).rstrip("\n") for line in out], [
            "vm-add cid 42 pid 1234 name web comm qemu-system-x86",
            "link-up cid 42", "link-down cid 42", "vm-exit cid 42 pid 1234",
            "vm-del cid 42", 'unbound pid 77 comm "a b\\x1b": it has no CID, '
            "'virtsock vm add pid 77 cid CID' gives it one",
            "refused cid 42 pid 77 comm q reason no-apic: this VM has no "
            "in-kernel local APIC; start it without kernel_irqchip=off",
            "refused cid 43 reason 2999", "event-99",
            "lost"], "events")


@case
def monitor_as_json():
    with fake() as kernel:
        all_events(kernel)
        kernel.raw = attribute(77, b"new")
        out, err, code = monitor(kernel, "-j", "-p", lines=10)
        equal(code, OK, f"exit code ({err})")
        events = [json.loads(line) for line in out]
        for event in events:
            assert re.fullmatch(r"\S{19}\.\d{6}\+05:30", event.pop("time"))
        equal(events, [
            {"event": "vm-add", "cid": 42, "pid": 1234, "name": "web",
             "comm": "qemu-system-x86"},
            {"event": "link-up", "cid": 42}, {"event": "link-down", "cid": 42},
            {"event": "vm-exit", "cid": 42, "pid": 1234},
            {"event": "vm-del", "cid": 42},
            {"event": "unbound", "pid": 77, "comm": "a b\x1b",
             "hint": "virtsock vm add pid 77 cid CID"},
            {"event": "refused", "cid": 42, "pid": 77, "comm": "q",
             "reason": "no-apic"},
            {"event": "refused", "cid": 43, "reason": 2999},
            {"event": "event-99"}, {"event": "lost"}], "events")


@case
def monitor_ends_with_the_module():
    with fake() as kernel:
        kernel.events = [{"event": EVENT["vm-del"], "cid": 42}]
        kernel.ends = True
        _, err, code = monitor(kernel, lines=1)
        equal(code, NO_MODULE, "exit code")
        assert "unloaded" in err, err


# run

@case
def run_becomes_the_command():
    script = 'echo "$$ $1"; ls -l /proc/$$/fd; exit 5'
    with fake() as kernel:
        done = run("run", "--cid", "42", "--name", "web", "--backlog=1M", "--",
                   "sh", "-c", script, "sh", "--cid", kernel=kernel)
        done.exits(5)
        pid, argument = done.out.splitlines()[0].split()
        equal(argument, "--cid", "an argument of the command")
        asked(kernel, ("vm-add", {"cid": 42, "pid": int(pid), "name": "web",
                                  "backlog": 1 << 20}, False))
        assert "socket" not in done.out, "the netlink socket is left open"
        done = run("run", "cid", "43", "--", "sh", "-c", "kill -TERM $$",
                   kernel=kernel)
        done.exits(-signal.SIGTERM)


@case
def run_that_cannot():
    with fake() as kernel:
        run("run", "--cid", "42", "--", "/nonexistent/vmm",
            kernel=kernel).exits(127, "cannot execute", out="")
        equal(kernel.vms, {}, "VMs left behind")
        run("run", "--cid", "42", "--", "/", kernel=kernel).exits(
            126, "cannot execute", out="")
        equal(kernel.vms, {}, "VMs left behind")
        kernel.vms[42] = a_vm()
        run("run", "--cid", "42", "--", "echo", "never",
            kernel=kernel).exits(IN_USE, "CID 42 is in use", out="")


# The Makefile and the documentation that is installed

@case
def install():
    root = os.path.join(WORK, "root")
    subprocess.run(["make", "-s", "-C", os.path.join(TOP, "userspace"),
                    "install", f"DESTDIR={root}", "prefix=/usr"], check=True,
                   capture_output=True)
    found = {os.path.relpath(os.path.join(base, name), root)
             for base, _, names in os.walk(root) for name in names}
    expected = {"usr/sbin/virtsock", "usr/share/man/man8/virtsock.8",
                "usr/share/bash-completion/completions/virtsock",
                "usr/lib/modprobe.d/virtsock.conf"}
    equal(found & expected, expected, "installed files")
    with open(os.path.join(root, "usr/lib/modprobe.d/virtsock.conf"),
              encoding="utf-8") as file:
        active = [line for line in file
                  if line.strip() and not line.startswith("#")]
    equal(active, [], "options that are active unasked")
    subprocess.run(["bash", "-n", os.path.join(
        root, "usr/share/bash-completion/completions/virtsock")], check=True)


def complete(words):
    """What bash offers for the last of these words"""
    script = os.path.join(TOP, "userspace/completion/virtsock")
    shell = (f". '{script}'; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
             "_virtsock; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", shell, "bash", *words], check=True,
                          capture_output=True, text=True, timeout=120)
    return set(done.stdout.split())


@case
def completion():
    equal(complete(["virtsock", ""]),
          {"vm", "link", "run", "stats", "monitor", "help"}, "objects")
    equal(complete(["virtsock", "-"]),
          {"-json", "-pretty", "-statistics", "-Version", "-help"}, "options")
    equal(complete(["virtsock", "-j", "-s", "vm", ""]),
          {"add", "del", "set", "show", "help"}, "commands")
    equal(complete(["virtsock", "link", "d"]), {"down"}, "commands")
    equal(complete(["virtsock", "vm", "add", "pid", "1", ""]),
          {"cid", "name", "backlog", "host-ports", "guest-ports",
           "rate", "calls"}, "arguments of add")
    equal(complete(["virtsock", "vm", "set", "cid", "42", "host-ports", ""]),
          {"all", "none"}, "ports")
    equal(complete(["virtsock", "vm", "set", "rate", ""]), {"none"}, "a rate")
    equal(complete(["virtsock", "vm", "del", ""]), {"cid", "all"}, "of del")
    equal(complete(["virtsock", "vm", "add", "name", ""]), set(), "a name")
    equal(complete(["virtsock", "run", "--"]),
          {"--cid", "--name", "--backlog", "--host-ports", "--guest-ports",
           "--rate", "--calls", "--"}, "arguments of run")


@case
def man_page():
    page = os.path.join(TOP, "Documentation/man/virtsock.8")
    if not shutil.which("groff"):
        raise Skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", page],
                          capture_output=True, text=True, check=True)
    equal(done.stderr, "", "groff's warnings")
