# SPDX-License-Identifier: GPL-2.0-only
"""Run the plan on this host; one line of JSON for each measurement.

LAB_OUT has plan.json (its name, and what differs from it) and gets
bench.jsonl. A run that broke off goes on with the round that it was in.
"""
import json
import os
import subprocess
import sys
import time

import beside
import perf
import place

import plan as plans
from place import Failure

OUT = os.environ["LAB_OUT"]
WATCH = {name: name for name in (
    "exits", "hypercalls", "halt_exits", "irq_injections", "irq_exits",
    "io_exits", "mmio_exits")}


def say(text):
    """A line of progress for who started the benchmark."""
    print(f"diag {text}", flush=True)


def now_us():
    return int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6)


def timed_out(got):
    """Was it too slow, whatever it was that did not come in time?"""
    error = got.get("error", "")
    return "no end" in error or "ETIMEDOUT" in error


class Bench:
    def __init__(self, plan):
        self.plan = plan
        self.out = open(f"{OUT}/bench.jsonl", "a", encoding="utf-8")
        self.host = place.Host()
        self.guests = {}
        self.began = time.monotonic()
        self.cells = self.failed = 0

    def write(self, record):
        self.out.write(json.dumps(record) + "\n")
        self.out.flush()

    def sync(self):
        self.out.flush()
        os.fsync(self.out.fileno())

    def late(self):
        """Has the run had its time? Then no new round begins."""
        return time.monotonic() - self.began > self.plan["seconds"]

    def address(self, cell, guest):
        kind = plans.PEERS[cell["peer"]][1]
        if kind == "vsock":
            return f"vsock:{guest.cid}:{place.PORT}"
        if kind == "unix":
            return "unix:bench:1"
        return f"tcp:10.77.{kind[-1]}.2:{place.PORT}"

    def client(self, cell, guest, at=0, ready=False):
        """Start vsbench for a cell; if asked for, wait until it is connected and
        has warmed up."""
        args = [f"peer={self.address(cell, guest)}"]
        for key in ("mode", "type", "dir", "size", "n", "sockbuf", "zerocopy",
                    "multi", "run", "rounds", "every", "samples"):
            if key in cell:
                args.append(f"{key}={cell[key]}")
        args.append(f"warm={self.plan['warm']}")
        args.append(f"cap={self.cap(cell)}")
        if at:
            args.append(f"at={at}")
        if cell["peer"] != "unix":
            args += [f"watch={name}:{guest.kvm}/{file}"
                     for name, file in WATCH.items()]
        if ready:
            args.append("ready=1")
        client = subprocess.Popen(["vsbench", place.TEXT, "run"] + args,
                                  stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        client.said = client.stdout.readline() if ready else ""
        return client

    def cap(self, cell):
        """Milliseconds after which a case has failed. Where nothing is compared, time
        is no failure before something hangs."""
        least = 60000 if self.plan["name"] == "quick" else 8000
        return (least + cell["run"] // 100 + 30 * cell.get("n", 1)) * place.SCALE

    def result(self, cell, client):
        try:
            text = client.said.replace("READY\n", "")
            text += client.communicate(timeout=self.cap(cell) / 1000 + 10)[0]
            return json.loads(text)
        except subprocess.TimeoutExpired:
            client.kill()
            client.wait()
            return {"error": "no end"}
        except ValueError:
            return {"error": text.strip()[-200:] or "no output"}

    def measure(self, cell):
        guest = self.guests["A"]
        if cell.get("bulk"):
            # It runs all the time: one phase that is longer than all others.
            busy = {**cell, "mode": "stream", "size": 65536, "n": 1,
                    "run": cell["run"] * 4 + 2000000}
            beside = self.client(busy, guest, ready=True)
            got = self.result(cell, self.client(cell, guest))
            bulk = self.result(busy, beside)
            if "error" in bulk:
                return {"error": "beside: " + bulk["error"]}
            return {**got, "bulk_bytes": bulk["bytes"], "bulk_us": bulk["us"]}
        if len(cell.get("guests", [])) < 2:
            name = cell.get("guests", ["A"])[0]
            return self.result(cell, self.client(cell, self.guests[name]))
        at = now_us() + 400000 * (1 + len(cell["guests"])) * place.SCALE
        clients = [self.client(cell, self.guests[name], at)
                   for name in cell["guests"]]
        got = [self.result(cell, client) for client in clients]
        for one in got:
            if "error" in one:
                return one
        return {**got[0], "bytes": sum(one["bytes"] for one in got),
                "messages": sum(one["messages"] for one in got),
                "us": max(one["us"] for one in got)}

    def run(self, number, cells):
        for cell in cells:
            began = time.monotonic()
            got = self.measure(cell)
            if self.plan["name"] == "quick" and timed_out(got):
                say(f"once more, as its time was up: {cell['test']} of {cell['peer']}")
                got = self.measure(cell)
            self.cells += 1
            self.failed += "error" in got
            self.write({"round": number, "took": round(time.monotonic() - began, 3),
                        **cell, "result": got})

    def counted(self, number):
        """Pings, and what virtsock itself counted meanwhile."""
        for way in ("send", "recv"):
            cell = plans.cell("counts", "virtsock", mode="ping", size=56,
                              dir=way, run=20000000,
                              rounds=self.plan["counts"])
            before = place.counters(self.guests["A"])
            got = self.measure(cell)
            after = place.counters(self.guests["A"])
            if "error" not in got:
                got["counters"] = {
                    side: {name: value - before[side].get(name, 0)
                           for name, value in after[side].items()}
                    for side in after}
            self.write({"round": number, **cell, "result": got})

    def policies(self, number):
        """Each flush policy, set while the guest runs."""
        for cell in plans.policy_cells(self.plan):
            self.guests["A"].policy(cell["policy"])
            self.run(number, [cell])

    def memory(self, number):
        """KiB in use: bare, with connections, and with load on them."""
        guest = self.guests["A"]
        n = self.plan["memory_conns"]
        cell = plans.cell("memory", self.host.transport, size=1024, dir="recv",
                          n=n, multi=1, run=20000000)
        got = {"idle": place.memory(guest), "n": n}
        for name, at in (("conns", now_us() + 10**9), ("loaded", 0)):
            client = self.client(cell, guest, at, ready=True)
            time.sleep(place.SCALE)
            if client.poll() is not None:
                got = self.result(cell, client)
                break
            got[name] = place.memory(guest)
            client.kill()
            client.communicate()
        self.write({"round": number, **cell, "result": got})

    def swap(self, number, transport, what="round"):
        """Exchange the modules, and see what the new ones' links take."""
        began = time.monotonic()
        if transport != self.host.transport:
            self.host.use(None)
            without = place.memory(self.guests["A"])
            self.host.use(transport)
            if len(self.host.guests) == 1:
                self.write({"round": number, **plans.cell("memory-vm", transport),
                            "result": {"without": without,
                                       "with": place.memory(self.guests["A"])}})
        say(f"{what} {number}: {transport} (swapped in "
            f"{time.monotonic() - began:.1f} s)")

    def rounds(self):
        order = ["virtsock", "vhost"]
        for number in range(1, self.plan["rounds"] + 1):
            if number in self.plan["done"]:
                continue
            if self.late():
                say(f"time is up before round {number}")
                break
            for transport in order:
                self.swap(number, transport)
                self.run(number, plans.half(self.plan, transport))
                if transport == "virtsock":
                    self.counted(number)
                    self.policies(number)
                self.memory(number)
            order.reverse()
            self.write({"done": number})
            self.sync()
            say(f"round {number} is complete after "
                f"{time.monotonic() - self.began:.0f} s: {self.cells} cells, "
                f"{self.failed} failed")

    def boot(self, name, vcpus):
        place.command("bash", f"{place.REPO}/tests/bench/host.sh", "boot",
                      name, str(vcpus), timeout=120)
        self.guests[name] = place.Guest(name, vcpus)
        self.host.add(self.guests[name])

    def scale(self):
        """Several guests, and one with two vCPUs: they are not there before."""
        if not self.plan["scale_rounds"] or "scale" in self.plan["done"]:
            return
        if self.late():
            say("no time for several guests")
            return
        names = self.plan["vm_names"][:max(self.plan["vms"])]
        for name in dict.fromkeys(["B", *names[1:]]):
            self.boot(name, 2 if name == "B" else 1)
        order = ["virtsock", "vhost"]
        if self.host.transport == "vhost":
            order.reverse()
        for number in range(1, self.plan["scale_rounds"] + 1):
            if number > 1 and self.late():
                break
            for transport in order:
                self.swap(number, transport, "several guests, round")
                self.run(number, plans.scale_cells(self.plan, transport, names))
            order.reverse()
        self.write({"done": "scale"})
        self.sync()

    def machine(self):
        cpuinfo = place.read("/proc/cpuinfo")
        model = cpuinfo.split("model name", 1)[-1].split(":", 1)[-1]
        return {"host": place.HOST_KVER, "guest": place.GUEST_KVER,
                "host_cpus": os.cpu_count(),
                "host_cpu": model.split("\n", 1)[0].strip(),
                "load": place.read("/proc/loadavg").split()[0]}


def main():
    with open(f"{OUT}/plan.json", encoding="utf-8") as file:
        given = json.load(file)
    plan = {**{"full": plans.FULL, "quick": plans.QUICK,
               "profile": plans.PROFILE, "beside": plans.BESIDE}[given["name"]],
            **given}
    if plan["name"] == "profile":
        plan["cells"] = list(plans.profiled())
    bench = Bench(plan)
    status = 0
    try:
        measure(bench, plan)
    except Failure as why:
        say(f"FAIL: {why}")
        status = 1
    bench.host.close()
    return status


def measure(bench, plan):
    bench.guests["A"] = place.Guest("A")
    bench.host.add(bench.guests["A"])
    bench.write({"machine": bench.machine(), "plan": plan})
    # The e1000 of the guest takes its time to come up.
    first = plans.cell("first", "tcp-e1000", size=1024, dir="send", run=10000)
    say(f"e1000: {bench.measure(first).get('error', 'up')}")
    if plan["name"] == "profile":
        perf.run(bench)
    elif plan["name"] == "beside":
        beside.run(bench)
    else:
        bench.rounds()
        bench.scale()
    bench.sync()
    say(f"{bench.cells} cells, {bench.failed} failed, "
        f"{time.monotonic() - bench.began:.0f} s")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as why:
        say(f"FAIL: {why}")
        sys.exit(1)
