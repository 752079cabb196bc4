# SPDX-License-Identifier: GPL-2.0-only
"""Read what a host measured, and make one entry of each kind of cell."""
import datetime
import json
import math
import os
import platform
import re
import subprocess
from statistics import median

# What tells cells apart.
KEY = ("test", "peer", "variant", "size", "dir", "n", "bulk", "vcpus", "vms",
       "policy")
BINS = 8		# of the histogram, for each octave of microseconds


def read(directory):
    """All boots of a run: {machine, plan, records, done}."""
    raw = {"machine": {}, "plan": {}, "records": [], "done": []}
    for boot in sorted(os.listdir(directory)):
        path = os.path.join(directory, boot, "bench.jsonl")
        if not os.path.exists(path):
            continue
        fresh = []
        with open(path, encoding="utf-8") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:	# the host died while it wrote
                    continue
                if "machine" in record:
                    raw["machine"] = {**record["machine"], **raw["machine"]}
                    raw["plan"] = raw["plan"] or record["plan"]
                elif "done" in record:
                    raw["done"].append(record["done"])
                    raw["records"] += fresh
                    fresh = []
                else:
                    fresh.append(record)
        # A round that broke off is measured again; the last boot's counts.
        if boot == sorted(os.listdir(directory))[-1]:
            raw["records"] += fresh
    return raw


def kernel(run):
    def series(kver):
        return ".".join(kver.split("-")[0].split(".")[:2])
    host, guest = series(run["machine"]["host"]), series(run["machine"]["guest"])
    return host if host == guest else f"{host}-{guest}"


def spread(values):
    """Median and all values of the repetitions; None without any."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    return {"median": short(median(values)), "min": short(min(values)),
            "max": short(max(values)), "all": [short(value) for value in values]}


def short(value):
    """Four digits are more than the measurement is worth."""
    if value == 0:
        return 0
    return round(value, max(0, 3 - int(math.floor(math.log10(abs(value))))))


def percentile(values, permille):
    """The smallest value that this share does not exceed; values are sorted."""
    return values[max(0, -(-len(values) * permille // 1000) - 1)]


def histogram(values):
    """{bin: count}; a bin is an eighth of an octave."""
    bins = {}
    for value in values:
        i = int(math.floor(math.log2(max(value, 0.1)) * BINS))
        bins[i] = bins.get(i, 0) + 1
    return bins


def bimodal(bins):
    """Two peaks a factor of 1.4 or more apart, each with a tenth of all
    samples on its side, and between them a valley of less than a quarter of
    the lower one."""
    if not bins:
        return False
    total = sum(bins.values())
    low, high = min(bins), max(bins)
    count = [bins.get(i, 0) for i in range(low, high + 1)]
    # Neighbours that share a peak are one.
    soft = [sum(count[max(0, i - 1):i + 2]) for i in range(len(count))]
    for valley in range(1, len(soft) - 1):
        left, right = soft[:valley], soft[valley + 1:]
        i, k = left.index(max(left)), valley + 1 + right.index(max(right))
        if (k - i >= BINS / 2 and sum(count[:valley]) * 10 >= total and
                sum(count[valley + 1:]) * 10 >= total and
                soft[valley] * 4 < min(soft[i], soft[k])):
            return True
    return False


def watched(result, name):
    """KVM's count, or None where there is no VM."""
    return result.get("watch", {}).get(name)


def stream(good):
    """Entries of throughput cells."""
    out = {"mbps": spread([one["bytes"] / one["us"] for one in good])}
    for name in ("exits", "hypercalls"):
        out[f"{name}_per_mb"] = spread(
            [watched(one, name) / (one["bytes"] / 1e6) for one in good
             if watched(one, name) is not None and one["bytes"]])
    out["messages_per_hypercall"] = spread(
        [one["messages"] / watched(one, "hypercalls") for one in good
         if watched(one, "hypercalls")])
    out["host_cpu_s_per_gb"] = spread(
        [(one["cpu"]["busy"] - one["cpu"]["guest"]) / one["bytes"] * 1e3
         for one in good if one["bytes"]])
    if any("watch" in one and one["watch"] for one in good):
        out["guest_cpu_s_per_gb"] = spread(
            [one["cpu"]["guest"] / one["bytes"] * 1e3
             for one in good if one["bytes"]])
    if any(one.get("copied") for one in good):
        out["copied"] = sum(one["copied"] for one in good)
    return out


