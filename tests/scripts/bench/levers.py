"""Levers: one setting of a job at a time, its values in turns, as ratios of wall time and of CPU."""

import time
from dataclasses import dataclass, field

import ideal
import table
from measure import TICKS, Series
from table import Line
from tool import DATABASE, Tool

WHOLE = "whole database"
# Rows, as multiples of the others', of levers that need seconds of one table to show.
MORE = 4
# CPU below this many ticks of the kernel's clock is too little to be compared.
TELLING = 5 / TICKS
# Of the source alone: the driver's default, what TLS allows, the most.
PACKETS = (32767, 16383, 4096)


@dataclass(frozen=True)
class Lever:
    """A setting; each case is settings of a job, and all are compared with the first."""

    what: str
    table: str
    cases: dict
    # Settings of every case.
    common: dict = field(default_factory=dict)
    factor: int = 1
    # Into the PostgreSQL as initdb leaves it, where fsync is on and wal_level = replica.
    untuned: bool = False


def transfer(**settings):
    return {"transfer": settings}


def target(**settings):
    return {"target": settings}


CAPS = {"source": {"max_connections": 12}, "target": {"max_connections": 12}}
CUT = {"max_partitions_per_table": 12, "partition_min_rows": 1}
UNCUT = {"partition_min_rows": 10**12, "partition_min_size": "1024GiB"}

LEVERS = [
    Lever(
        "transfer.split_stragglers, one partition",
        "Posts",
        {"true": {}, "false": transfer(split_stragglers=False)},
        common=transfer(**UNCUT),
        factor=MORE,
    ),
    Lever(
        "transfer.partition_min_size",
        "Posts",
        {"1GiB": transfer(partition_min_size="1GiB"), "16MiB": transfer(partition_min_size="16MiB")},
    ),
    Lever(
        "transfer.partitions_in_flight, cap 12",
        WHOLE,
        {"adaptive": {}, "12": transfer(partitions_in_flight=12)},
        common={"pools": CAPS, **transfer(**CUT)},
    ),
    Lever(
        "transfer.synchronous_commit, untuned",
        WHOLE,
        {"false": {}, "true": transfer(synchronous_commit=True)},
        untuned=True,
    ),
    Lever(
        "the same, commit_every 4MiB",
        WHOLE,
        {"false": {}, "true": transfer(synchronous_commit=True)},
        common=transfer(commit_every="4MiB"),
        untuned=True,
    ),
    Lever(
        "transfer.unlogged_load, untuned",
        WHOLE,
        {"false": {}, "true": transfer(unlogged_load=True)},
        untuned=True,
    ),
    Lever("target.finish_connections", WHOLE, {"4": {}, "1": target(finish_connections=1)}),
    Lever(
        "target.maintenance_work_mem, untuned",
        "Votes",
        {"256MiB": {}, "64MB (the server's)": target(maintenance_work_mem="1MiB")},
        factor=MORE,
        untuned=True,
    ),
    Lever(
        "target.parallel_maintenance_workers, untuned",
        "Votes",
        {"2": {}, "0": target(parallel_maintenance_workers=0)},
        factor=MORE,
        untuned=True,
    ),
    Lever("transfer.vacuum", WHOLE, {"false": {}, "true": transfer(vacuum=True)}),
    Lever(
        "verify",
        WHOLE,
        {"none": {"verify": "none"}, "counts": {"verify": "counts"}, "checksums": {"verify": "checksums"}},
    ),
]

HEAD = ["lever", "rows", "setting", "against", "wall s", "wall x", "tool x", "source x", "target x", "partitions, cuts"]


@dataclass
class Taken:
    """What one case took in one round; `tool` is `None` where only a server was at work."""

    wall: float
    source: float
    target: float
    tool: float | None = None
    rows: int = 0
    pieces: str = ""


