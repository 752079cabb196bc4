# SPDX-License-Identifier: GPL-2.0-only
"""Markdown: the paper's Table I (throughput) and Table II (latency), and more."""
import os

from drive.plan import POLICIES
from report.results import kernel
from report.verdict import G2H, H2G, Run, line

COLUMNS = [("tcp-e1000", "TCP, e1000 (origin)"),
           ("tcp", "TCP, virtio-net"), ("vhost", "vhost-vsock"),
           ("virtsock", "virtsock"), ("unix", "Unix, host only")]


def size_name(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def number(value):
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head, rows):
    out = ["| " + " | ".join(head) + " |", "|" + "|".join(
        [" :--- "] + [" ---: "] * (len(head) - 1)) + "|"]
    out += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(out) + "\n"


def best(run, test, peer, what, pick, want):
    """The entry whose variant is the best one, and None if all failed."""
    if peer == "unix":
        want = {name: value for name, value in want.items() if name != "dir"}
    found = run.find(test, peer, **want)
    good = [one for one in found if one.get(what)]
    if not good:
        return None, [error for one in found for error in one.get("errors", [])]
    return pick(good, key=lambda one: one[what]["median"]), []


def entry(run, test, peer, what, pick=max, **want):
    """Median, and in brackets how far the repetitions were apart."""
    one, errors = best(run, test, peer, what, pick, want)
    if not one:
        return errors[0].split(": ")[-1] if errors else "–"
    got = one[what]
    text = number(got["median"])
    if got["median"] and len(got["all"]) > 1:
        text += f" ±{(got['max'] - got['min']) / 2 / got['median'] * 100:.0f}%"
    if one.get("failed"):
        text += f" ({one['failed']} failed)"
    return text


def throughput(run, test, way, sizes):
    peers = [(peer, name) for peer, name in COLUMNS if run.find(test, peer)]
    rows = [[size_name(size)] + [entry(run, test, peer, "mbps", size=size, dir=way)
                                 for peer, _ in peers] for size in sizes]
    return table(["message"] + [name for _, name in peers], rows)


def latency(run, way, sizes):
    peers = [(peer, name) for peer, name in COLUMNS if run.find("ping", peer)]
    rows = []
    for size in sizes:
        row = [size_name(size)]
        for peer, _ in peers:
            parts = [run.value("ping", peer, what, min, size=size, dir=way)
                     for what in ("p50", "p99", "p999")]
            row.append(" / ".join(number(part) for part in parts))
        rows.append(row)
    return table(["message"] + [name for _, name in peers], rows)


def ratios(run, sizes):
    rows = []
    for size in sizes:
        row = [size_name(size)]
        for way in (G2H, H2G):
            ours = run.value("stream", "virtsock", "mbps", size=size, dir=way)
            for peer in ("vhost", "tcp", "unix"):
                theirs = run.value("stream", peer, "mbps", size=size, dir=way)
                row.append(number(ours / theirs) if ours and theirs else "–")
        rows.append(row)
    return table(["message"] + [f"{way}: {peer}" for way in ("g→h", "h→g")
                                for peer in ("vhost-vsock", "TCP", "Unix")], rows)


def cost(run, way, sizes):
    rows = []
    for size in sizes:
        row = [size_name(size)]
        for what in ("exits_per_mb", "host_cpu_s_per_gb", "guest_cpu_s_per_gb"):
            for peer in ("virtsock", "vhost", "tcp"):
                row.append(number(run.value("stream", peer, what, min, size=size,
                                            dir=way)))
        row.append(number(run.value("stream", "virtsock", "hypercalls_per_mb", min,
                                    size=size, dir=way)))
        row.append(number(run.value("stream", "virtsock", "messages_per_hypercall",
                                    size=size, dir=way)))
        rows.append(row)
    head = ["message"] + [f"{what} {peer}" for what in
                          ("exits/MB", "host s/GB", "guest s/GB")
                          for peer in ("virtsock", "vhost-vsock", "TCP")]
    return table(head + ["hypercalls/MB", "messages/hypercall"], rows)


def zerocopy(run):
    rows = []
    for size in run.plan["zerocopy_sizes"]:
        for way, label in ((G2H, "g→h"), (H2G, "h→g")):
            rows.append([f"{size_name(size)} {label}"] + [
                entry(run, "zerocopy", peer, "mbps", size=size, dir=way)
                for peer in ("virtsock", "vhost", "tcp")] + [
                entry(run, "stream", peer, "mbps", size=size, dir=way)
                for peer in ("virtsock", "unix")])
    return table(["message", "virtsock", "vhost-vsock", "TCP",
                  "virtsock without", "Unix without, host only"], rows)


def connections(run):
    rows = []
    for n in run.plan["conns"]:
        row = [str(n)]
        for size in run.plan["conn_sizes"]:
            for way in (G2H, H2G):
                for peer in ("virtsock", "vhost", "tcp"):
                    row.append(entry(run, "conns", peer, "mbps", size=size,
                                     dir=way, n=n))
        rows.append(row)
    head = [f"{size_name(size)} {way} {peer}" for size in run.plan["conn_sizes"]
            for way in ("g→h", "h→g") for peer in ("virtsock", "vhost-vsock", "TCP")]
    return table(["connections"] + head, rows)


def mixed(run):
    rows = []
    for way, label in ((G2H, "g→h"), (H2G, "h→g")):
        for peer, name in COLUMNS:
            if run.find("mixed", peer) and (peer != "unix" or way == H2G):
                rows.append([f"{name}, {label}" if peer != "unix" else name] + [
                    entry(run, "mixed", peer, what, min, bulk=bulk, dir=way)
                    for bulk, what in ((0, "p50"), (1, "p50"), (1, "p99"),
                                       (1, "bulk_mbps"))])
    return table(["peer, where the stream goes", "idle, median µs",
                  "beside a stream, median µs", "p99 µs", "the stream, MB/s"], rows)