def latency(good):
    """Entries of ping cells: percentiles of each repetition, and of all."""
    out = {name: spread([one[name] for one in good if "p50" in one])
           for name in ("p50", "p99", "p999", "max")}
    pooled = sorted(us for one in good for us in one.get("us_all", []))
    if pooled:
        bins = histogram(pooled)
        out["pooled"] = {"samples": len(pooled),
                         **{name: short(percentile(pooled, permille))
                            for name, permille in
                            (("p50", 500), ("p99", 990), ("p999", 999))}}
        out["histogram"] = {"bins_per_octave": BINS, "first": min(bins),
                            "counts": [bins.get(i, 0) for i in
                                       range(min(bins), max(bins) + 1)]}
        out["bimodal"] = bimodal(bins)
    for name in ("exits", "hypercalls"):
        out[f"{name}_per_round"] = spread(
            [watched(one, name) / one["messages"] for one in good
             if watched(one, name) is not None and one["messages"]])
    bulk = [one["bulk_bytes"] / one["bulk_us"] for one in good if "bulk_us" in one]
    if bulk:
        out["bulk_mbps"] = spread(bulk)
    return out


def other(test, good):
    """Entries that are no measurement of time."""
    if test == "memory-vm":
        return {side: spread([one["with"][side] - one["without"][side]
                              for one in good]) for side in ("host", "guest")}
    return {f"{state}_{side}": spread([(one[state][side] - one["idle"][side])
                                       / one["n"] for one in good])
            for state in ("conns", "loaded") for side in ("host", "guest")}


def collect(raw):
    """{machine, plan, cells}: one entry for each kind of cell."""
    groups = {}
    for record in raw["records"]:
        key = tuple(record.get(name) for name in KEY)
        groups.setdefault(key, []).append(record)
    cells = []
    for key, records in groups.items():
        entry = {name: value for name, value in zip(KEY, key) if value is not None}
        good = [one["result"] for one in records if "error" not in one["result"]]
        entry["ok"] = len(good)
        errors = [one["result"]["error"] for one in records
                  if "error" in one["result"]]
        if errors:
            entry["failed"] = len(errors)
            entry["errors"] = sorted(set(errors))
        if good:
            test = entry["test"]
            if test in ("memory", "memory-vm"):
                entry.update(other(test, good))
            elif any("p50" in one for one in good):
                entry.update(latency(good))
            else:
                entry.update(stream(good))
            if test == "counts":
                entry["counters"] = [one["counters"] for one in good]
                entry["rounds"] = [one["messages"] for one in good]
        cells.append({name: value for name, value in entry.items()
                      if value is not None})
    return {"machine": raw["machine"], "plan": raw["plan"], "cells": cells}


def version(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True,
                              check=False).stdout.split("\n", 1)[0]
    except OSError:
        return ""


def this_machine():
    """Where the emulated host runs; the host itself with --direct."""
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"model name\s*:\s*(.*)", file.read())
            model = found.group(1) if found else ""
    except OSError:
        pass
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(),
            "qemu": version("qemu-system-x86_64", "--version")}


def save(target, name, runs, verdicts):
    """DATE-KERNEL.json; returns the name without its ending."""
    name = f"{datetime.date.today().isoformat()}-{name}"
    os.makedirs(target, exist_ok=True)
    with open(os.path.join(target, f"{name}.json"), "w", encoding="utf-8") as file:
        file.write('{"date": "%s",\n"machine": %s,\n"verdicts": [\n' % (
            datetime.date.today().isoformat(), json.dumps(this_machine())))
        file.write(",\n".join(json.dumps(one) for one in verdicts))
        file.write('\n],\n"runs": [\n')
        for number, run in enumerate(runs):
            file.write('%s{"machine": %s,\n"plan": %s,\n"cells": [\n' % (
                ",\n" if number else "", json.dumps(run["machine"]),
                json.dumps(run["plan"])))
            file.write(",\n".join(json.dumps(one) for one in run["cells"]))
            file.write("\n]}")
        file.write("\n]}\n")
    return name
