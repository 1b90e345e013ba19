"""Processes measured from outside: CPU of whole trees, peak memory, runs of one command."""

import os
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# How often a running command's peak memory is looked at.
MEMORY_POLL = 0.02


def _stat(pid):
    """Parent, and CPU ticks with those of children waited for (proc(5), fields 4 and 14 to 17)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rsplit(")", 1)[1].split()
    return int(fields[1]), sum(int(field) for field in fields[11:15])


def cpu_of_tree(pid):
    """CPU seconds, user and system, of a process and all it has started, dead ones included.

    The kernel adds a dead child's time to its parent's only once that has waited for it: what is
    read of a process that dies while the tree is walked may be missing, so let it come to rest.
    """
    seen = {int(name): _stat(name) for name in os.listdir("/proc") if name.isdigit()}
    total, wanted = 0, [pid]
    while wanted:
        parent = wanted.pop()
        if seen.get(parent) is None:
            continue
        total += seen[parent][1]
        wanted += [child for child, stat in seen.items() if stat and stat[0] == parent]
    return total / TICKS


def listener_on(port):
    """The process that listens on a local TCP port, the oldest where several share the socket."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    holders = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            continue  # gone meanwhile, or another user's
        if inodes.intersection(links):
            holders.append(int(pid))
    return min(holders, default=None)


class Failed(Exception):
    """A command ended as it should not; says which, and its last words."""


@dataclass
class Usage:
    """What one command took."""

    wall: float
    cpu: float
    peak_mib: float
    output: str
    exit_code: int


def run(command, environment=None, accepted=(0,), watch=None):
    """Runs a command to its end; `watch(pid)` is called meanwhile, in this thread.

    Its memory is the peak that the kernel keeps (VmHWM), as it was at most 20 ms before the end:
    what wait4 tells begins with the memory of the process that forked.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        memory = _MemoryWatch(process.pid)
        if watch:
            watch(process.pid)
        _, status, spent = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = memory.end()
        for file in (out, err):
            file.seek(0)
        output = out.read()
        if process.returncode not in accepted:
            words = " ".join(str(word) for word in command)
            raise Failed(f"{words}: exit code {process.returncode}\n{output[-3000:]}\n{err.read()[-3000:]}")
    return Usage(wall, spent.ru_utime + spent.ru_stime, peak, output, process.returncode)


class _MemoryWatch:
    """Follows the peak memory of a process."""

    def __init__(self, pid):
        self.pid = pid
        self.peak = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        while not self.ended.wait(MEMORY_POLL):
            try:
                status = Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
            self.peak = max(self.peak, int(peak[0]) if peak else 0)

    def end(self):
        self.ended.set()
        self.thread.join()
        return self.peak / 1024


@dataclass
class Series:
    """Values of the runs of one line."""

    values: list = field(default_factory=list)

    def add(self, value):
        self.values.append(value)

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)
