# SPDX-License-Identifier: GPL-2.0-only
"""What is refused: by the machine, by the kernel, by its absence."""

import errno
import fcntl
import os
import subprocess
import threading
import time

from cli import (OK, FAILED, NO_MODULE, NO_PERMISSION, ABSENT, IN_USE,
                 BAD_CID, NOT_A_VM, case, run, fake, asked, stats, a_vm,
                 a_link)
from fake_kernel import Refuse
from ktap import Skip, equal


# Without the modules

def real_family():
    """Is a real one in this kernel?"""
    return os.path.exists("/sys/module/virtsock_host") or \
        os.path.exists("/sys/module/vmw_vsock_virtsock") or \
        run("stats").code != NO_MODULE


@case
def this_kernel_has_no_module():
    if real_family():
        raise Skip("a virtsock module is loaded")
    run("vm", "show").exits(NO_MODULE, "modprobe virtsock_host", out="")
    run("vm", "del", "cid", "42").exits(NO_MODULE, "virtsock_host", out="")
    run("-j", "vm", "show").exits(NO_MODULE, out="")
    run("link").exits(NO_MODULE, "modprobe vmw_vsock_virtsock", out="")
    run("link", "down").exits(NO_MODULE, "vmw_vsock_virtsock", out="")
    run("stats").exits(NO_MODULE, "no virtsock module", out="")
    run("monitor").exits(NO_MODULE, "no virtsock module", out="")
    run("run", "--cid", "42", "--", "echo", "never").exits(
        NO_MODULE, "virtsock_host", out="")


@case
def family_absent():
    with fake(family=False) as kernel:
        run("vm", "show", kernel=kernel).exits(
            NO_MODULE, "modprobe virtsock_host", out="")
        run("link", "show", kernel=kernel).exits(
            NO_MODULE, "modprobe vmw_vsock_virtsock", out="")
        run("stats", kernel=kernel).exits(NO_MODULE, out="")
        run("monitor", kernel=kernel).exits(NO_MODULE, out="")
        asked(kernel)


@case
def host_part_absent():
    with fake(host=False, guest=True) as kernel:
        kernel.link = a_link()
        for words in (["vm", "show"], ["vm", "show", "cid", "42"],
                      ["vm", "del", "all"], ["vm", "del", "cid", "42"],
                      ["vm", "set", "cid", "42", "name", "x"],
                      ["run", "--cid", "42", "--", "echo", "never"],
                      ["stats", "cid", "42"]):
            run(*words, kernel=kernel).exits(
                NO_MODULE, "modprobe virtsock_host", out="")
        run("link", kernel=kernel).exits(OK)
        run("stats", kernel=kernel).exits(OK)
        equal(kernel.wrong, [], "requests against the specification")


@case
def guest_part_absent():
    with fake() as kernel:
        for words in (["link", "show"], ["link", "up"], ["link", "down"]):
            run(*words, kernel=kernel).exits(
                NO_MODULE, "modprobe vmw_vsock_virtsock", out="")
        run("vm", kernel=kernel).exits(OK, out="")
        run("stats", kernel=kernel).exits(OK, out="")


@case
def both_parts_absent():
    with fake(host=False) as kernel:
        run("stats", kernel=kernel).exits(NO_MODULE, "no virtsock module",
                                          out="")


# vm add

@case
def add_asks_the_kernel():
    pid = os.getpid()
    with fake() as kernel:
        run("vm", "add", "pid", str(pid), "cid", "42", kernel=kernel,
            FAKE_VM="1").exits(OK, out="")
        run("vm", "add", "cid", "4294967294", "backlog", "64K", "name",
            "a \u00fc", "pid", str(os.getppid()), kernel=kernel,
            FAKE_VM="1").exits(OK, out="")
        asked(kernel, ("vm-add", {"cid": 42, "pid": pid}, False),
              ("vm-add", {"cid": 4294967294, "pid": os.getppid(),
                          "name": "a \u00fc", "backlog": 65536}, False))


@case
def add_no_such_process():
    child = subprocess.Popen(["true"])
    child.wait()
    with fake() as kernel:
        run("vm", "add", "pid", str(child.pid), "cid", "42",
            kernel=kernel).exits(ABSENT, f"no process {child.pid}", out="")
        asked(kernel)
        kernel.refuse["vm-add"] = Refuse(errno.ESRCH)
        run("vm", "add", "pid", str(os.getpid()), "cid", "42", kernel=kernel,
            FAKE_VM="1").exits(ABSENT, f"no process {os.getpid()}", out="")


