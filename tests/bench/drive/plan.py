# SPDX-License-Identifier: GPL-2.0-only
"""What is measured: cells, and which peers each of them compares.

A round measures every cell once. It has two halves, one for each transport;
the peers that need neither are spread over both. Halves of rounds that follow
each other are in opposite order, so there is one swap for each round.
"""

SIZES = [56, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536]
CONNS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

# A socket of ours gets this buffer where it moves much, unless its program asks
# for another one: buffer_kb.
OUR_BUFFER = 2 << 20

# peer: transport that must be loaded, kind of address. 'same': with our buffer.
PEERS = {
    "virtsock": ("virtsock", "vsock"),
    "vhost": ("vhost", "vsock"),
    "tcp": (None, "tcp0"),
    "tcp-e1000": (None, "tcp1"),
    "unix": (None, "unix"),
}
HALF = {"virtsock": "virtsock", "unix": "virtsock", "vhost": "vhost",
        "tcp": "vhost", "tcp-e1000": "vhost"}

# The default is the last: it stays when the others have been measured.
POLICIES = ("immediate", "full", "adaptive")

FULL = {
    "name": "full", "rounds": 5, "run": 300000, "warm": 40000,
    "sizes": SIZES, "ping_sizes": SIZES, "seq_sizes": SIZES,
    "variants": True, "rounds_max": 4000,
    "conns": CONNS, "conn_sizes": [1024, 16384], "conn_run": 500000,
    "zerocopy_sizes": [16384, 65536], "mixed": True, "counts": 2000,
    "policy_sizes": [56, 4096, 65536],
    "scale_rounds": 3, "vcpu_sizes": [56, 1024, 65536], "vms": [1, 2, 3, 4],
    "vm_names": ["A", "C", "D", "E"],
    "vm_sizes": [1024, 65536], "memory_conns": 1000,
}

# A few cells under perf; the cells are named below.
PROFILE = {"name": "profile", "warm": 40000}

# Others beside round trips; the cells are named below.
BESIDE = {"name": "beside", "rounds": 5, "warm": 40000,
          "what": ["spin", "timer", "memory"]}

# Every kind of cell once: it shows that the benchmark works, nothing else. The
# second guest is the one with two vCPUs.
QUICK = {
    "name": "quick", "rounds": 1, "run": 100000, "warm": 20000,
    "sizes": [56, 4096, 65536], "ping_sizes": [56], "seq_sizes": [1024],
    "variants": False, "rounds_max": 500,
    "conns": [1, 32], "conn_sizes": [1024], "conn_run": 100000,
    "zerocopy_sizes": [65536], "mixed": True, "counts": 200,
    "policy_sizes": [56],
    "scale_rounds": 1, "vcpu_sizes": [1024], "vms": [1, 2],
    "vm_names": ["A", "B"],
    "vm_sizes": [1024], "memory_conns": 100,
}


def cell(test, peer, **args):
    return {"test": test, "peer": peer, "variant": "default", **args}


def profiled():
    """What is looked into: large and small messages of a stream both ways, round
    trips, and to the host what else misses its target."""
    for peer in ("virtsock", "vhost", "unix"):
        for size in (65536, 56):
            for way in directions(peer):
                yield cell("stream", peer, size=size, dir=way, run=4000000)
        yield cell("ping", peer, mode="ping", size=56, dir="recv", run=4000000,
                   rounds=100000)
        yield cell("seq", peer, type="seq", size=56, dir="recv", run=4000000,
                   **({"sockbuf": OUR_BUFFER} if peer == "vhost" else {}))
        if peer != "unix":
            yield cell("zerocopy", peer, size=65536, dir="recv", zerocopy=1,
                       run=4000000)
        yield cell("conns", peer, size=1024, dir="recv", n=1024, multi=1,
                   run=8000000)


def beside(plan, peer):
    """Others alone, and beside round trips: as many as there can be, or 200 in a
    second, so that each peer makes equally many."""
    for what in plan["what"]:
        yield cell("beside", peer, what=what, rate="", dir="")
        for way in directions(peer):
            yield cell("beside", peer, what=what, rate="all", dir=way, mode="ping",
                       size=56, rounds=200000)
            yield cell("beside", peer, what=what, rate="200/s", dir=way, mode="ping",
                       size=56, rounds=200000, every=5000)


