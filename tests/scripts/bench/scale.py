"""The rows of StackOverflow2013, as they are read: wall per million rows and peak memory do not grow with them."""

import os
import signal
import threading
import time

import measure
from measure import Series
from servers import Standin
from table import Line
from tool import DATABASE, Tool

# Users, Posts, Comments, Votes, Badges and PostLinks of 2013 together.
ROWS = 106_000_000
# What it is held against.
SMALL = 5_400_000
TABLES = ["Votes", "Comments", "Posts", "Badges", "Users", "PostLinks", "PostTypes", "VoteTypes", "LinkTypes"]
# MiB that the larger run may take more, and the share of the wall that a table may load alone.
MEMORY, ALONE = 10, 10


def scale(bench):
    """106 million rows against 5.4 million in the same proportions, and a kill at half time continued."""
    large = bench.asked_rows or ROWS
    small = min(SMALL, large // 4)
    walls, peaks, alone = {}, {}, Series()
    for rows in (small, large):
        bench.say(f"scale: {rows:,} rows, made as they are read")
        source = Standin(bench.folder, bench.standin, "StackOverflow", "--sample", f"scale:{rows}")
        try:
            tool = Tool(bench.tool.program, bench.folder, source, bench.cluster)
            watch = Loading(bench.cluster)
            run = watch.over(lambda: tool.load(named(), transfer={}))
            walls[rows] = 1e6 * run.wall / moved(run)
            peaks[rows] = run.peak
            alone = Series([100 * watch.alone() / run.wall])
            if rows == large:
                killed = killed_at_half_time(bench, tool, run.wall)
        finally:
            source.stop()
    millions = lambda rows: f"{rows / 1e6:.1f} million rows"
    return [
        Line(f"{millions(small)}: wall per million", "s", Series([walls[small]])),
        Line(f"{millions(large)}: wall per million", "s", Series([walls[large]])),
        Line("wall per million against the smaller", "x", Series([walls[large] / walls[small]]), 1.1),
        Line(f"{millions(small)}: peak memory", "MiB", Series([peaks[small]])),
        Line(f"{millions(large)}: peak memory", "MiB", Series([peaks[large]])),
        Line("peak memory against the smaller", "MiB more", Series([peaks[large] - peaks[small]]), MEMORY),
        Line("the largest table alone", "% of the wall", alone, ALONE),
        Line("killed at half time and continued: wall", "x that of one run", Series([killed])),
    ]


def named():
    return [f"dbo.{table}" for table in TABLES]


def moved(run):
    return sum(table["rows"] for table in run.report["tables"])


class Loading:
    """Which tables are copied, as PostgreSQL tells it four times a second."""

    def __init__(self, cluster):
        self.cluster, self.samples = cluster, []

    def over(self, work):
        ended = threading.Event()
        sampler = threading.Thread(target=self._sample, args=(ended,))
        sampler.start()
        try:
            return work()
        finally:
            ended.set()
            sampler.join()

    def _sample(self, ended):
        asked = (
            "SELECT string_agg(DISTINCT split_part(query, ' ', 2), ',') FROM pg_stat_activity "
            "WHERE application_name = 'migrate' AND state = 'active' AND query LIKE 'COPY%'"
        )
        with self.cluster.connect() as connection:
            while not ended.wait(0.25):
                names = connection.value(asked)
                self.samples.append((time.monotonic(), frozenset((names or "").split(",")) - {""}))

    def alone(self):
        """Seconds in which the largest table was the only one that loaded."""
        largest = TABLES[0].lower()
        ends = zip(self.samples, self.samples[1:])
        only = lambda names: len(names) == 1 and largest in next(iter(names))
        return sum(after - at for (at, names), (after, _) in ends if only(names))


def killed_at_half_time(bench, tool, wall):
    """The same job, killed without a word after half of the time and begun again: both walls over one."""
    bench.cluster.fresh(DATABASE)
    path = tool.job(named(), transfer={})
    begun = time.monotonic()

    def kill(pid):
        time.sleep(wall / 2)
        os.kill(pid, signal.SIGKILL)

    measure.run(tool.command(path, "--output", "json"), tool.environment, accepted=(-9,), watch=kill)
    run = tool.measured(path)
    total = time.monotonic() - begun
    expected = moved(run)
    with bench.cluster.connect(DATABASE) as connection:
        stored = sum(int(connection.value(f'SELECT count(*) FROM public.{table.lower()}')) for table in TABLES)
    if stored != expected:
        raise SystemExit(f"{stored:,} rows are there after the kill, and {expected:,} were moved")
    return total / wall
