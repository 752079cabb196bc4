# SPDX-License-Identifier: GPL-2.0-only
"""The targets, and whether a run meets them.

A target compares medians of one run. The better of a peer's variants (its own
defaults, our buffer) counts. What was not measured was not met.
"""
from report.results import kernel

G2H, H2G = "recv", "send"	# the client is on the host
WAY = {G2H: "guest to host", H2G: "host to guest"}
PEER = {"vhost": "vhost-vsock", "unix": "the Unix socket", "tcp": "TCP"}


class Run:
    """The cells of one run, by what they are."""

    def __init__(self, run):
        self.cells = run["cells"]
        self.plan = run["plan"]
        self.machine = run["machine"]

    def find(self, test, peer, **want):
        return [one for one in self.cells
                if one["test"] == test and one["peer"] == peer and
                all(one.get(name) == value for name, value in want.items())]

    def value(self, test, peer, what, best=max, **want):
        """The median; of several variants the best one. None: not measured."""
        if peer == "unix":
            want.pop("dir", None)
        found = [one[what]["median"] for one in self.find(test, peer, **want)
                 if one.get(what)]
        return best(found) if found else None

    def nearest(self, test, peer, sizes, size, **want):
        """Its throughput at this size, or at the nearest one that works."""
        for other in sorted(sizes, key=lambda one: (abs(sizes.index(one) -
                                                        sizes.index(size)), one)):
            found = self.value(test, peer, "mbps", size=other, **want)
            if found:
                return found
        return None


class Target:
    """One line: every case of it has a limit; the worst one is shown."""

    def __init__(self, name, run, unit="x"):
        self.name, self.unit = name, unit
        self.cases, self.missing = [], []
        self.where = (f"{kernel({'machine': run.machine})}, "
                      f"{run.machine['host_cpus']} host CPU(s)")

    def least(self, label, value, limit):
        self._case(label, value, limit, value is not None and value >= limit,
                   value / limit if value is not None else 0)

    def most(self, label, value, limit):
        self._case(label, value, limit, value is not None and value <= limit,
                   limit / value if value else 1e9)

    def _case(self, label, value, limit, met, margin):
        if value is None:
            self.missing.append(label)
        else:
            self.cases.append((margin, label, value, limit, met))

    def result(self):
        out = {"target": self.name, "where": self.where, "unit": self.unit,
               "cases": len(self.cases) + len(self.missing),
               "met": bool(self.cases) and not self.missing and
               all(one[4] for one in self.cases)}
        if self.missing:
            out["not_measured"] = self.missing
        if self.cases:
            _, label, value, limit, _ = min(self.cases)
            out["worst"] = {"case": label, "value": round(value, 3), "limit": limit}
            out["missed"] = [f"{case[1]}: {case[2]:.3g} ({case[3]:g})"
                             for case in self.cases if not case[4]]
        return out


def ratio(ours, theirs):
    return ours / theirs if ours is not None and theirs else None


def throughput(run, name, peer, limit, ways=(G2H, H2G), test="stream", more=False):
    """At every size; limit is a number or a function of the size. more: equal
    is not enough."""
    target = Target(name, run)
    sizes = run.plan["seq_sizes" if test == "seq" else "sizes"]
    for way in ways:
        for size in sizes:
            ours = run.value(test, "virtsock", "mbps", size=size, dir=way)
            theirs = run.nearest(test, peer, sizes, size, dir=way)
            least = limit(size) if callable(limit) else limit
            target.least(f"{WAY[way]}, {size} B", ratio(ours, theirs),
                         least * (1.0001 if more else 1))
    return target.result()