def with_buffers(plan, cells):
    """What one connection can move also with our buffer, where somebody compares. A
    round trip has one message under way, so its buffer does not matter."""
    for one in cells:
        yield one
        if (plan["variants"] and one["test"] in ("stream", "seq", "zerocopy") and
                one["peer"] in ("vhost", "tcp", "unix")):
            yield {**one, "variant": "same", "sockbuf": OUR_BUFFER}


def directions(peer):
    """A Unix socket has no sides."""
    return ["send"] if peer == "unix" else ["send", "recv"]


def main_cells(plan, peers):
    """Throughput and latency, as in the paper's tables."""
    for size in plan["sizes"]:
        for peer in peers:
            for way in directions(peer):
                yield cell("stream", peer, size=size, dir=way, run=plan["run"])
    for size in plan["ping_sizes"]:
        for peer in peers:
            for way in directions(peer):
                yield cell("ping", peer, mode="ping", size=size, dir=way,
                           run=plan["run"], rounds=plan["rounds_max"],
                           samples=1)


def more_cells(plan, peers):
    vsock = [peer for peer in peers if PEERS[peer][1] in ("vsock", "unix")]
    for size in plan["seq_sizes"]:
        for peer in vsock:
            for way in directions(peer):
                yield cell("seq", peer, type="seq", size=size, dir=way,
                           run=plan["run"])
    for size in plan["zerocopy_sizes"]:
        for peer in peers:
            if peer not in ("unix", "tcp-e1000"):
                for way in directions(peer):
                    yield cell("zerocopy", peer, size=size, dir=way,
                               zerocopy=1, run=plan["run"])
    for size in plan["conn_sizes"]:
        for n in plan["conns"]:
            # To end that many, one after the other, takes its time as well.
            run = plan["conn_run"] * max(1, n // 256)
            for peer in peers:
                if peer != "tcp-e1000":
                    for way in directions(peer):
                        yield cell("conns", peer, size=size, dir=way, n=n,
                                   multi=1, run=run)
    if plan["mixed"]:
        for peer in peers:
            if peer != "tcp-e1000":
                for way in directions(peer):
                    for bulk in (0, 1):
                        yield cell("mixed", peer, mode="ping", size=56, n=50,
                                   dir=way, run=plan["conn_run"], bulk=bulk)


def policy_cells(plan):
    """The flush policies of virtsock beside each other; guest to host, since
    they are the guest's."""
    for policy in POLICIES if plan["policy_sizes"] else ():
        for size in plan["policy_sizes"]:
            yield cell("policies", "virtsock", policy=policy, size=size, dir="recv",
                       run=plan["run"])
        for n in (1, 50):
            yield cell("policies-ping", "virtsock", policy=policy, mode="ping",
                       size=56, dir="recv", n=n, run=plan["run"],
                       rounds=plan["rounds_max"])


def half(plan, transport):
    peers = [peer for peer in PEERS
             if HALF[peer] == transport and peer not in plan.get("without", ())]
    yield from with_buffers(plan, main_cells(plan, peers))
    yield from with_buffers(plan, more_cells(plan, peers))


def scale_cells(plan, transport, vms):
    """Guests with more vCPUs, and several of them; both vsock peers."""
    for size in plan["vcpu_sizes"]:
        for guest, vcpus in (("A", 1), ("B", 2)):
            for n in (1, 8):
                for way in ("send", "recv"):
                    yield cell("vcpus", transport, size=size, dir=way, n=n,
                               multi=1, guests=[guest], vcpus=vcpus,
                               run=plan["conn_run"])
    for size in plan["vm_sizes"]:
        for count in plan["vms"]:
            for way in ("send", "recv"):
                yield cell("vms", transport, size=size, dir=way,
                           guests=vms[:count], vms=count,
                           run=plan["conn_run"])
