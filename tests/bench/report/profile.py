# SPDX-License-Identifier: GPL-2.0-only
"""Where the time goes: the samples of drive/perf.py, by place and by kind.

A sample is of the host's kernel, of a host program, or of the guest while the
host's clock interrupted it. Shares of samples, times the measured time of a
megabyte or of a round trip, are microseconds.
"""
import bisect
import os
import re
import subprocess
from collections import Counter, defaultdict

from report import results

# What the measurement itself takes is left out.
OURS = re.compile(r"perf|sh$|bash|sleep|cat$|python|labctl|mv$|kworker/.*9p|p9")

PLACES = ["guest's kernel", "guest's program", "vCPU thread, host's kernel",
          "vhost worker", "host's program, kernel", "host's program",
          "VMM", "idle", "other threads"]

COLUMNS = {"virtsock": "virtsock", "vhost": "vhost-vsock", "unix": "Unix socket"}

MODULES = {"kvm": "KVM", "kvm_amd": "KVM", "kvm_intel": "KVM",
           "virtsock_core": "virtsock", "virtsock_host": "virtsock",
           "vmw_vsock_virtsock": "virtsock", "vhost": "vhost, virtio",
           "vhost_vsock": "vhost, virtio", "vhost_iotlb": "vhost, virtio",
           "virtio_ring": "vhost, virtio", "virtio_pci": "vhost, virtio",
           "vmw_vsock_virtio_transport": "vhost, virtio",
           "vsock": "AF_VSOCK, common code",
           "vmw_vsock_virtio_transport_common": "AF_VSOCK, common code",
           "unix": "AF_UNIX"}

# Where the guest's clock stands while the host has its CPU: at these.
EXITS = re.compile(r"virtsock_call|iowrite|ioread|vp_notify|write_msr|read_msr|halt|"
                   r"kvm_hypercall|apic_mem|x2apic|cpuid")

# Of the kernel itself, by name; the first that fits.
KINDS = [(what, re.compile(names)) for what, names in (
    ("copying", r"rep_movs|memcpy|memmove|_copy_(to|from)_|copy_user|copy_(to|from)_iter|"
                r"copy_page|datagram_iter|copy_datagram|skb_copy_bits|skb_store_bits|"
                r"check_object_size|check_heap_object|virt_addr_valid|iov_iter|fault_in_"),
    ("zeroing", r"clear_page|memset|zero_user"),
    ("AF_UNIX", r"^unix_|__unix"),
    ("memory: packets, pages", r"skb|kmem_|kmalloc|^k[vz]?free|slab|slub|freelist|page_frag|"
                               r"get_page_from|alloc_pages|free_unref|rmqueue|page_pool|"
                               r"folio|_pcp|buddy|zone|memcg|mem_cgroup|obj_cgroup|list_add_valid|"
                               r"list_del_entry|sock_[rw]free|sock_wmalloc|mod_.*state|find_vmap"),
    ("clocks, timers, interrupts", r"timer|apic|clock|tick|ktime|_msr|irq|softirq|pvclock|"
                                   r"local_bh|vector|ipi|idle|halt|timekeep|jiffies|sysvec|nmi|"
                                   r"rcu_(core|sched|note|segcb|accel)|tasklet|calc_global"),
    ("task switches, wake-ups", r"switch|sched|wake|ttwu|enqueue|dequeue|update_(curr|load|rq|min|"
                                r"entity|cfs)|pick_|entity|psi_|cfs_|fair|rseq|wait|work|pelt|"
                                r"cpuacct|preempt|task_|_task"),
    ("system calls, security", r"syscall|sysret|entry_|do_sys|__sys_|__x64_sys|x64_sys|aa_|"
                               r"apparmor|security_|tomoyo|landlock|fdget|fput|fget|exit_to_user|"
                               r"sock_|import_|sockfd|lock_sock|release_sock|epoll|ep_|poll"),
    ("KVM", r"kvm|svm|vmx|vmcall|asm_exc_page|gfn|hva|get_user|put_user|gup|follow_page|mmu_|"
            r"ftrace|kprobe|fpu|fpregs"),
    ("locks", r"lock|rcu|srcu|mutex|refcount|atomic"),
)]


