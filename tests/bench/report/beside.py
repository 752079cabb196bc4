# SPDX-License-Identifier: GPL-2.0-only
"""What round trips cost others in the guest: tables and verdicts of
drive/beside.py. Either transport may cost what the other does."""
from collections import Counter
from statistics import median

from report import results

PEERS = [("virtsock", "virtsock"), ("vhost", "vhost-vsock")]
RATES = [("all", "as fast as they go"), ("200/s", "200 a second")]
WAYS = [("recv", "the guest asks"), ("send", "the host asks")]
# What repetitions of one cell differ by is no loss.
SPIN_SLACK, SLACK = 0.01, 1.1


class Beside:
    """The measurements of one run."""

    def __init__(self, records):
        self.records = [one for one in records if one["test"] == "beside"]
        self.errors = [f"{one['peer']}, {one['what']}, {one['rate'] or 'alone'} "
                       f"{one['dir']}: {one['result']['error']}"
                       for one in self.records if "error" in one["result"]]

    def find(self, what, peer, rate="", way=""):
        return [one for one in self.records
                if (one["what"], one["peer"], one["rate"], one["dir"]) ==
                (what, peer, rate, way) and "error" not in one["result"]]

    def ping(self, what, peer, rate, way):
        """Round trips in a second, and their median time."""
        found = [one["result"] for one in self.find(what, peer, rate, way)]
        return tuple(median(one[name] for one in found)
                     for name in ("per_second", "p50")) if found else None

    def spin(self, peer, rate, way):
        """Work that is left, as a part of what it is alone in that round."""
        alone = {one["round"]: one["result"]["units"] for one in self.find("spin", peer)}
        parts = [one["result"]["units"] / alone[one["round"]]
                 for one in self.find("spin", peer, rate, way) if one["round"] in alone]
        return median(parts) if parts else None

    def timer(self, peer, rate="", way=""):
        """Median, p99 and the longest, of all rounds together."""
        count = Counter()
        for one in self.find("timer", peer, rate, way):
            for us, n in one["result"]["histogram"].items():
                count[int(us)] += n
        if not count:
            return None
        return percentile(count, 500), percentile(count, 990), max(count)

    def memory(self, peer, rate="", way=""):
        found = [one["result"]["ms"] for one in self.find("memory", peer, rate, way)]
        return median(found) if found else None


def percentile(count, permille):
    """The smallest value that this share does not exceed."""
    rank, seen = sum(count.values()) * permille / 1000, 0
    for value in sorted(count):
        seen += count[value]
        if seen >= rank:
            break
    return value


def text(value, form):
    if value is None:
        return "–"
    return form(*value) if isinstance(value, tuple) else form(value)


def percent(part):
    return f"{part * 100:.1f} %"


def micros(p50, p99, longest):
    return f"{p50} / {p99} / {longest}"


def millis(ms):
    return f"{ms:.1f}"


def trips(per_second, p50):
    return f"{per_second:.0f}, {p50:.0f} µs"


def table(run, head, what, form):
    """Alone and beside; then the round trips themselves."""
    lines = [f"### {head}", "",
             "| beside | " + " | ".join(name for _, name in PEERS) +
             " | " + " | ".join(f"{name}: round trips" for _, name in PEERS) + " |",
             "| :--- |" + " ---: |" * 2 * len(PEERS)]
    get = getattr(run, what)
    if what != "spin":
        lines.append("| nothing | " + " | ".join(text(get(peer), form) for peer, _ in PEERS) +
                     " | " + " | ".join("" for _ in PEERS) + " |")
    for way, asks in WAYS:
        for rate, often in RATES:
            lines.append(f"| {asks}, {often} | " + " | ".join(
                [text(get(peer, rate, way), form) for peer, _ in PEERS] +
                [text(run.ping(what, peer, rate, way), trips) for peer, _ in PEERS]) + " |")
    return "\n".join(lines) + "\n"


def judge(run):
    """(met, line) for each thing that may not cost more."""
    for name, get, fine, form in (
            ("work left to a program that wants the CPU", run.spin,
             lambda ours, theirs: ours >= theirs - SPIN_SLACK, percent),
            ("a timer's p99, us", lambda *cell: (run.timer(*cell) or (None,) * 3)[1],
             lambda ours, theirs: ours <= theirs * SLACK, str),
            ("plugging memory in, ms", run.memory,
             lambda ours, theirs: ours <= theirs * SLACK, millis)):
        bad, cases = [], 0
        for way, asks in WAYS:
            for rate, often in RATES:
                ours, theirs = (get(peer, rate, way) for peer, _ in PEERS)
                cases += 1
                if ours is None or theirs is None:
                    bad.append(f"{asks}, {often}: not measured")
                elif not fine(ours, theirs):
                    bad.append(f"{asks}, {often}: {form(ours)}, vhost-vsock {form(theirs)}")
        yield not bad, (f"{'MISSED' if bad else 'met   '} beside round trips: {name}" +
                        (f"; {len(bad)} of {cases} cases: {'; '.join(bad)}" if bad else ""))


def show(directory):
    raw = results.read(directory)
    run = Beside(raw["records"])
    print(table(run, "Work that is left to a program that wants the guest's CPU",
                "spin", percent))
    print(table(run, "From when a timer is due to its program (p50 / p99 / longest, µs)",
                "timer", micros))
    print(table(run, "Plugging memory in (ms)", "memory", millis))
    for line in run.errors:
        print(f"not measured: {line}")
    verdicts = list(judge(run))
    for _, line in verdicts:
        print(line)
    return bool(run.errors) or not all(met for met, _ in verdicts)
