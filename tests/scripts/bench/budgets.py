"""The budget lines of whole runs; each function measures some and returns them as lines."""

import shutil
import time

import ideal
from measure import Series, run
from servers import ROOT, Standin
from table import Line
from tool import DATABASE, Tool

WHOLE = "whole database"
# Tool CPU seconds per million rows, and percent of the ideal rate (with the key built).
SHAPES = {"Votes": (0.15, 65), "Comments": (0.40, None), "Posts": (1.2, 85)}
WHOLE_PERCENT = 80
PARTITIONS = 12
MANY = 5000
SMALL = 2000


def votes(bench):
    """Narrow rows: CPU of all three, wall time against the ideal."""
    return shape(bench, "Votes")


def comments(bench):
    """Rows of 180 characters, the same."""
    return shape(bench, "Comments")


def posts(bench):
    """Rows of 815 characters, the same."""
    return shape(bench, "Posts")


def whole(bench):
    """All tables at once, the same."""
    return shape(bench, WHOLE)


def shape(bench, name):
    """Runs and rounds of the ideal in turn, so that both see the machine in the same mood."""
    tables = bench.tables if name == WHOLE else [name]
    runs, of = [], []
    for number in range(bench.rounds):
        bench.say(f"{name}, run {number + 1} of {bench.rounds}")
        runs.append(bench.tool.load(bench.named(name)))
        of = of or [ideal.of_table(bench, table) for table in tables]
        for part in of:
            ideal.measure_once(bench, part)
    for part in of:
        part.path.unlink()
        bench.parts[part.name] = part
    rows = sum(part.rows for part in of)
    check_rows(runs, rows)
    limit, percent = SHAPES.get(name, (None, WHOLE_PERCENT))
    lines = cpu_lines(name, runs, rows, limit)
    return [*lines, rate_line(name, runs, ideal.wall(of, bench.cores), percent)]


def check_rows(runs, rows):
    for measured in runs:
        loaded = measured.report["totals"]["rows"]
        if loaded != rows:
            raise SystemExit(f"{loaded} rows loaded where the source has {rows}")


def cpu_lines(name, runs, rows, limit):
    million = rows / 1e6
    of = lambda pick: Series([pick(measured) / million for measured in runs])
    what = f"{name} ({rows:,} rows): CPU of the"
    return [
        Line(f"{what} tool", "s/M rows", of(lambda measured: measured.tool), limit),
        Line(f"{what} source", "s/M rows", of(lambda measured: measured.source)),
        Line(f"{what} target, key built, rows counted", "s/M rows", of(lambda measured: measured.target)),
        Line(f"{name}: wall", "s", Series([measured.wall for measured in runs])),
    ]


def rate_line(name, runs, wall, percent):
    rates = Series([100 * wall / measured.wall for measured in runs])
    return Line(f"{name}: rate against the ideal of {wall:.2f} s", "%", rates, percent, least=True)


def untuned(bench):
    """The whole database into a PostgreSQL as initdb leaves it."""
    tool = Tool(bench.tool.program, bench.folder, bench.source, bench.untuned)
    runs = [tool.load(bench.named(WHOLE)) for _ in range(bench.rounds)]
    return [
        Line(f"{WHOLE}, PostgreSQL untuned: wall", "s", Series([measured.wall for measured in runs])),
        Line(f"{WHOLE}, PostgreSQL untuned: CPU of the target", "s", Series([measured.target for measured in runs])),
    ]


def tls(bench):
    """Tool CPU with TLS on both sides against plain, each shape and all; runs alternate."""
    lines = []
    for name in [*SHAPES, WHOLE]:
        ratios = Series()
        for number in range(bench.rounds):
            bench.say(f"{name} plain and with TLS, run {number + 1} of {bench.rounds}")
            plain = bench.tool.load(bench.named(name))
            secret = bench.tool.load(bench.named(name), tls=True)
            ratios.add(secret.tool / plain.tool)
        lines.append(Line(f"{name}: CPU of the tool with TLS on both sides", "x plain", ratios, 1.5))
    return lines


