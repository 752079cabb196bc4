# SPDX-License-Identifier: GPL-2.0-only
"""The grammar: words, numbers, names, help."""

import os
import re

from cli import OK, USAGE, BAD_CID, case, run, fake, stats, a_link
from ktap import equal


# The grammar

@case
def no_object():
    run().exits(USAGE, "Usage: virtsock", out="")


@case
def unknown_words():
    for words in (["frob"], ["vms"], ["vm", "frob"], ["link", "frob"],
                  ["vm", "show", "frob"], ["vm", "show", "42"],
                  ["vm", "show", "pid", "1"], ["link", "show", "frob"],
                  ["link", "up", "now"], ["stats", "frob"],
                  ["monitor", "frob"], ["vm", "show", "-j"], ["-x", "vm"],
                  ["-", "vm"], ["--", "vm"], ["-jx", "vm"], ["--jsonx", "vm"],
                  ["", "show"], ["vm", ""]):
        run(*words).exits(USAGE, "Usage: virtsock", "unknown", out="")


@case
def missing_words():
    for words in (["vm", "add"], ["vm", "add", "pid", "1"],
                  ["vm", "add", "cid", "42"], ["vm", "add", "pid"],
                  ["vm", "add", "pid", "1", "cid"],
                  ["vm", "add", "pid", "1", "cid", "42", "name"],
                  ["vm", "del"], ["vm", "del", "cid"], ["vm", "set"],
                  ["vm", "set", "cid", "42"], ["vm", "set", "name", "x"],
                  ["vm", "show", "cid"], ["stats", "cid"], ["run"],
                  ["run", "--cid", "42"], ["run", "--cid", "42", "--"],
                  ["run", "--", "true"], ["run", "--cid", "--", "true"]):
        run(*words).exits(USAGE, "Usage: virtsock", out="")


@case
def words_that_contradict():
    for words in (["vm", "del", "cid", "42", "all"],
                  ["vm", "del", "--all=yes"],
                  ["vm", "del", "cid", "42", "cid", "43"],
                  ["vm", "add", "pid", "1", "pid", "1", "cid", "42"],
                  ["vm", "add", "pid", "1", "cid", "42", "all"],
                  ["run", "--pid", "1", "--cid", "42", "--", "true"]):
        run(*words).exits(USAGE, "Usage: virtsock", out="")


@case
def numbers_are_strict():
    for cid in ("", " 42", "42 ", "+42", "-42", "-1", "0x2a", "4e1", "42x",
                "x", "4 2", "４２"):
        for words in (["vm", "del", "cid", cid], ["vm", "show", "cid", cid],
                      ["vm", "add", "pid", "1", "cid", cid],
                      ["run", f"--cid={cid}", "--", "true"]):
            run(*words).exits(USAGE, "not a decimal number", out="")
    for pid in ("", "0", "-1", "0x1", "1 ", "2147483648", "4294967297",
                "99999999999999999999"):
        run("vm", "add", "pid", pid, "cid", "42").exits(
            USAGE, "not a process ID", out="")
    for size in ("", "-1", "1T", "1KK", "K", "0x10", "4294967296", "4194304K",
                 "4096M", "4G", "99999999999999999999M"):
        run("vm", "set", "cid", "42", "backlog", size).exits(
            USAGE, "bytes", out="")


@case
def reserved_cids():
    for cid in ("0", "1", "2", "000", "002", "4294967295", "004294967295",
                "4294967296", "4294967338", "18446744073709551615",
                "18446744073709551616", "18446744073709551658",
                "99999999999999999999999999"):
        for words in (["vm", "add", "pid", "1", "cid", cid],
                      ["vm", "add", "cid", cid, "pid", "1"],
                      ["vm", "del", "cid", cid], ["vm", "show", "cid", cid],
                      ["vm", "set", "cid", cid, "name", "x"],
                      ["stats", "cid", cid],
                      ["run", "--cid", cid, "--", "true"]):
            run(*words).exits(BAD_CID, f"CID {cid} is", "between 3 and",
                              out="")


@case
def lists_of_ports_are_strict():
    for ports in ("", ",", "22,", ",22", "22,,23", "-", "22-", "-22", "1-2-3",
                  "22 ,23", "0x16", "+22", "ssh", "all,22", "22,none", "ALL",
                  "23-22", "4294967296", "0-4294967296",
                  "18446744073709551638",
                  ",".join(str(n) for n in range(17))):
        for words in (["vm", "set", "cid", "42", "host-ports", ports],
                      ["vm", "add", "cid", "42", "pid", "1", "guest-ports",
                       ports], ["run", "--cid", "42", f"--host-ports={ports}",
                                "--", "true"]):
            run(*words).exits(USAGE, "ports", "Usage: virtsock", out="")


@case
def limits_are_strict():
    for limit in ("", "-1", "+1", "0x10", "1T", "NONE", "all", "1 ", "1KK",
                  "18446744073709551616", "18014398509481984K"):
        run("vm", "set", "cid", "42", "rate", limit).exits(
            USAGE, "bytes", out="")
    for limit in ("", "-1", "1K", "0x10", "all", "4294967296"):
        run("vm", "set", "cid", "42", "calls", limit).exits(
            USAGE, "not a number of calls", out="")


@case
def names_are_text():
    long = "n" * 64
    for name in ("a\nb", "\x1b[2J", "\x7f", "\u0085", os.fsdecode(b"\xff"),
                 long):
        run("vm", "set", "cid", "42", "name", name).exits(
            USAGE, "a name", out="")


@case
def help_everywhere():
    for words in (["help"], ["-h"], ["-help"], ["--help"], ["vm", "help"],
                  ["vm", "add", "help"], ["vm", "show", "help"],
                  ["vm", "del", "--help"], ["link", "help"], ["run", "help"],
                  ["run", "--help"], ["stats", "help"], ["monitor", "help"],
                  ["monitor", "--help"], ["link", "-h"]):
        result = run(*words).exits(OK)
        assert result.out.startswith("Usage: virtsock"), result.out
    for words in (["link", "show", "help"], ["link", "up", "help"],
                  ["stats", "show", "help"]):
        result = run(*words).exits(OK)
        assert result.out.startswith("Usage: virtsock"), result.out


@case
def version():
    for option in ("-V", "-Version", "--version"):
        out = run(option).exits(OK).out
        assert re.fullmatch(r"virtsock \S+, ABI 1, netlink 1\n", out), out


@case
def abbreviations():
    with fake(guest=True) as kernel:
        kernel.link = a_link()
        for words in (["v", "sh"], ["vm", "show"], ["vm", "list"], ["vm", "l"],
                      ["vm"], ["l"], ["link", "s"], ["link", "u"], ["lin"],
                      ["st"], ["s"], ["-j", "v"], ["-js", "v"], ["-jps", "v"],
                      ["-stat", "v"], ["-stats", "v"], ["--statistics", "v"],
                      ["-p", "-json", "v"], ["vm", "d", "--all"],
                      ["vm", "del", "all"], ["vm", "delete", "all"]):
            run(*words, kernel=kernel).exits(OK)
        run("vm", "s", kernel=kernel).exits(USAGE, "'set' or 'show'")
        equal(kernel.wrong, [], "requests against the specification")
