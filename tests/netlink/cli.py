# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of the command share: how it is run, and against what."""

import os
import subprocess
import tempfile

from fake_kernel import FakeKernel
from ktap import Suite, equal
from spec import TOP, Spec


COMMAND = os.environ.get("VIRTSOCK", os.path.join(TOP, "build/virtsock"))
SPEC = Spec()
WORK = tempfile.mkdtemp(prefix="virtsock-cli-")
PRELOAD = os.path.join(WORK, "preload.so")

OK, FAILED, USAGE, NO_MODULE, NO_PERMISSION = 0, 1, 2, 3, 4
ABSENT, IN_USE, BAD_CID, NOT_A_VM = 5, 6, 7, 8

suite = Suite()
case = suite.case


class Result:
    def __init__(self, arguments, process):
        self.arguments = arguments
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def exits(self, code, *words, out=None):
        """With this code, saying these words on stderr."""
        where = f"virtsock {' '.join(map(repr, self.arguments))}"
        equal(self.code, code, f"{where}: exit code ({self.err.strip()})")
        for word in words:
            assert word in self.err, f"{where}: no {word!r} in {self.err!r}"
        if out is not None:
            equal(self.out, out, f"{where}: output")
        if code == OK and not words:
            equal(self.err, "", f"{where}: errors")
        return self


def environment(kernel=None, **more):
    env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    env["TZ"] = "UTC-5:30"
    if kernel:
        env["LD_PRELOAD"] = PRELOAD
        env["FAKE_KERNEL"] = kernel.path
    env.update(more)
    return env


def run(*arguments, kernel=None, **more):
    return Result(arguments, subprocess.run(
        [COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=120, text=True, env=environment(kernel, **more)))


def fake(**options):
    return FakeKernel(SPEC, os.path.join(WORK, "kernel"), **options)


def asked(kernel, *expected):
    equal(kernel.wrong, [], "requests against the specification")
    equal(kernel.requests, list(expected), "requests")


def stats(**some):
    """All counters, in thousands by their number where not given"""
    counters = SPEC.sets["stats"].values()
    return {a["name"]: some.get(a["name"].replace("-", "_"),
                                1000 * a["value"])
            for a in counters if a["type"] != "pad"}


def a_vm(**some):
    vm = {"cid": 42, "pid": 1234, "name": "web", "comm": "qemu-system-x86",
          "state": SPEC.enums["state"]["up"], "epoch": 0x1122334455667788,
          "backlog": 1048576, "ring-size": 262144, "stats": stats()}
    vm.update({k.replace("_", "-"): v for k, v in some.items()})
    return vm


def a_link(**some):
    link = {"cid": 42, "state": SPEC.enums["state"]["up"], "reason": 0,
            "epoch": 0xfedcba9876543210, "admin-up": 1, "ring-size": 262144,
            "policy": "adaptive", "stats": stats()}
    link.update({k.replace("_", "-"): v for k, v in some.items()})
    return link