def scale(run):
    out = []
    for test, what, values in (("vms", "VMs", run.plan["vms"]),
                               ("vcpus", "vCPUs", [1, 2])):
        cells = [one for one in run.cells if one["test"] == test]
        kinds = sorted({(one["size"], one.get("n", 1)) for one in cells})
        if not kinds:
            continue
        rows = []
        for size, n in kinds:
            for way, label in ((G2H, "g→h"), (H2G, "h→g")):
                for value in values:
                    want = {"size": size, "dir": way, test: value}
                    if test == "vcpus":
                        want["n"] = n
                    rows.append([f"{size_name(size)} {label}" +
                                 (f", {n} connection(s)" if test == "vcpus" else ""),
                                 str(value)] +
                                [entry(run, test, peer, "mbps", **want)
                                 for peer in ("virtsock", "vhost")])
        out.append(table(["message", what, "virtsock", "vhost-vsock"], rows))
    return "\n".join(out)


def policies(run):
    """Why adaptive is the default."""
    sizes = run.plan["policy_sizes"]
    rows = []
    for policy in POLICIES:
        if not run.find("policies", "virtsock", policy=policy):
            continue
        row = [policy]
        for size in sizes:
            for what in ("mbps", "hypercalls_per_mb"):
                row.append(entry(run, "policies", "virtsock", what, size=size,
                                 policy=policy))
        for n in (1, 50):
            for what in ("p50", "p99"):
                row.append(entry(run, "policies-ping", "virtsock", what, min,
                                 policy=policy, n=n))
        rows.append(row)
    return table(["policy"] +
                 [f"{size_name(size)} {what}" for size in sizes
                  for what in ("MB/s", "hypercalls/MB")] +
                 ["round trip µs", "p99 µs", "50 connections µs", "p99 µs"], rows)


def memory(run):
    rows = []
    for peer, name in (("virtsock", "virtsock"), ("vhost", "vhost-vsock")):
        for label, test, prefix in (("a VM that is linked, KiB", "memory-vm", ""),
                                    ("an idle connection, KiB", "memory", "conns_"),
                                    ("a loaded connection, KiB", "memory", "loaded_")):
            found = run.find(test, peer)
            if found:
                rows.append([f"{name}: {label}"] + [
                    number(found[0][prefix + side]["median"])
                    if found[0].get(prefix + side) else "–"
                    for side in ("host", "guest")])
    return table(["", "host", "guest"], rows)


def short(run):
    """What a reduced run prints."""
    run = Run(run)
    return "\n".join([
        "MB/s, guest to host", throughput(run, "stream", G2H, run.plan["sizes"]),
        "MB/s, host to guest", throughput(run, "stream", H2G, run.plan["sizes"]),
        "ping-pong, us: median / p99 / p99.9",
        latency(run, G2H, run.plan["ping_sizes"])])


def section(name, raw):
    run = Run(raw)
    machine = run.machine
    sizes, pings = run.plan["sizes"], run.plan["ping_sizes"]
    out = [f"## Linux {machine['host']} on {machine['host_cpus']} CPU(s), guest "
           f"Linux {machine['guest']}\n",
           f"Host CPU: {machine['host_cpu']}.\n"]
    for way, label in ((G2H, "guest to host"), (H2G, "host to guest")):
        out += [f"### Table I: throughput in MB/s, {label}\n",
                throughput(run, "stream", way, sizes)]
    for way, label in ((G2H, "the guest asks"), (H2G, "the host asks")):
        out += ["### Table II: latency in µs, median / p99 / p99.9 of round trips, "
                f"{label}\n", latency(run, way, pings)]
    out += ["### How many times as fast as\n", ratios(run, sizes)]
    for way, label in ((G2H, "guest to host"), (H2G, "host to guest")):
        out += [f"### What it costs, {label}\n", cost(run, way, sizes)]
    # A plan may have left things out.
    tests = {one["test"] for one in run.cells}
    for way, label in ((G2H, "guest to host"), (H2G, "host to guest")):
        if "seq" in tests:
            out += [f"### Seqpacket in MB/s, {label}\n",
                    throughput(run, "seq", way, run.plan["seq_sizes"])]
    for test, label, part in (("zerocopy", "MSG_ZEROCOPY, MB/s", zerocopy),
                              ("conns", "Connections, MB/s together", connections),
                              ("mixed", "50 request/response connections", mixed),
                              ("policies", "Flush policies, guest to host", policies),
                              ("vms vcpus", "VMs and vCPUs, MB/s together", scale),
                              ("memory", "Memory", memory)):
        if tests & set(test.split()):
            out += [f"### {label}\n", part(run)]
    return "\n".join(out)


def save(target, name, runs, verdicts):
    """NAME.md, beside the JSON."""
    path = os.path.join(target, f"{name}.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"<!-- SPDX-License-Identifier: GPL-2.0-only -->\n# {name}\n\n"
                   "Made by `make bench`; see [the results](README.md) for what is "
                   "measured and how.\nMedians of "
                   f"{runs[0]['plan']['rounds']} repetitions, of several VMs and vCPUs "
                   f"of {runs[0]['plan']['scale_rounds']}, ± half the range. Of "
                   "peers' variants the better one.\n\n## Verdicts\n\n")
        for one in verdicts:
            if one["where"].startswith(kernel(runs[0]) + ","):
                file.write(f"- {line(one)}\n")
        for run in runs:
            picture = f"{name}-{run['machine']['host_cpus']}cpu.svg"
            file.write(f"\n![throughput and latency]({picture})\n\n")
            file.write(section(name, run))
