# SPDX-License-Identifier: GPL-2.0-only
"""A run that was never measured: what a host would write, from given speeds.

It takes the cells from the real plan, so a test that is added there and
nowhere else is noticed.
"""
import json
import os

from drive import plan as plans

# MB/s that a message of 1 KiB gets, and us of a round trip.
SPEED = {"virtsock": 300, "vhost": 30, "tcp": 60, "tcp-e1000": 10, "unix": 90}
ROUND = {"virtsock": 100, "vhost": 800, "tcp": 700, "tcp-e1000": 2000, "unix": 90}


def stream(cell, rate):
    size, n = cell["size"], cell.get("n", 1)
    run = cell["run"]
    count = int(rate * run / size)
    watch = {}
    if cell["peer"] != "unix":
        each = 1e-3 if cell["peer"] == "virtsock" else 2e-2
        watch = {"exits": int(count * each) + 1, "hypercalls": int(count * each / 2) + 1}
    cpu = {"busy": run, "guest": run // 2, "steal": 0, "idle": 0, "ctxt": 1, "intr": 1}
    return {"us": run * 1.0, "bytes": count * size, "messages": count, "n": n,
            "calls": count, "copied": 0, "cpu": cpu, "peer_cpu": cpu, "watch": watch}


def ping(cell, us):
    values = [us * (1 + i / 1000) for i in range(200)]
    cpu = {"busy": 1, "guest": 1, "steal": 0, "idle": 0, "ctxt": 1, "intr": 1}
    got = {"us": 100000.0, "bytes": 200 * cell["size"], "messages": 200,
           "samples": 200, "p50": values[99], "p90": values[179], "p99": values[197],
           "p999": values[199], "max": values[199], "cpu": cpu, "peer_cpu": cpu,
           "watch": {"exits": 220, "hypercalls": 200}}
    if cell.get("samples"):
        got["us_all"] = values
    return got


def result(cell, change):
    peer, test = cell["peer"], cell["test"]
    rate = SPEED[peer] * (cell["size"] / 1024) ** 0.5 if "size" in cell else 0
    if test == "zerocopy":
        rate *= 1.1
    got = ping(cell, ROUND[peer]) if cell.get("mode") == "ping" else stream(cell, rate)
    if test == "counts":
        got["counters"] = {"vm": {"doorbells": 5}, "link": {"timer_flushes": 3}}
    return change(cell, got) or got


def same(cell, got):
    """The change that is none."""


def records(plan, change=same):
    for number in range(1, plan["rounds"] + 1):
        for transport in ("virtsock", "vhost"):
            cells = list(plans.half(plan, transport))
            cells += plans.scale_cells(plan, transport, ["A", "C", "D", "E"])
            if transport == "virtsock":
                cells += plans.policy_cells(plan)
                cells += [plans.cell("counts", "virtsock", mode="ping", size=56,
                                     dir=way, run=1000) for way in ("send", "recv")]
            for cell in cells:
                yield {"round": number, **cell, "result": result(cell, change)}
            yield {"round": number, **plans.cell("memory", transport, size=1024),
                   "result": {"n": 10, **{state: {"host": 100 * i, "guest": 50 * i}
                              for i, state in enumerate(("idle", "conns", "loaded"))}}}
            yield {"round": number, **plans.cell("memory-vm", transport),
                   "result": {"without": {"host": 0, "guest": 0},
                              "with": {"host": 700, "guest": 600}}}
        yield {"done": number}


def write(directory, config="6.12:6.12:1", plan=None, change=same):
    """DIRECTORY/1/bench.jsonl, as drive/main.py writes it."""
    plan = plan or {**plans.QUICK, "rounds": 3, "conns": [1, 1024]}
    host, guest, cpus = config.split(":")
    os.makedirs(f"{directory}/1")
    with open(f"{directory}/1/bench.jsonl", "w", encoding="utf-8") as file:
        lines = [{"machine": {"host": f"{host}.1-amd64", "guest": f"{guest}.1-amd64",
                              "host_cpus": int(cpus), "host_cpu": "none",
                              "load": "0"}, "plan": plan}]
        for line in [*lines, *records(plan, change)]:
            file.write(json.dumps(line) + "\n")
    return directory