def latency(run, limit):
    target = Target("ping-pong latency up to 4 KiB against vhost-vsock: "
                    f"median and p99 at most {limit:g} times", run)
    for way in (G2H, H2G):
        for size in run.plan["ping_sizes"]:
            if size > 4096:
                continue
            for what in ("p50", "p99"):
                ours, theirs = (run.value("ping", peer, what, min, size=size, dir=way)
                                for peer in ("virtsock", "vhost"))
                asks = "guest" if way == G2H else "host"
                target.most(f"{asks} asks, {size} B, {what}",
                            ratio(ours, theirs), limit)
    return target.result()


def one_mode(run):
    target = Target("ping-pong latency is never bimodal", run, "of 1")
    for way in (G2H, H2G):
        for size in run.plan["ping_sizes"]:
            found = run.find("ping", "virtsock", size=size, dir=way)
            asks = "guest" if way == G2H else "host"
            bad = any(one.get("bimodal", True) for one in found) if found else None
            target.most(f"{asks} asks, {size} B", None if bad is None else int(bad), 0)
    return target.result()


def counted(run):
    """KVM's count of hypercalls is taken in the measured phase; virtsock's own
    also have the warming up and the connecting, hence the allowance of 20."""
    target = Target("a request and its answer: 1 hypercall, no timer, no doorbell",
                    run, "for each")
    for way in (G2H, H2G):
        asks = "guest" if way == G2H else "host"
        found = run.find("counts", "virtsock", dir=way)
        one = found[0] if found and found[0].get("counters") else None
        if not one:
            target.missing.append(f"{asks} asks")
            continue
        target.most(f"{asks} asks, hypercalls",
                    one["hypercalls_per_round"]["median"], 1.01)
        for label, side, name in (("doorbells", "vm", "doorbells"),
                                  ("timers", "link", "timer_flushes")):
            found = [(max(0, every[side].get(name, every[side].get(
                name.replace("_", "-"), 0)) - 20)) / rounds
                     for every, rounds in zip(one["counters"], one["rounds"])]
            target.most(f"{asks} asks, {label}", sorted(found)[len(found) // 2], 0.01)
    return target.result()


def zerocopy(run):
    target = Target("64 KiB with MSG_ZEROCOPY, guest to host, at least 1.5 times "
                    "the Unix socket", run)
    target.least("64 KiB", ratio(
        run.value("zerocopy", "virtsock", "mbps", size=65536, dir=G2H),
        run.value("stream", "unix", "mbps", size=65536)), 1.5)
    return target.result()


def exits(run):
    target = Target("a stream of 56 B, guest to host, against vhost-vsock's exits "
                    "for each MB: exits at most 0.2 times, hypercalls 0.05", run)
    theirs = run.value("stream", "vhost", "exits_per_mb", min, size=56, dir=G2H)
    for label, what, limit in (("exits", "exits_per_mb", 0.2),
                               ("hypercalls", "hypercalls_per_mb", 0.05)):
        ours = run.value("stream", "virtsock", what, min, size=56, dir=G2H)
        target.most(label, ratio(ours, theirs), limit)
    return target.result()


def connections(run):
    target = Target("1,024 connections together at least 0.9 times one", run)
    for way in (G2H, H2G):
        for size in run.plan["conn_sizes"]:
            many, one = (run.value("conns", "virtsock", "mbps", size=size, dir=way, n=n)
                         for n in (1024, 1))
            target.least(f"{WAY[way]}, {size} B", ratio(many, one), 0.9)
    return target.result()


def mixed(run):
    target = Target("50 request/response connections beside a bulk stream: median "
                    "latency at most 3 times that without", run)
    for way in (G2H, H2G):
        busy, idle = (run.value("mixed", "virtsock", "p50", min, bulk=bulk, dir=way)
                      for bulk in (1, 0))
        target.most(f"56 B, stream {WAY[way]}", ratio(busy, idle), 3)
    return target.result()


def no_failures(run):
    target = Target("no measurement of virtsock fails", run, "failures")
    for one in run.cells:
        if one["peer"] == "virtsock":
            label = " ".join(str(one[name]) for name in ("test", "size", "dir", "n")
                             if name in one)
            target.most(label, one.get("failed", 0), 0)
    return target.result()


def one_cpu(run):
    yield throughput(run, "throughput guest to host against vhost-vsock: at least 5 "
                     "times up to 1 KiB, 3.5 above", "vhost",
                     lambda size: 5 if size <= 1024 else 3.5, (G2H,))
    yield throughput(run, "throughput host to guest against vhost-vsock: at least "
                     "4 times", "vhost", 4, (H2G,))
    for way in (G2H, H2G):
        yield throughput(run, f"throughput {WAY[way]} against the Unix socket: at "
                         "least 1.3 times", "unix", 1.3, (way,))
    yield throughput(run, "throughput: ahead of TCP over virtio-net and vhost-net",
                     "tcp", 1, more=True)
    yield latency(run, 0.25)
    yield one_mode(run)
    yield counted(run)
    yield zerocopy(run)
    yield exits(run)
    yield connections(run)
    yield mixed(run)
    yield throughput(run, "seqpacket against vhost-vsock's: at least 2.5 times",
                     "vhost", 2.5, test="seq")
    yield no_failures(run)


def two_cpus(run):
    yield throughput(run, "throughput against the Unix socket: at least 1 times up "
                     "to 4 KiB, 0.7 above", "unix",
                     lambda size: 1 if size <= 4096 else 0.7)
    yield throughput(run, "throughput: ahead of TCP over virtio-net and vhost-net",
                     "tcp", 1, more=True)
    yield latency(run, 0.35)
    yield one_mode(run)
    yield no_failures(run)


def old_kernel(run):
    yield throughput(run, "throughput against vhost-vsock: at least 2 times",
                     "vhost", 2)
    yield no_failures(run)


WANTED = {("6.12", 1): one_cpu, ("6.12", 2): two_cpus, ("6.1", 1): old_kernel}


def judge(runs):
    """All verdicts; a run that is missing misses its targets."""
    verdicts, seen = [], set()
    for run in runs:
        what = (kernel(run), run["machine"]["host_cpus"])
        if what in WANTED:
            seen.add(what)
            verdicts += WANTED[what](Run(run))
    for series, cpus in WANTED:
        if (series, cpus) not in seen:
            verdicts.append({"target": "all targets of this configuration",
                             "where": f"{series}, {cpus} host CPU(s)", "cases": 0,
                             "met": False, "not_measured": ["no run"]})
    return verdicts


def line(one):
    """A verdict for people."""
    text = f"{'met   ' if one['met'] else 'MISSED'} {one['where']}: {one['target']}"
    if "worst" in one:
        worst = one["worst"]
        text += (f"; worst: {worst['case']}: {worst['value']:g}"
                 f" (limit {worst['limit']:g})")
    if one.get("missed"):
        text += f"; {len(one['missed'])} of {one['cases']} cases missed"
    if one.get("not_measured"):
        text += f"; not measured: {', '.join(one['not_measured'][:4])}"
    return text


def broken(run):
    """What a reduced run has to have measured and has not. A failure of a peer
    is its own; but each kind has to have worked for somebody."""
    bad = []
    tests = {}
    for one in run["cells"]:
        ok = tests.setdefault(one["test"], [0, []])
        ok[0] += one["ok"]
        ok[1] += one.get("errors", [])
        if one["peer"] == "virtsock" and one.get("failed"):
            bad.append(f"{one['test']} {one.get('size', '')} "
                       f"{one.get('dir', '')}: {one['errors'][0]}")
    for test, (ok, errors) in tests.items():
        if not ok:
            bad.append(f"{test}: {errors[0] if errors else 'no result'}")
    for test in ("stream", "ping", "seq", "zerocopy", "conns", "mixed", "counts",
                 "policies", "policies-ping", "vcpus", "vms", "memory", "memory-vm"):
        if test not in tests:
            bad.append(f"{test} is missing")
    return bad
