"""The lines of scaling: more rows, more partitions, more readers, and what is at work at the end of a load."""

import threading
import time

from budgets import WHOLE
from measure import Series
from table import Line
from tool import DATABASE

# Rows of the straggler line, as a multiple: a partition is worth cutting from seconds of loading on.
LONG = 2
# How much slower more readers may make a run than fewer.
TOO_MANY = 1.03


def partitions(bench):
    """One table at 1 partition up to the cap of connections; runs alternate."""
    walls = {count: Series() for count in (1, 2, 4, 8)}
    for _ in range(bench.rounds):
        for count, series in walls.items():
            transfer = {"max_partitions_per_table": count, "partition_min_rows": 1}
            series.add(bench.tool.load(bench.named("Votes"), transfer=transfer).wall)
    lines = [Line(f"Votes at {count} partitions: wall", "s", series) for count, series in walls.items()]
    best = min(series.median for series in walls.values())
    at_cap = Series([wall / best for wall in walls[8].values])
    return [*lines, Line("Votes at 8 partitions against the best number", "x", at_cap, 1.03)]


def readers(bench):
    """More readers than are of use: under one cap of connections, and with the cap raised as well."""
    return [*readers_under_one_cap(bench), *readers_with_their_cap(bench)]


def readers_under_one_cap(bench):
    """Once, twice and three times the readers: pinned, so that those beyond the cap wait, and left to the tool."""
    cap = 4
    pools = {"source": {"max_connections": cap}, "target": {"max_connections": 3 * cap}}
    once, *more = (cap, 2 * cap, 3 * cap)
    loads = {f"{count} readers": load(count, pools, count) for count in (once, *more)}
    loads |= {f"{count} partitions, readers left to the tool": load(count, pools) for count in more}
    walls = in_turns(bench, loads)
    base = walls.pop(f"{once} readers")
    lines = [Line(f"Comments, {once} readers under a cap of {cap}: wall", "s", base)]
    for name, series in walls.items():
        what = f"Comments, {name}, under a cap of {cap}: wall"
        lines.append(Line(what, f"x that of {once}", round_by_round(series, base), TOO_MANY))
    return lines


def readers_with_their_cap(bench):
    """As many partitions and connections on both sides as there are cores, twice that, ... six times."""
    both = lambda cap: {"source": {"max_connections": cap}, "target": {"max_connections": cap}}
    counts = [factor * bench.cores for factor in range(1, 7)]
    walls = in_turns(bench, {count: load(count, both(count)) for count in counts})
    lines = [Line(f"Comments, {counts[0]} readers and connections: wall", "s", walls[counts[0]])]
    for place, count in enumerate(counts[1:], 1):
        best = min(counts[:place], key=lambda fewer: walls[fewer].median)
        ratios = round_by_round(walls[count], walls[best])
        # The best of the smaller numbers: that more are slower than fewer is what the line looks for.
        lines.append(Line(f"Comments, {count} readers and connections: wall", f"x that of {best}", ratios, TOO_MANY))
    return lines


def round_by_round(series, base):
    return Series([wall / other for wall, other in zip(series.values, base.values)])


def load(partitions, pools, in_flight=None):
    """Settings of a load of so many partitions; the tool chooses how many are in flight unless `in_flight` says it."""
    transfer = {"max_partitions_per_table": partitions, "partition_min_rows": 1}
    if in_flight:
        transfer["partitions_in_flight"] = in_flight
    return {"transfer": transfer, "pools": pools}


def in_turns(bench, loads):
    """Wall times of Comments under each of these settings, by their name."""
    walls = {name: Series() for name in loads}
    for _ in range(max(bench.rounds, 7)):
        for name, settings in loads.items():
            run = bench.tool.load(bench.named("Comments"), **settings)
            pinned = settings["transfer"].get("partitions_in_flight")
            if pinned and run.report["in_flight"]["first"] != pinned:
                raise SystemExit(f"{pinned} readers asked for, {run.report['in_flight']['first']} there")
            walls[name].add(run.wall)
    return walls