def levers(bench):
    """Each setting that is said to pay against its other values, as ratios; runs alternate."""
    lines, rows = [], []
    for factor in sorted({lever.factor for lever in LEVERS}):
        with bench.sample(factor * bench.lever_rows) as tool:
            for lever in LEVERS:
                if lever.factor == factor:
                    compare(bench, (lines, rows), (lever.what, lever.table), cases(bench, tool, lever))
            if factor == 1:
                for name in ("Votes", "Posts"):
                    keys(bench, tool, name, (lines, rows))
                    keys_of_runs(bench, tool, name, (lines, rows))
                    statistics(bench, tool, name, (lines, rows))
                    packets(bench, tool, name, (lines, rows))
    bench.notes += ["", table.draw(HEAD, rows)]
    return lines


def cases(bench, tool, lever):
    """A run of each case, by its name."""
    if lever.untuned:
        tool = Tool(tool.program, tool.folder, tool.source, bench.untuned)
    return {
        name: lambda settings=settings: loaded(tool, bench.named(lever.table), merged(lever.common, settings))
        for name, settings in lever.cases.items()
    }


def merged(common, settings):
    """Sections of a job: the common ones, and over them those of a case."""
    job = dict(common)
    for name, section in settings.items():
        job[name] = {**job.get(name, {}), **section} if isinstance(section, dict) else section
    return job


def loaded(tool, tables, settings):
    return taken_of(tool.load(tables, **settings))


def taken_of(run):
    tables = run.report["tables"]
    pieces = f"{sum(each['partitions'] for each in tables)}, {sum(each['splits'] for each in tables)}"
    return Taken(run.wall, run.source, run.target, run.tool, run.report["totals"]["rows"], pieces)


def compare(bench, kept, names, ways):
    """All ways of a lever in turns; lines and rows of the table for each but the first."""
    bench.say(f"{names[0]}, {names[1]}: {', '.join(ways)}")
    taken = {name: [] for name in ways}
    for number in range(bench.rounds):
        # Back and forth, so that what one leaves behind meets the other as often.
        for name in list(ways)[:: -1 if number % 2 else 1]:
            taken[name].append(ways[name]())
    base, *others = taken
    if len({each.rows for runs in taken.values() for each in runs}) != 1:
        raise SystemExit(f"{names[0]}: not every run moved the same rows")
    for other in others:
        lines, cells = ratios(names, (base, taken[base]), (other, taken[other]))
        kept[0].extend(lines)
        kept[1].append(cells)


def ratios(names, base, other):
    """Round by round, so that both sides of a ratio saw the machine in the same mood."""
    what, where = names
    lines, cells = [], []
    for measure in ("wall", "tool", "source", "target"):
        pairs = [(getattr(one, measure), getattr(two, measure)) for one, two in zip(base[1], other[1])]
        if all(one is not None and one >= TELLING for one, _ in pairs):
            series = Series([two / one for one, two in pairs])
            named = measure if measure == "wall" else f"CPU of the {measure}"
            lines.append(Line(f"{what} {other[0]}, {where}: {named}", f"x {base[0]}", series))
            cells.append(table.number(series.median))
        else:
            cells.append("")
    walls = [table.number(Series([each.wall for each in runs]).median) for runs in (base[1], other[1])]
    pieces = " / ".join(runs[-1].pieces for runs in (other[1], base[1]) if runs[-1].pieces)
    rows = f"{where}, {base[1][0].rows:,}"
    return lines, [what, rows, other[0], base[0], f"{walls[1]} / {walls[0]}", *cells, pieces]


def keys(bench, tool, name, kept):
    """PostgreSQL alone: the same COPY into a table that has its key, and into one that gets it after."""
    tool.load(bench.named(name), verify="none")
    part = ideal.of_table(bench, name)
    if part.key:
        ways = {"after the load": lambda: keyed(bench, part, False), "inline": lambda: keyed(bench, part, True)}
        compare(bench, kept, ("primary key, PostgreSQL alone", name), ways)
    else:
        bench.say(f"{name} has no primary key: that lever is left out")
    part.path.unlink()


