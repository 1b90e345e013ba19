"""Lines of the result: what was asked for, what was measured, whether it is met."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Line:
    """`target` and `limit` are `None` for a figure without a budget; `least` turns the limit round."""

    what: str
    unit: str
    series: object
    limit: float | None = None
    least: bool = False

    @property
    def met(self):
        if self.limit is None:
            return None
        return self.series.median >= self.limit if self.least else self.series.median <= self.limit

    def cells(self):
        verdict = {None: "", True: "ok", False: "OVER" if not self.least else "BELOW"}[self.met]
        target = ""
        if self.limit is not None:
            target = f"{'>=' if self.least else '<='} {number(self.limit)} {self.unit}"
        spread = f"{number(self.series.low)} - {number(self.series.high)}"
        median = f"{number(self.series.median)} {self.unit}"
        return [self.what, target, median, spread, str(len(self.series.values)), verdict]


HEAD = ["budget", "target", "median", "min - max", "runs", ""]


def number(value):
    """Three significant digits, or whole numbers from a hundred."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def draw(head, rows):
    """A table in Markdown whose columns line up."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def machine():
    """What the figures were measured on."""
    processor = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{len(os.sched_getaffinity(0))} cores ({processor}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, load average before the first run {load}"
    )


def version(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return (done.stdout or done.stderr).strip().splitlines()[0]
