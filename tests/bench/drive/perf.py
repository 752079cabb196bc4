# SPDX-License-Identifier: GPL-2.0-only
"""Cells with a profile of everything that runs meanwhile: perf on the host,
which sees the guest's kernel, too, as the host's clock interrupts it there."""
import os
import shutil
import subprocess
import time

import place
import plan as plans
from place import Failure

HERTZ = 999
# In memory, or what is written would be a part of the profile.
FILE = "/run/lab/perf.data"
STARTED = "/run/lab/perf.started"


class Perf:
    """Samples from start() to stop()."""

    def __init__(self, path):
        self.path = path
        if os.path.exists(STARTED):
            os.unlink(STARTED)
        # The command runs once the events are on: its file says so.
        self.perf = subprocess.Popen(
            ["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", str(HERTZ),
             "-o", FILE, "--", "sh", "-c",
             f"echo $$ >{STARTED}.new && mv {STARTED}.new {STARTED}; exec sleep 600"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        while not os.path.exists(STARTED):
            if self.perf.poll() is not None:
                raise Failure(f"perf: {self.perf.stderr.read().strip()[-200:]}")
            time.sleep(0.05)

    def stop(self):
        os.kill(int(place.read(STARTED)), 15)
        self.perf.communicate(timeout=120 * place.SCALE)
        shutil.move(FILE, self.path)


def symbols(out, guest):
    """Of both kernels, for who reads the profiles elsewhere; modules come and
    go with the transport."""
    with open(f"{out}.host", "w", encoding="utf-8") as file:
        file.write(place.read("/proc/kallsyms"))
    with open(f"{out}.guest", "w", encoding="utf-8") as file:
        file.write(guest.run("cat", "/proc/kallsyms"))


def run(bench):
    """Each cell of the plan once, on either transport."""
    guest = bench.guests["A"]
    for transport in ("virtsock", "vhost"):
        bench.swap(1, transport)
        symbols(f"{os.environ['LAB_OUT']}/symbols.{transport}", guest)
        for number, cell in enumerate(bench.plan["cells"]):
            if plans.HALF[cell["peer"]] != transport:
                continue
            name = f"perf.{number}"
            perf = Perf(f"{os.environ['LAB_OUT']}/{name}")
            try:
                got = bench.measure(cell)
            finally:
                perf.stop()
            bench.cells += 1
            bench.failed += "error" in got
            bench.write({"round": 1, **cell, "profile": name,
                         "symbols": f"symbols.{transport}", "result": got})
