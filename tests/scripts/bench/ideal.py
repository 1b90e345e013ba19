"""The ideal pipeline: what each side needs for the same rows when nobody makes it wait."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from measure import Series
from tool import DATABASE


@dataclass
class Part:
    """One table: CPU seconds of a bare read and of a bare COPY, seconds that its key takes to build."""

    name: str
    rows: int
    columns: str
    # The primary key as ALTER TABLE ... ADD takes it; `None` where there is none.
    key: str | None
    # The table's rows as COPY sends them.
    path: Path
    read: Series = field(default_factory=Series)
    copy: Series = field(default_factory=Series)
    build: Series = field(default_factory=Series)

    @property
    def target(self):
        return f"public.{self.name.lower()}"


def of_table(bench, name):
    """What a run has just loaded into the target, kept for the rounds to come."""
    target = f"'public.{name.lower()}'::regclass"
    with bench.cluster.connect(DATABASE) as connection:
        columns = connection.value(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
            f"WHERE attrelid = {target} AND attnum > 0 AND NOT attisdropped"
        )
        key = connection.query(
            f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' AND conrelid = {target}"
        )
        path = bench.cluster.folder / f"{name}.copy"
        rows = int(connection.value(f"SELECT count(*) FROM public.{name.lower()}"))
        part = Part(name, rows, columns, key[0][0] if key else None, path)
        connection.query(f"COPY {part.target} ({columns}) TO '{path}' (FORMAT binary)")
    return part


def measure_once(bench, part):
    """One round, into an empty logged table beside the one that the run has loaded."""
    before = bench.source.cpu()
    seen = bench.source.read(f"SELECT * FROM dbo.{part.name}")
    if seen != part.rows:
        raise SystemExit(f"dbo.{part.name}: {seen} rows read, {part.rows} loaded")
    part.read.add(bench.source.cpu() - before)
    cluster = bench.cluster
    with cluster.connect(DATABASE) as connection:
        connection.query(f"DROP TABLE IF EXISTS public.ideal; CREATE TABLE public.ideal (LIKE {part.target})")
        connection.query("CHECKPOINT")
    before = cluster.cpu()
    with cluster.connect(DATABASE) as connection:
        connection.copy_in(f"COPY public.ideal ({part.columns}) FROM STDIN (FORMAT binary)", part.path)
    cluster.come_to_rest(DATABASE)
    part.copy.add(cluster.cpu() - before)
    with cluster.connect(DATABASE) as connection:
        start = time.monotonic()
        if part.key:
            connection.query(f"ALTER TABLE public.ideal ADD {part.key}")
        part.build.add(time.monotonic() - start)
        connection.query("DROP TABLE public.ideal")


def wall(parts, cores):
    """Seconds that the ideal pipeline takes: both sides' CPU spread over all cores, then the keys."""
    moved = sum(part.read.median + part.copy.median for part in parts)
    return moved / cores + sum(part.build.median for part in parts)
