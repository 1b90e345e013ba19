"""What the source touches for each row that is moved, by the shape of the table's key.

The stand-in counts it by SQL Server's rules (tests/standin/README.md): rows of tables and indexes that
are read, lookups, spooled rows; sorted rows are counted apart.
"""

from dataclasses import dataclass

from measure import Series
from servers import Standin
from table import Line, draw, number
from tool import DATABASE, Tool

ROWS = 1_000_000
PARTITIONS = 8
# MIN and MAX of a dense key are two rows of a million.
NONE = 0.001


@dataclass
class Shape:
    """A table `dbo.t` filled from the numbers 1 to ROWS, called `value`."""

    name: str
    columns: str
    keys: str
    values: str
    goal: float
    before: str = ""
    on: str = ""
    after: str = ""
    # The column that no key needs, and its value.
    pad: tuple = ("pad char(60) NOT NULL", "'x'")


# Spread over 32 bits, the same every time; no two numbers collide. Literals beyond int are decimals.
HASHED = "(value * CAST(2654435761 AS bigint)) % CAST(4294967296 AS bigint)"


SHAPES = [
    Shape("one dense integer", "id int NOT NULL", "PRIMARY KEY (id)", "value", 1.0 + NONE),
    Shape(
        "GUID",
        "id uniqueidentifier NOT NULL",
        "PRIMARY KEY (id)",
        f"CAST(CAST({HASHED} AS binary(8)) + CAST({HASHED} AS binary(8)) AS uniqueidentifier)",
        1.1,
    ),
    Shape(
        "text",
        "id varchar(30) COLLATE Latin1_General_CI_AS NOT NULL",
        "PRIMARY KEY (id)",
        f"CONCAT('k', {HASHED})",
        1.1,
    ),
    Shape("sparse integer", "id bigint NOT NULL", "PRIMARY KEY (id)", HASHED, 1.1),
    Shape("decimal", "id decimal(18, 2) NOT NULL", "PRIMARY KEY (id)", "CAST(value AS decimal(18, 2)) * 3.07", 1.1),
    Shape(
        "date",
        "id datetime2(3) NOT NULL",
        "PRIMARY KEY (id)",
        "DATEADD(second, value * 61, CAST('2001-01-01' AS datetime2(3)))",
        1.1,
    ),
    Shape(
        "(constant, id)", "a int NOT NULL, id int NOT NULL", "PRIMARY KEY (a, id)", "1, value", 1.1
    ),
    Shape(
        "(few values, id)", "a int NOT NULL, id int NOT NULL", "PRIMARY KEY (a, id)", "value % 5, value", 1.1
    ),
    Shape(
        "(a, b, c)",
        "a int NOT NULL, b int NOT NULL, c int NOT NULL",
        "PRIMARY KEY (a, b, c)",
        "value % 3, value % 700, value",
        1.1,
    ),
    Shape(
        "descending columns",
        "a int NOT NULL, id int NOT NULL",
        "PRIMARY KEY (a DESC, id DESC)",
        "value % 5, value",
        1.1,
    ),
    Shape(
        "partition scheme on another column",
        "id int NOT NULL, day int NOT NULL",
        "PRIMARY KEY (id, day)",
        "value, value % 12",
        1.1,
        before="CREATE PARTITION FUNCTION pf (int) AS RANGE RIGHT FOR VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)\n"
        "GO\nCREATE PARTITION SCHEME ps AS PARTITION pf ALL TO ([PRIMARY])\nGO\n",
        on=" ON ps (day)",
    ),
    Shape("heap with a nonclustered key", "id int NOT NULL", "PRIMARY KEY NONCLUSTERED (id)", "value", 1.1),
    Shape(
        "clustered index that is not unique",
        "id int NOT NULL, day int NOT NULL",
        "PRIMARY KEY NONCLUSTERED (id), INDEX c CLUSTERED (day)",
        "value, value / 50",
        1.1,
    ),
    Shape(
        "clustered columnstore",
        "id int NOT NULL",
        "PRIMARY KEY NONCLUSTERED (id), INDEX c CLUSTERED COLUMNSTORE",
        "value",
        1.1,
    ),
    Shape(
        "no key, frozen database",
        "id int NOT NULL",
        "CHECK (id > 0)",
        "value",
        1.1,
        after="GO\nALTER DATABASE CURRENT SET READ_ONLY\n",
        # Columns that can all be ordered exactly: ROW_NUMBER may divide such a table.
        pad=("pad bigint NOT NULL", "value"),
    ),
]
# Of a shape that is read as a whole, there is nothing to resume in the middle and nothing to cut.
AGAIN = 1.2