def memory(bench):
    """Peak resident memory with 12 partitions in flight: narrow, wide and very long rows."""
    lines = []
    pools = {"source": {"max_connections": PARTITIONS}, "target": {"max_connections": PARTITIONS}}
    # Left to the tool, as many would be in flight as there are cores.
    transfer = {
        "max_partitions_per_table": PARTITIONS,
        "partition_min_rows": 1,
        "partitions_in_flight": PARTITIONS,
    }
    wide = max(bench.rows // 100, 1000)
    generated = {
        "Wide": f"Wide:{wide}:8192",
        "Below": f"Below:{30 * PARTITIONS}:900000",
        "Long": f"Long:{wide // 64 + 12}:1048576",
        # Just below what the readers take turns for.
        "Mid": f"Mid:{10 * PARTITIONS}:3900000",
        "Huge": "Huge:24:33554432",
    }
    standin = Standin(bench.folder, bench.standin, "Generated", *flags("--generated", generated.values()))
    try:
        made = Tool(bench.tool.program, bench.folder, standin, bench.cluster)
        cases = [(bench.tool, name, bench.named(name)) for name in SHAPES]
        cases += [(made, name, [f"dbo.{name}"]) for name in generated]
        for tool, name, tables in cases:
            bench.say(f"memory with {PARTITIONS} partitions in flight: {name}")
            peaks = Series()
            for _ in range(max(bench.rounds, 5)):
                measured = tool.load(tables, transfer=transfer, pools=pools)
                partitions = sum(table["partitions"] for table in measured.report["tables"])
                begun = measured.report["in_flight"]["first"]
                if begun != PARTITIONS:
                    raise SystemExit(f"{name}: {begun} partitions in flight where {PARTITIONS} are measured")
                peaks.add(measured.peak)
            what = f"{generated.get(name, name)}: peak memory at {partitions} partitions, {PARTITIONS} in flight"
            lines.append(Line(what, "MiB", peaks, 150))
    finally:
        standin.stop()
    return lines


def flags(name, values):
    return [word for value in values for word in (name, value)]


def planning(bench):
    """`migrate plan` of 500 and 5,000 tables with a key and an index each."""
    lines, walls = [], {}
    for count in (MANY // 10, MANY):
        bench.say(f"planning {count} tables")
        standin = scripted(bench, count, 0)
        try:
            tool = Tool(bench.tool.program, bench.folder, standin, bench.cluster)
            bench.cluster.fresh(DATABASE)
            path, series = tool.job(["dbo.*"]), Series()
            for _ in range(bench.rounds):
                series.add(run(tool.command(path, "plan"), tool.environment).wall)
        finally:
            standin.stop()
        walls[count] = series
        lines.append(Line(f"planning {count:,} tables", "s", series, 10.0 if count == MANY else None))
    base = walls[MANY // 10].median
    ratios = Series([wall / base for wall in walls[MANY].values])
    return [*lines, Line("tables x 10: planning", "x", ratios, 10)]


def small_tables(bench):
    """2,000 tables of 10 rows, a key and an index each, all in."""
    standin = scripted(bench, SMALL, 10)
    rates = Series()
    try:
        tool = Tool(bench.tool.program, bench.folder, standin, bench.cluster)
        for number in range(bench.rounds):
            bench.say(f"{SMALL:,} tables of 10 rows, run {number + 1} of {bench.rounds}")
            measured = tool.load(["dbo.*"])
            check_rows([measured], SMALL * 10)
            rates.add(SMALL / measured.wall)
    finally:
        standin.stop()
    return [Line(f"{SMALL:,} tables of 10 rows", "tables/s", rates, 40, least=True)]


def scripted(bench, tables, rows):
    """A stand-in with so many tables of four columns."""
    made = []
    for number in range(tables):
        made.append(
            f"CREATE TABLE dbo.T{number:05} (Id int NOT NULL CONSTRAINT PK_T{number:05} PRIMARY KEY, "
            "Parent int NULL, Name nvarchar(50) NULL, Made datetime NOT NULL)\n"
            f"CREATE INDEX IX_T{number:05} ON dbo.T{number:05} (Parent)"
        )
        values = ", ".join(f"({row}, {row // 2}, N'name {row}', '2020-01-01')" for row in range(rows))
        if rows:
            made.append(f"INSERT INTO dbo.T{number:05} VALUES {values}")
    script = bench.folder / f"tables-{tables}.sql"
    script.write_text("\nGO\n".join(made) + "\nGO\n")
    return Standin(bench.folder, bench.standin, "Many", "--script", script, "--stop-on-error")


def first_row(bench):
    """From the start of the process to the first byte that COPY has taken, both servers warm."""
    times = Series()
    for _ in range(max(bench.rounds, 7)):
        begun = time.monotonic()
        with bench.cluster.connect() as connection:

            def watch(_):
                asked = "SELECT FROM pg_stat_progress_copy WHERE bytes_processed > 0"
                while time.monotonic() - begun < 60 and not connection.query(asked):
                    time.sleep(0.001)
                times.add((time.monotonic() - begun) * 1000)

            bench.cluster.fresh(DATABASE)
            path = bench.tool.job(bench.named("Votes"))
            # Warm: the first connection to a new database reads its catalog into a file.
            run(bench.tool.command(path, "check"), bench.tool.environment)
            begun = time.monotonic()
            bench.tool.measured(path, watch=watch)
    return [Line("start to first row, one table", "ms", times, 150)]


def verification(bench):
    """Comparing by checksums against a plain read of both sides that is as wide (benches/verify_cost.rs)."""
    transfer = {"max_partitions_per_table": 1, "split_stragglers": False}
    bench.tool.load(bench.named(WHOLE), transfer=transfer, verify="none")
    one = {"source": {"max_connections": 1}, "target": {"max_connections": 1}}
    lines = []
    for pools, named, limit in ((one, "one connection a side", 1.3), (None, "pools as they are", None)):
        bench.say(f"comparing, {named}")
        job = bench.tool.job(bench.named(WHOLE), transfer=transfer, pools=pools, verify="checksums")
        lines += compared(bench, job, f"{WHOLE}, {named}: comparing by", limit)
    return lines


def compared(bench, job, what, limit):
    """Ratios of wall time by level, the first with the limit, and CPU of the tool beside them."""
    environment = {**bench.tool.environment, "VERIFY_JOB": str(job), "VERIFY_ROUNDS": str(bench.rounds)}
    cargo = shutil.which("cargo") or "cargo"
    command = [cargo, "bench", "--locked", "--quiet", "--bench", "verify_cost", "--manifest-path", ROOT / "Cargo.toml"]
    ratios, cpu = {}, {}
    for line in run(command, environment).output.splitlines():
        words = line.split()
        if words[:1] in (["ratio"], ["cpu"]):
            kept = ratios if words[0] == "ratio" else cpu
            kept[words[1]] = Series([float(word) for word in words[2:]])
    lines = [
        Line(f"{what} {name}", "x a plain read", series, limit if name == "checksums" else None)
        for name, series in ratios.items()
    ]
    for name, series in cpu.items():
        done = what.replace("comparing by", "plain read") if name == "plain" else f"{what} {name}"
        lines.append(Line(f"{done}: CPU of the tool", "s/M rows", series))
    return lines
