# SPDX-License-Identifier: GPL-2.0-only
"""Named cases with their results as KTAP, and a closing line for make check."""

import sys
import traceback


class Skip(Exception):
    """A case that cannot be tried here, and why."""


class Suite:
    def __init__(self):
        self.cases = []

    def case(self, function):
        """A decorator: the function's name is the case's, dashes for _."""
        self.cases.append((function.__name__.replace("_", "-"), function))
        return function

    def run(self, arguments=()):
        """Run the cases of these names, or all of them. Does not return."""
        cases = [c for c in self.cases if not arguments or c[0] in arguments]
        passed = failed = skipped = 0
        print("KTAP version 1")
        print(f"1..{len(cases)}")
        for number, (name, function) in enumerate(cases, 1):
            try:
                function()
            except Skip as why:
                skipped += 1
                print(f"ok {number} {name} # SKIP {why}")
            except Exception as error:  # any: a broken case is a failed one
                failed += 1
                print(f"# {name}:")
                report = (str(error) if isinstance(error, AssertionError)
                          and str(error) else traceback.format_exc())
                for line in report.splitlines():
                    print(f"#   {line}")
                print(f"not ok {number} {name}")
            else:
                passed += 1
                print(f"ok {number} {name}")
            sys.stdout.flush()
        if skipped:
            print(f"# {skipped} skipped")
        if not cases:
            failed += 1
            print("# there is no such case")
        print(f"{passed} passed, {failed} failed")
        sys.exit(1 if failed else 0)


def equal(found, expected, what):
    """What was found is what was expected; sets and lists say the difference."""
    if found == expected:
        return
    if isinstance(found, (set, frozenset)):
        raise AssertionError(f"{what}: missing {sorted(expected - found)}, "
                             f"unexpected {sorted(found - expected)}")
    raise AssertionError(f"{what}: {found!r}, expected {expected!r}")