def ten_times(bench):
    """Rows x 10: the same tables with a tenth of their rows, from a stand-in of its own."""
    ratios = Series()
    with bench.sample(bench.rows // 10) as tenth:
        for _ in range(bench.rounds):
            few = tenth.load(bench.named(WHOLE)).wall
            ratios.add(bench.tool.load(bench.named(WHOLE)).wall / few)
    return [Line(f"{WHOLE}, rows x 10: wall", "x", ratios, 10)]


def stragglers(bench):
    """Connections that load in the last tenth of it, against as many as may be in flight then."""
    shares, most, starved, behind = Series(), Series(), Series(), Series()
    with bench.sample(LONG * bench.rows) as tool:
        for number in range(bench.rounds):
            bench.say(f"stragglers, run {number + 1} of {bench.rounds}")
            samples, flight, wall = sampled(bench, tool)
            begun, ended = ends_of_copy(samples)
            last = [sample for sample in samples if ended - (ended - begun) / 10 <= sample[0] <= ended]
            shares.add(share(last, flight))
            most.add(100 * sum(each[1] for each in last) / len(last) / max(each[1] for each in samples))
            starved.add(100 * sum(each[3] for each in last) / max(1, sum(each[1] for each in last)))
            behind.add(100 * (wall - ended) / wall)
    what = f"{WHOLE}: connections at work in the last tenth of the load"
    return [
        Line(what, "% of those that may load", shares, 95, least=True),
        Line(what, "% of the most that loaded", most),
        Line(f"{WHOLE}: COPY that waits for rows in the last tenth of the load", "% of those seen", starved),
        Line(f"{WHOLE}: behind the last COPY (keys, statistics, counts)", "% of the wall", behind),
    ]


def sampled(bench, tool):
    """A run: what its connections did, how many partitions were in flight, and its wall time."""
    samples, ended = [], threading.Event()
    bench.cluster.fresh(DATABASE)
    path = tool.job(bench.named(WHOLE))
    sampler = threading.Thread(target=sample_activity, args=(bench.cluster, samples, ended))
    sampler.start()
    try:
        run = tool.measured(path)
    finally:
        ended.set()
        sampler.join()
    return samples, run.report["in_flight"], run.wall


def sample_activity(cluster, samples, ended):
    """Seconds since this began, statements that copy rows, that finish a loaded table, and COPYs that wait for rows."""
    asked = (
        "SELECT count(*) FILTER (WHERE query LIKE 'COPY%'), count(*) FILTER (WHERE query NOT LIKE 'COPY%'), "
        "count(*) FILTER (WHERE query LIKE 'COPY%' AND wait_event = 'ClientRead') FROM pg_stat_activity "
        "WHERE application_name = 'migrate' AND state = 'active' AND (query LIKE 'COPY%' "
        "OR query LIKE 'ALTER TABLE%' OR query LIKE 'CREATE%INDEX%' OR query LIKE 'ANALYZE%')"
    )
    begun = time.monotonic()
    with cluster.connect() as connection:
        while not ended.wait(0.02):
            counts = connection.query(asked)[0]
            samples.append((time.monotonic() - begun, *map(int, counts)))


def ends_of_copy(samples):
    copying = [at for at, count, *_ in samples if count]
    if not copying:
        raise SystemExit("no COPY was seen: too few rows for the straggler line")
    return copying[0], copying[-1]


def share(samples, flight):
    """Percent: what is at work over what may be, where finishing a table takes the place of loading."""
    busy = possible = 0
    for at, copying, finishing, _ in samples:
        may = allowed(flight, at)
        busy += min(copying + finishing, may)
        possible += may
    return 100 * busy / possible


def allowed(flight, at):
    """Partitions that could be in flight then, as the run's report tells: what it allowed itself."""
    level = flight["first"]
    for change in flight["changes"]:
        if change["at"] <= at:
            level = change["to"]
    return min(level, flight["cap"])
