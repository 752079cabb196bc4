# SPDX-License-Identifier: GPL-2.0-only
"""What round trips cost others in the guest: a program that wants the CPU
(vsbench spin), a timer (cyclictest), and memory that is plugged in, which waits
for vCPUs that are in a hypercall. Each alone and beside round trips of 56 B."""
import json
import time

import place
import plan as plans
from place import Failure

# Longer than what runs beside it, with the time that it takes to start.
RUN = {"spin": 4000000, "timer": 8000000, "memory": 3000000}
SPIN_US = 1500000
TIMER_S = 2
# A block of x86: a guest takes no less.
MEMORY = 128 << 20


def spin(guest):
    got = json.loads(guest.run("vsbench", place.TEXT, "spin", str(SPIN_US)))
    return {"units": got["units"] / got["us"]}


def timer(guest):
    """Microseconds from when a timer is due until its program runs."""
    said = guest.shell("cyclictest -q -m -p 80 -i 2000 -D $1 -h 100000 "
                       "--histfile=/dev/null --json=$2 >/dev/null && cat $2",
                       str(TIMER_S), "/tmp/cyclictest.json")
    try:
        got = json.loads(said)["thread"]["0"]
    except (ValueError, KeyError) as why:
        raise Failure(f"cyclictest: {why}: {said[:200]!r}") from why
    return {"cycles": got["cycles"], "max": got["max"],
            "histogram": {int(us): n for us, n in got["histogram"].items()}}


def memory(guest):
    """Milliseconds that the VMM takes to plug memory in. Memory that the guest
    puts to use at once it could not give back."""
    guest.shell("echo offline >/sys/devices/system/memory/auto_online_blocks")
    guest.qmp.call("object-add", id="bm", **{"qom-type": "memory-backend-ram",
                                             "size": MEMORY})
    began = time.monotonic()
    # Asked to give it back before it has it, a guest does not hear that.
    took = guest.qmp.call("device_add", driver="pc-dimm", id="bd", memdev="bm",
                          until="ACPI_DEVICE_OST") - began
    guest.qmp.call("device_del", id="bd", until="DEVICE_DELETED")
    guest.qmp.call("object-del", id="bm")
    return {"ms": took * 1e3}


KINDS = {"spin": spin, "timer": timer, "memory": memory}


def beside(bench, cell, what):
    """One of them while round trips go on from its beginning to its end."""
    guest = bench.guests["A"]
    if not cell["rate"]:
        return KINDS[what](guest)
    client = bench.client(cell, guest, ready=True)
    if client.said != "READY\n":
        return bench.result(cell, client)
    began = time.monotonic()
    try:
        got = KINDS[what](guest)
    except Failure as why:
        return {"error": str(why)}
    finally:
        ended = client.poll() is not None
        took = time.monotonic() - began
        ping = bench.result(cell, client)
    if "error" in ping:
        return ping
    if ended:
        return {"error": f"the round trips ended within {took:.1f} s"}
    return {**got, "p50": ping["p50"], "per_second": ping["messages"] / ping["us"] * 1e6}


def run(bench):
    order = ["virtsock", "vhost"]
    for number in range(1, bench.plan["rounds"] + 1):
        for transport in order:
            bench.swap(number, transport)
            for cell in plans.beside(bench.plan, transport):
                what = cell["what"]
                cell = {**cell, "run": RUN[what]}
                try:
                    got = beside(bench, cell, what)
                except Failure as why:
                    got = {"error": str(why)}
                bench.cells += 1
                bench.failed += "error" in got
                bench.write({"round": number, **cell, "result": got})
        order.reverse()
        bench.write({"done": number})
        bench.sync()