@case
def add_not_a_vm():
    with fake() as kernel:
        run("vm", "add", "pid", str(os.getpid()), "cid", "42",
            kernel=kernel).exits(
                NOT_A_VM, f"process {os.getpid()} has no KVM virtual machine",
                "virtsock run", out="")
        asked(kernel)


@case
def add_a_thread():
    found, stop = [], threading.Event()
    thread = threading.Thread(target=lambda: (
        found.append(threading.get_native_id()), stop.wait()))
    thread.start()
    while not found:
        time.sleep(0.01)
    try:
        with fake() as kernel:
            run("vm", "add", "pid", str(found[0]), "cid", "42", kernel=kernel,
                FAKE_VM="1").exits(ABSENT, f"thread of process {os.getpid()}",
                                   out="")
            asked(kernel)
    finally:
        stop.set()
        thread.join()


@case
def add_a_real_vm():
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        vm = fcntl.ioctl(kvm, 0xae01, 0)    # KVM_CREATE_VM
    except OSError as error:
        raise Skip(f"no KVM here: {error}") from error
    with fake() as kernel:
        run("vm", "add", "pid", str(os.getpid()), "cid", "42",
            kernel=kernel).exits(OK, out="")
        asked(kernel, ("vm-add", {"cid": 42, "pid": os.getpid()}, False))
    os.close(vm)
    os.close(kvm)


@case
def add_in_use():
    with fake() as kernel:
        kernel.vms[42] = a_vm(pid=os.getpid())
        run("vm", "add", "pid", str(os.getppid()), "cid", "42", kernel=kernel,
            FAKE_VM="1").exits(IN_USE, "CID 42 is in use", "virtsock vm show",
                               "(kernel: CID in use)", out="")
        run("vm", "add", "pid", str(os.getpid()), "cid", "43", kernel=kernel,
            FAKE_VM="1").exits(IN_USE, "has a CID already", "virtsock vm del",
                               "(kernel: bound already)", out="")


def refused(no, *more, code, words):
    with fake() as kernel:
        kernel.refuse["vm-add"] = no
        run("vm", "add", "pid", str(os.getpid()), "cid", "42", *more,
            kernel=kernel, FAKE_VM="1").exits(code, *words, out="")


@case
def add_refused_in_words():
    refused(Refuse(errno.EPERM), code=NO_PERMISSION,
            words=("cannot bind CID 42", "no permission", "CAP_NET_ADMIN"))
    for number in (errno.EINVAL, errno.ERANGE):
        refused(Refuse(number), code=BAD_CID, words=("CID is reserved",))
        refused(Refuse(number, "out of range", "cid"), "name", "x",
                code=BAD_CID, words=("CID is reserved", "(kernel: out of"))
        refused(Refuse(number, "too small", "backlog"), "backlog", "1",
                code=FAILED, words=("backlog is out of", "(kernel: too small"))
        refused(Refuse(number, "", "name"), "name", "x", code=FAILED,
                words=("name is not allowed",))
        refused(Refuse(number, "too few", "calls"), "calls", "1", code=FAILED,
                words=("limit is out of range", "(kernel: too few)"))
        refused(Refuse(number, "rate must"), "rate", "1", code=FAILED,
                words=("argument is not allowed", "(kernel: rate must)"))
        refused(Refuse(number, "ends before", "guest-ports"), "guest-ports",
                "1", code=FAILED, words=("list of ports", "(kernel: ends"))
        refused(Refuse(number, "what?"), "name", "x", code=FAILED,
                words=("argument is not allowed", "(kernel: what?)"))
    refused(Refuse(errno.ENOMEM), code=FAILED, words=("Cannot allocate",))


# vm del, set and show

@case
def delete():
    with fake() as kernel:
        for cid in (9, 42, 4294967294):
            kernel.vms[cid] = a_vm(cid=cid)
        run("vm", "del", "cid", "42", kernel=kernel).exits(OK, out="")
        equal(set(kernel.vms), {9, 4294967294}, "VMs")
        run("vm", "del", "cid", "42", kernel=kernel).exits(
            ABSENT, "no VM has CID 42", out="")
        run("vm", "del", "--all", kernel=kernel).exits(OK, out="")
        equal(kernel.vms, {}, "VMs")
        run("vm", "del", "all", kernel=kernel).exits(OK, out="")
        equal(kernel.wrong, [], "requests against the specification")


