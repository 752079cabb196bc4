# SPDX-License-Identifier: GPL-2.0-only
"""The host, its guests, and the modules that are swapped beneath them.

Everything here runs on the host: the emulated one, or a real one.
"""
import glob
import json
import os
import re
import socket
import subprocess
import sys
import time

REPO = os.environ["LAB_REPO"]
HOST_KVER = os.environ["LAB_HOST_KVER"]
GUEST_KVER = os.environ["LAB_GUEST_KVER"]
SCALE = int(os.environ.get("LAB_SCALE", "1"))
TEXT = f"{REPO}/build/bench/text"
PORT = 5000

HOST_LOAD = """
modprobe -a vmw_vsock_virtio_transport_common vsock_diag
cd $LAB_REPO/build/$LAB_HOST_KVER
[ -d /sys/module/virtsock_core ] || insmod ./virtsock_core.ko
insmod ./virtsock_host.ko"""

GUEST_LOAD = """
set -e
modprobe vmw_vsock_virtio_transport_common
cd $LAB_REPO/build/$1
[ -d /sys/module/virtsock_core ] || insmod ./virtsock_core.ko
insmod ./vmw_vsock_virtsock.ko"""

# A socket that was closed just now can hold its module for a moment.
UNLOAD = """
i=0
while [ -d "/sys/module/$1" ]; do
	rmmod "$1" 2>/dev/null && exit 0
	i=$((i + 1))
	[ $i -lt 100 ] || exit 1
	sleep 0.1
done"""

# The device was plugged in just now, and no udev is there to load its driver.
GUEST_VHOST = """
set -e
modprobe vmw_vsock_virtio_transport
i=0
until ls /sys/bus/virtio/drivers/vmw_vsock_virtio_transport/virtio* >/dev/null 2>&1; do
	i=$((i + 1))
	[ $i -ne 20 ] || echo 1 >/sys/bus/pci/rescan
	[ $i -lt 200 ] || exit 1
	sleep 0.05
done"""


class Failure(Exception):
    """Something that a measurement needs does not work."""


def command(*argv, timeout=60):
    """Run it; its output, or a Failure. What it took goes to the log."""
    began = time.monotonic()
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout * SCALE, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{argv[0]} {argv[1]}: no end in {timeout} s") from None
    print(f"{time.monotonic() - began:6.2f} s: {' '.join(argv)[:120]!r}",
          file=sys.stderr, flush=True)
    if done.returncode:
        raise Failure(f"{' '.join(argv)[:60]}: {done.stdout.strip()[-200:]}")
    return done.stdout


