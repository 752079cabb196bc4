# SPDX-License-Identifier: GPL-2.0-only
"""From raw measurements to results.

  main.py plan FILE KEY=VALUE...	write a plan for a host
  main.py rounds DIR		what a run that broke off has done
  main.py quick DIR...			did everything work? no verdicts
  main.py profile DIR...		where the time goes: tables
  main.py beside DIR...			what round trips cost others: tables, verdicts
  main.py report RESULTS DIR...		JSON, tables, plots, verdicts
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from report import results, tables, verdict  # noqa: E402


def make_plan(path, *pairs):
    plan = {"done": []}
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            plan[key] = json.loads(value)
        except ValueError:
            plan[key] = value
    with open(path, "w", encoding="utf-8") as file:
        json.dump(plan, file)
    return 0


def rounds(directory):
    print(json.dumps(results.read(directory)["done"]))
    return 0


def quick(*directories):
    """Every kind of measurement has to be there and to have worked."""
    bad = []
    for directory in directories:
        raw = results.read(directory)
        run = results.collect(raw)
        bad += verdict.broken(run)
        print(tables.short(run))
    for line in bad:
        print(f"not measured: {line}")
    print(f"bench-quick: {'FAILED' if bad else 'every kind of measurement works'}")
    return bool(bad)


def profile(*directories):
    from report import profile as profiles
    return max(profiles.show(directory) for directory in directories)


def beside(*directories):
    from report import beside as besides
    return max(besides.show(directory) for directory in directories)


def report(target, *directories):
    from report import plots
    runs = [results.collect(results.read(directory)) for directory in directories]
    verdicts = verdict.judge(runs)
    for kernel in sorted({results.kernel(run) for run in runs}):
        those = [run for run in runs if results.kernel(run) == kernel]
        name = results.save(target, kernel, those, verdicts)
        tables.save(target, name, those, verdicts)
        plots.save(target, name, those)
        print(f"# {os.path.join(target, name)}.json, .md, .svg")
    for line in verdicts:
        print(verdict.line(line))
    missed = sum(not one["met"] for one in verdicts)
    print(f"{len(verdicts) - missed} targets met, {missed} missed")
    return 1 if missed else 0


COMMANDS = {"plan": make_plan, "rounds": rounds, "quick": quick, "profile": profile,
            "beside": beside, "report": report}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