def script(shape, rows):
    """T-SQL that makes and fills the table."""
    step = 100_000
    lines = [shape.before, f"CREATE TABLE dbo.t ({shape.columns}, {shape.pad[0]}, {shape.keys}){shape.on}\nGO\n"]
    for low in range(1, rows + 1, step):
        high = min(low + step - 1, rows)
        lines.append(f"INSERT dbo.t SELECT {shape.values}, {shape.pad[1]} FROM GENERATE_SERIES({low}, {high})\nGO\n")
    return "".join([*lines, shape.after])


@dataclass
class Work:
    """A run's: rows moved, and what the stand-in says of them."""

    moved: int
    told: dict
    report: dict

    @property
    def touched(self):
        return self.told["touched"] / self.moved

    @property
    def sorted(self):
        return self.told["sorted_rows"] / self.moved


def worked(tool, transfer, faults=()):
    """A run into an empty database."""
    tool.cluster.fresh(DATABASE)
    for fault in faults:
        tool.source.ask(f"fault {fault}")
    tool.source.ask("reset-work")
    run = tool.measured(tool.job(["dbo.t"], transfer=transfer, verify="none"))
    told = tool.source.told("work")
    tool.source.ask("clear")
    return Work(run.report["tables"][0]["rows"], told, run.report)


def source_work(bench):
    """Rows touched per row moved and sorts, by key: whole, resumed in every partition, with a straggler."""
    rows = bench.asked_rows or ROWS
    lines, cells = [], []
    for shape in SHAPES:
        bench.say(f"source work: {shape.name}, {rows:,} rows")
        path = bench.folder / "source_work.sql"
        path.write_text(script(shape, rows))
        source = Standin(bench.folder, bench.standin, "work", "--script", path, "--stop-on-error", admin=True)
        try:
            found = of_shape(Tool(bench.tool.program, bench.folder, source, bench.cluster), rows)
        finally:
            source.stop()
        for what, (work, goal) in found.items():
            limit = goal or shape.goal
            figures = Series([work.touched])
            lines.append(Line(f"{shape.name}, {what}: rows touched / moved", "x", figures, limit))
        whole = found["whole"][0]
        lines.append(Line(f"{shape.name}: rows sorted / moved", "x", Series([whole.sorted]), 0.05))
        of = lambda what: number(found[what][0].touched) if what in found else "-"
        cells.append(
            [
                shape.name,
                number(shape.goal),
                of("whole"),
                str(whole.told["sorts"]),
                number(whole.sorted),
                of("resumed"),
                of("straggler"),
            ]
        )
    head = ["key", "goal", "touched / moved", "sorts", "sorted / moved", "resumed (goal 1.2)", "straggler (goal 1.2)"]
    bench.notes += ["", f"source work, {rows:,} rows, {PARTITIONS} partitions, cut points included:", "", draw(head, cells)]
    return lines


def of_shape(tool, rows):
    """The run as a whole; and where the table is divided, the two that are disturbed."""
    share = rows // PARTITIONS
    transfer = {
        "max_partitions_per_table": PARTITIONS,
        "partition_min_rows": 1,
        # A committed batch is what a resume begins from: a twentieth of a partition.
        "commit_every": f"{max(16, share * 100 // 20 // 1024)}KiB",
        "retry": {"attempts": 20, "initial_backoff": "10ms", "max_backoff": "50ms"},
    }
    found = {"whole": (worked(tool, transfer), None)}
    if found["whole"][0].report["tables"][0]["partitions"] < 2:
        return found
    half = f"drop:rows={share // 2},times={PARTITIONS},match=[pad] FROM"
    found["resumed"] = (worked(tool, transfer, [half]), AGAIN)
    alone = {**transfer, "max_partitions_per_table": 4, "partition_min_rows": rows}
    stall = f"stall:rows={rows // 10},for=6s,times=1,match=[pad] FROM"
    found["straggler"] = (worked(tool, alone, [stall]), AGAIN)
    return found