def shell(script, *args):
    return command("sh", "-ec", script, "bench", *args)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Qmp:
    """The VMM's control socket, for devices that come and go."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60 * SCALE)
        self.sock.connect(path)
        self.file = self.sock.makefile("rw")
        self.file.readline()
        self.call("qmp_capabilities")

    def call(self, execute, until=None, **arguments):
        """When it was answered; with until, also wait for that event."""
        self.file.write(json.dumps({"execute": execute,
                                    "arguments": arguments}) + "\n")
        self.file.flush()
        answered, event = None, False
        while answered is None or (until and not event):
            try:
                line = self.file.readline()
            except OSError:  # also each read after one that timed out
                raise Failure(f"QMP {execute}: no {until or 'answer'}") from None
            if not line:
                raise Failure("QMP: the VMM is gone")
            got = json.loads(line)
            if "error" in got:
                raise Failure(f"QMP {execute}: {got['error']['desc']}")
            if "return" in got:
                answered = time.monotonic()
            event = event or got.get("event") == until
        return answered


class Guest:
    """A guest that bench.sh has booted."""

    def __init__(self, name, vcpus=1):
        self.name = name
        self.vcpus = vcpus
        self.dir = f"/run/lab/vm/{name}"
        self.cid = read(f"{self.dir}/cid").strip()
        self.pid = read(f"{self.dir}/pid").strip()
        self.kvm = glob.glob(f"/sys/kernel/debug/kvm/{self.pid}-*")[0]
        self.qmp = Qmp(f"{self.dir}/qmp")
        self.server = None
        self.plugged = False

    def run(self, *argv, timeout=60):
        return command("labctl", self.dir, *argv, timeout=timeout)

    def shell(self, script, *args):
        return self.run("sh", "-c", script, "bench", *args)

    def serve(self):
        self.shell("modprobe vsock")
        # Its text once, not for each measurement.
        self.server = serve(["labctl", self.dir],
                            [f"vsock:any:{PORT}", f"tcp:any:{PORT}"])

    def policy(self, name):
        self.shell("echo $1 >/sys/module/vmw_vsock_virtsock/parameters/policy", name)

    def plug(self):
        self.qmp.call("device_add", driver="vhost-vsock-pci", id="vs0",
                      bus="hot", **{"guest-cid": int(self.cid)})
        self.plugged = True
        self.shell(GUEST_VHOST)

    def unplug(self):
        self.shell(UNLOAD, "vmw_vsock_virtio_transport")
        self.qmp.call("device_del", id="vs0", until="DEVICE_DELETED")
        self.plugged = False

    def bind(self):
        command("virtsock", "vm", "add", "pid", self.pid, "cid", self.cid)
        self.shell(GUEST_LOAD, GUEST_KVER)


def serve(prefix, addresses):
    """A vsbench server; returns once it listens."""
    server = subprocess.Popen(prefix + ["vsbench", TEXT, "serve"] + addresses,
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE)
    if server.stdout.readline().strip() != "READY":
        raise Failure("the server does not start")
    return server


class Host:
    """Which of the two transports is there, for all guests."""

    def __init__(self):
        self.guests = []
        self.transport = None
        self.unix = serve([], ["unix:bench:1"])

    def close(self):
        """Nothing stays that would be in the way of the next run."""
        self.unix.kill()
        self.unix.wait()
        self.use(None)

    def add(self, guest):
        self.guests.append(guest)
        guest.serve()
        # What is loaded already has to be loaded for this one, too.
        if self.transport == "virtsock":
            guest.bind()
        elif self.transport == "vhost":
            guest.plug()

    def use(self, transport):
        """Exchange the modules."""
        if transport == self.transport:
            return
        if self.transport == "virtsock":
            for guest in self.guests:
                guest.shell(UNLOAD, "vmw_vsock_virtsock")
            command("virtsock", "vm", "del", "--all")
            shell(UNLOAD, "virtsock_host")
            shell(UNLOAD, "virtsock_core")
        elif self.transport == "vhost":
            for guest in self.guests:
                guest.unplug()
            shell(UNLOAD, "vhost_vsock")
        self.transport = None
        if transport == "virtsock":
            shell(HOST_LOAD)
            for guest in self.guests:
                guest.bind()
        elif transport == "vhost":
            command("modprobe", "vhost_vsock")
            for guest in self.guests:
                guest.plug()
        self.transport = transport


def counters(guest):
    """virtsock's own: host and guest."""
    vm = json.loads(command("virtsock", "-j", "-s", "vm", "show", "cid", guest.cid))
    link = json.loads(guest.run("virtsock", "-j", "-s", "link", "show"))
    return {"vm": numbers(vm), "link": numbers(link)}


def numbers(tree, out=None):
    """All numbers of a JSON tree, by their names."""
    out = {} if out is None else out
    if isinstance(tree, list):
        for item in tree:
            numbers(item, out)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, (dict, list)):
                numbers(value, out)
            elif isinstance(value, int) and not isinstance(value, bool):
                out[name] = value
    return out


def used(text):
    """KiB that are neither free nor a cache. Dropping the caches would make the
    next measurement read its programs again, in the lab by two levels of 9p."""
    found = dict(re.findall(r"(\w+): +(\d+) kB", text))
    return int(found["MemTotal"]) - sum(
        int(found[name]) for name in ("MemFree", "Buffers", "Cached", "SReclaimable"))


def memory(guest):
    return {"host": used(read("/proc/meminfo")),
            "guest": used(guest.run("cat", "/proc/meminfo"))}