@case
def what_takes_long_is_asked_for_again():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        kernel.slow["vm-del"] = 3
        run("vm", "del", "cid", "42", kernel=kernel).exits(OK, out="")
        equal(kernel.slow["vm-del"], 0, "times that it took too long")
        run("vm", "del", "cid", "42", kernel=kernel).exits(
            ABSENT, "no VM has CID 42", out="")
        kernel.slow["vm-add"] = 2
        run("vm", "add", "cid", "42", "pid", str(os.getpid()), kernel=kernel,
            FAKE_VM="1").exits(OK, out="")
        equal(set(kernel.vms), {42}, "VMs")


@case
def delete_all_meets_an_end():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        kernel.refuse["vm-del"] = Refuse(errno.ENOENT)
        run("vm", "del", "all", kernel=kernel).exits(OK, out="")
        kernel.refuse["vm-del"] = Refuse(errno.EPERM)
        run("vm", "del", "all", kernel=kernel).exits(
            NO_PERMISSION, "cannot delete CID 42", out="")


@case
def set_what_is_given():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        run("vm", "set", "cid", "42", "name", "", kernel=kernel).exits(OK)
        run("vm", "set", "cid", "42", "backlog", "2M", kernel=kernel).exits(OK)
        run("vm", "set", "cid", "42", "backlog", "1g", kernel=kernel).exits(OK)
        asked(kernel, ("vm-set", {"cid": 42, "name": ""}, False),
              ("vm-set", {"cid": 42, "backlog": 2 << 20}, False),
              ("vm-set", {"cid": 42, "backlog": 1 << 30}, False))
        run("vm", "set", "cid", "43", "name", "x", kernel=kernel).exits(
            ABSENT, "no VM has CID 43", out="")


@case
def limits_that_are_set():
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        for words, rate in (("none", 0), ("0", 0), ("64K", 65536),
                            ("12345678", 12345678), ("64G", 1 << 36)):
            run("vm", "set", "cid", "42", "rate", words,
                kernel=kernel).exits(OK)
            asked(kernel, ("vm-set", {"cid": 42, "rate": rate}, False))
            kernel.requests.clear()
        for words, calls in (("none", 0), ("0", 0), ("4294967295", 2**32 - 1)):
            run("vm", "set", "cid", "42", f"--calls={words}",
                kernel=kernel).exits(OK)
            asked(kernel, ("vm-set", {"cid": 42, "calls": calls}, False))
            kernel.requests.clear()
        run("run", "--cid", "43", "--rate", "1M", "--calls=500", "--", "true",
            kernel=kernel).exits(OK)
        (_, values, _), = kernel.requests
        equal((values["rate"], values["calls"]), (1 << 20, 500), "limits")


@case
def ports_that_are_allowed():
    many = ",".join(f"{n}-{n + 1}" for n in range(0, 160, 10))
    every = [p for n in range(0, 160, 10) for p in (n, n + 1)]
    with fake() as kernel:
        kernel.vms[42] = a_vm()
        for words, ports in (("all", [0, 4294967295]), ("none", []),
                             ("22", [22, 22]),
                             ("4294967295,0-1", [2**32 - 1, 2**32 - 1, 0, 1]),
                             (many, every)):
            run("vm", "set", "cid", "42", "host-ports", words,
                kernel=kernel).exits(OK)
            run("vm", "set", "cid", "42", f"--guest-ports={words}",
                kernel=kernel).exits(OK)
            asked(kernel, ("vm-set", {"cid": 42, "host-ports": ports}, False),
                  ("vm-set", {"cid": 42, "guest-ports": ports}, False))
            kernel.requests.clear()
        pid = os.getpid()
        run("vm", "add", "cid", "43", "host-ports", "1-2", "pid", str(pid),
            "guest-ports", "none", kernel=kernel, FAKE_VM="1").exits(OK)
        asked(kernel, ("vm-add", {"cid": 43, "pid": pid, "host-ports": [1, 2],
                                  "guest-ports": []}, False))