def keyed(bench, part, inline):
    cluster, key = bench.cluster, f"ALTER TABLE public.keyed ADD {part.key}"
    with cluster.connect(DATABASE) as connection:
        connection.query(f"DROP TABLE IF EXISTS public.keyed; CREATE TABLE public.keyed (LIKE {part.target})")
        if inline:
            connection.query(key)
        connection.query("CHECKPOINT")
    before, start = cluster.cpu(), time.monotonic()
    with cluster.connect(DATABASE) as connection:
        connection.copy_in(f"COPY public.keyed ({part.columns}) FROM STDIN (FORMAT binary)", part.path)
        if not inline:
            connection.query(key)
    wall = time.monotonic() - start
    cluster.come_to_rest(DATABASE)
    return Taken(wall, 0.0, cluster.cpu() - before, rows=part.rows)


def keys_of_runs(bench, tool, name, kept):
    """Whole runs: into a table that the run makes, and into an empty one that has its key already."""
    ways = {
        "after the load": lambda: loaded_again(bench, tool, name, "DROP TABLE", "create"),
        "inline": lambda: loaded_again(bench, tool, name, "TRUNCATE", "truncate"),
    }
    compare(bench, kept, ("primary key, whole run", name), ways)


def loaded_again(bench, tool, name, before, mode):
    """Another job behind one that loaded the table. Mode `truncate` keeps the key; that it did is looked at."""
    tool.load(bench.named(name), verify="none")
    place = f"public.{name.lower()}"
    asked = f"SELECT oid FROM pg_constraint WHERE contype = 'p' AND conrelid = to_regclass('{place}')"
    with bench.cluster.connect(DATABASE) as connection:
        connection.query(f"{before} {place}")
        key = connection.query(asked)
        connection.query("CHECKPOINT")
    job = tool.job(bench.named(name), job="again", verify="none", **transfer(mode=mode))
    taken = taken_of(tool.measured(job))
    with bench.cluster.connect(DATABASE) as connection:
        kept = bool(key) and connection.query(asked) == key
    if kept != (mode == "truncate"):
        raise SystemExit(f"{name}: mode {mode} did not do with the primary key what is measured")
    return taken


def statistics(bench, tool, name, kept):
    """ANALYZE, which a run ends each table with and no setting leaves out, against the whole run."""

    def run():
        taken = tool.load(bench.named(name), verify="none")
        return Taken(taken.wall, 0.0, taken.target, rows=taken.report["totals"]["rows"])

    # The first round's run comes first, so there always is a table with rows.
    ways = {"the whole run": run, "PostgreSQL alone": lambda: analyzed(bench, name)}
    compare(bench, kept, ("ANALYZE", name), ways)


def analyzed(bench, name):
    cluster = bench.cluster
    before, start = cluster.cpu(), time.monotonic()
    with cluster.connect(DATABASE) as connection:
        connection.query(f"ANALYZE public.{name.lower()}")
        wall = time.monotonic() - start
    cluster.come_to_rest(DATABASE)
    spent = cluster.cpu() - before
    with cluster.connect(DATABASE) as connection:
        rows = int(connection.value(f"SELECT count(*) FROM public.{name.lower()}"))
    return Taken(wall, 0.0, spent, rows=rows)


def packets(bench, tool, name, kept):
    """The source alone: one connection that asks for packets of another size and looks at nothing."""
    ways = {f"{size:,}": lambda size=size: drained(tool.source, name, size) for size in PACKETS}
    compare(bench, kept, ("packet size, source alone", name), ways)


def drained(source, name, size):
    before, start = source.cpu(), time.monotonic()
    rows = source.read(f"SELECT * FROM dbo.{name}", size)
    return Taken(time.monotonic() - start, source.cpu() - before, 0.0, rows=rows)