class Symbols:
    """A kernel's kallsyms."""

    def __init__(self, path):
        self.names = []
        with open(path, encoding="utf-8") as file:
            for line in file:
                word = line.split()
                if word[1] in "tTwW":
                    module = word[3].strip("[]") if len(word) > 3 else ""
                    self.names.append((int(word[0], 16), word[2], module))
        self.names.sort()
        self.starts = [start for start, _, _ in self.names]

    def find(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[i][1:] if i >= 0 else ("?", "")


def kind(name, module):
    if module in MODULES:
        return MODULES[module]
    for what, names in KINDS:
        if names.search(name):
            return what
    return "other"


def perf(*args):
    return subprocess.run(["perf", *args], text=True, errors="replace", check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def place(mode, comm):
    """Of a sample: PERF_RECORD_MISC_CPUMODE_MASK, and whose thread it was."""
    if mode == 4:
        return "guest's kernel"
    if mode == 5:
        return "guest's program"
    if comm.startswith("qemu") or "/KVM" in comm or comm == "vmm":
        return "vCPU thread, host's kernel" if mode == 1 else "VMM"
    if comm.startswith("vhost-"):
        return "vhost worker"
    if comm == "vsbench":
        return "host's program, kernel" if mode == 1 else "host's program"
    return "idle" if comm == "swapper" else "other threads"


def samples(path):
    """(place, mode, address) of each sample that is not the measurement's own."""
    comms = {}
    for line in perf("script", "-f", "-i", path, "-F", "comm,tid").splitlines():
        comm, _, tid = line.rstrip().rpartition(" ")
        comms[int(tid)] = comm.strip()
    dump = perf("report", "-D", "-f", "-i", path)
    for found in re.finditer(
            r"PERF_RECORD_SAMPLE\(IP, 0x(\w+)\): \d+/(\d+): 0x(\w+)", dump):
        mode, comm = int(found[1], 16) & 7, comms.get(int(found[2]), "")
        if mode in (4, 5) or not OURS.match(comm):
            yield place(mode, comm), mode, int(found[3], 16)


def analyse(directory, record, cpus):
    """{(place, kind): us per unit}, {(place, kind): names}, what a unit is."""
    got = record["result"]
    ping = record["test"] == "ping"
    unit = got["messages"] if ping else got["bytes"] / 1e6
    symbols = {side: Symbols(f"{directory}/{record['symbols']}.{side}")
               for side in ("host", "guest")}
    count, names = Counter(), defaultdict(Counter)
    for where, mode, address in samples(f"{directory}/{record['profile']}"):
        if mode in (1, 4):
            name, module = symbols["guest" if mode == 4 else "host"].find(address)
            if mode == 4 and EXITS.search(name):
                what = (where, "leaving the guest, and back")
            else:
                what = (where, kind(name, module))
            names[what][name] += 1
        else:
            what = (where, "")
        count[what] += 1
    scale = got["us"] * cpus / unit / max(1, sum(count.values()))
    return ({what: n * scale for what, n in count.items()},
            {what: [name for name, _ in top.most_common(5)] for what, top in names.items()},
            "round trip" if ping else "MB")


def title(cell):
    way = {"send": "host to guest", "recv": "guest to host"}[cell["dir"]]
    if cell["test"] == "ping":
        return f"Round trips of {cell['size']} B, the {way.split()[0]} asks"
    size = f"{cell['size'] // 1024} KiB" if cell["size"] >= 1024 else f"{cell['size']} B"
    what = {"stream": "A stream of", "seq": "Seqpacket, messages of",
            "zerocopy": "MSG_ZEROCOPY, messages of", "conns": "1,024 connections, sends of"}
    return f"{what[cell['test']]} {size}, {way}"


def table(rows, columns):
    """Markdown, by the first column that has something."""
    lines = ["| µs | " + " | ".join(name for name, _ in columns) + " |",
             "| :--- |" + " ---: |" * len(columns)]
    for label, keys in rows:
        values = [sum(cost.get(key, 0) for key in keys) for _, cost in columns]
        if max(values) > 0:
            lines.append(f"| {label} | " + " | ".join(
                f"{value:.3g}" if value < 100 else f"{value:.0f}" if value else ""
                for value in values) + " |")
    return "\n".join(lines)


def tables(columns):
    """By place, then by kind; with a sum."""
    keys = sorted({key for _, cost in columns for key in cost})
    by_place = [(where, [key for key in keys if key[0] == where]) for where in PLACES]
    kinds = sorted({what for where, what in keys if what and where != "idle"},
                   key=lambda what: -max(sum(cost.get(key, 0) for key in keys if key[1] == what)
                                         for _, cost in columns))
    by_kind = [(what, [key for key in keys if key[1] == what and key[0] != "idle"])
               for what in kinds]
    return (table([*by_place, ("**all**", keys)], columns) + "\n\n" +
            table(by_kind, columns))


def show(directory):
    raw = results.read(directory)
    records = [one for one in raw["records"] if "profile" in one]
    boots = [f"{directory}/{boot}" for boot in sorted(os.listdir(directory))]
    bad = not records
    groups = defaultdict(list)
    for record in records:
        cell = {name: record[name] for name in ("test", "size", "dir")}
        if "error" in record["result"]:
            print(f"not measured: {record['peer']}, {title(cell)}: {record['result']['error']}")
            bad = True
            continue
        boot = next(one for one in reversed(boots)
                    if os.path.exists(f"{one}/{record['profile']}"))
        # A Unix socket has no sides: it stands beside both.
        ways = ("send", "recv") if record["peer"] == "unix" else (record["dir"],)
        found = analyse(boot, record, raw["machine"]["host_cpus"])
        for way in ways:
            groups[title({**cell, "dir": way}) + f": time for each {found[2]}"].append(
                (record["peer"], found[0], found[1]))
    for name, columns in sorted(groups.items()):
        if {peer for peer, _, _ in columns} == {"unix"}:
            continue
        columns.sort(key=lambda column: list(COLUMNS).index(column[0]))
        print(f"### {name}\n\n" +
              tables([(COLUMNS[peer], cost) for peer, cost, _ in columns]) + "\n")
        for peer, cost, names in columns:
            top = sorted(names, key=lambda what: -cost[what])[:12]
            print(f"{COLUMNS[peer]}, most of it:\n")
            for what in top:
                print(f"- {cost[what]:.3g} {what[0]}, {what[1]}: "
                      f"{', '.join(names[what])}")
            print()
    return bool(bad)
