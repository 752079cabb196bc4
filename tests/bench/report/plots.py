# SPDX-License-Identifier: GPL-2.0-only
"""SVG plots of a run: one figure for each, by matplotlib."""
import os

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullLocator  # noqa: E402

from report.tables import best  # noqa: E402
from report.verdict import G2H, H2G, Run  # noqa: E402

# Colours that people with colour blindness can tell apart.
STYLE = {"virtsock": ("#0072b2", "o", "virtsock", 2.4),
         "vhost": ("#d55e00", "s", "vhost-vsock", 1.5),
         "tcp": ("#009e73", "^", "TCP, virtio-net", 1.5),
         "tcp-e1000": ("#999999", "v", "TCP, e1000", 1.2),
         "unix": ("#000000", "x", "Unix socket on the host", 1.2)}


def plain(value, _=None):
    return f"{value:g}"


def size_label(value, _=None):
    return f"{value:g}" if value < 1024 else f"{value / 1024:g}k"


def finish(axes, title, xlabel, ylabel, ticks, xformat=plain):
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(xformat))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.tick_params(labelsize=8)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def curve(axes, run, test, peer, what, points, by, pick=max, **want):
    """Median with the range of the repetitions; a gap where all failed."""
    colour, marker, label, width = STYLE[peer]
    found = [(point, best(run, test, peer, what, pick, {**want, by: point})[0])
             for point in points]
    found = [(point, one[what]) for point, one in found if one]
    if not found:
        return
    xs = [point for point, _ in found]
    axes.fill_between(xs, [one["min"] for _, one in found],
                      [one["max"] for _, one in found], color=colour,
                      alpha=0.15, linewidth=0)
    axes.plot(xs, [one["median"] for _, one in found], color=colour,
              marker=marker, markersize=4, linewidth=width, label=label)


def figure(run):
    plan = run.plan
    fig, grid = pyplot.subplots(3, 2, figsize=(10, 12))
    for axes, way, label in ((grid[0][0], G2H, "guest to host"),
                             (grid[0][1], H2G, "host to guest")):
        for peer in reversed(STYLE):
            curve(axes, run, "stream", peer, "mbps", plan["sizes"], "size", dir=way)
        finish(axes, f"Throughput, {label}", "bytes in a message", "MB/s",
               plan["sizes"], size_label)
    for axes, what, label in ((grid[1][0], "p50", "median"),
                              (grid[1][1], "p99", "99th percentile")):
        for peer in reversed(STYLE):
            curve(axes, run, "ping", peer, what, plan["ping_sizes"], "size", min,
                  dir=G2H)
        finish(axes, f"Round trip, {label}, the guest asks", "bytes in a message",
               "µs", plan["ping_sizes"], size_label)
    size = plan["conn_sizes"][0]
    for peer in reversed(STYLE):
        curve(grid[2][1], run, "conns", peer, "mbps", plan["conns"], "n", size=size,
              dir=G2H)
    if plan["conns"]:
        finish(grid[2][1], f"Together, {size} B, guest to host", "connections", "MB/s",
               plan["conns"])
    else:
        grid[2][1].set_axis_off()
    for peer in ("tcp", "vhost", "virtsock"):
        curve(grid[2][0], run, "stream", peer, "exits_per_mb", plan["sizes"], "size",
              min, dir=G2H)
    finish(grid[2][0], "VM exits for each MB, guest to host", "bytes in a message",
           "exits/MB", plan["sizes"], size_label)
    handles, labels = grid[0][0].get_legend_handles_labels()
    fig.legend(handles[::-1], labels[::-1], loc="upper center", ncol=5,
               frameon=False, bbox_to_anchor=(0.5, 0.972), fontsize=9)
    machine = run.machine
    fig.suptitle(f"Linux {machine['host']}, {machine['host_cpus']} CPU(s); guest "
                 f"{machine['guest']}; shaded: all repetitions", fontsize=11)
    fig.tight_layout(rect=(0, 0, 1, 0.955))
    return fig


def save(target, name, runs):
    # The same figures make the same file.
    matplotlib.rcParams["svg.hashsalt"] = "virtsock"
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["font.family"] = "sans-serif"
    for run in runs:
        fig = figure(Run(run))
        fig.savefig(os.path.join(
            target, f"{name}-{run['machine']['host_cpus']}cpu.svg"),
            metadata={"Date": None})
        pyplot.close(fig)
