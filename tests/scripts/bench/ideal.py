"""The ideal pipeline: what each side needs for the same rows when nobody makes it wait."""

import os
import time
from dataclasses import dataclass

import measure
from tool import DATABASE


@dataclass
class Table:
    """Medians for one table. CPU seconds of a bare read and a bare COPY, seconds of the key's build."""

    name: str
    rows: int
    read: float
    copy: float
    key: float


def of_table(bench, name):
    """Measures one table that a run has just loaded into the target; leaves copies of it nowhere."""
    target = f"public.{name.lower()}"
    source, cluster = bench.source, bench.cluster
    with cluster.connect(DATABASE) as connection:
        names = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
        columns = connection.value(names + f"WHERE attrelid = '{target}'::regclass AND attnum > 0 AND NOT attisdropped")
        of_key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' AND conrelid = "
        key = connection.query(f"{of_key} '{target}'::regclass")
        rows = int(connection.value(f"SELECT count(*) FROM {target}"))
        path = cluster.folder / "ideal.copy"
        connection.query(f"COPY {target} ({columns}) TO '{path}' (FORMAT binary)")
    reads, copies, builds = measure.Series(), measure.Series(), measure.Series()
    for _ in range(bench.rounds):
        reads.add(_read(source, name, rows))
        copy, build = _copy(cluster, target, columns, path, key[0][0] if key else None)
        copies.add(copy)
        builds.add(build)
    os.unlink(path)
    return Table(name, rows, reads.median, copies.median, builds.median)


def _read(source, name, rows):
    before = source.cpu()
    seen = source.read(f"SELECT * FROM dbo.{name}")
    if seen != rows:
        raise SystemExit(f"dbo.{name}: {seen} rows read, {rows} loaded")
    return source.cpu() - before


def _copy(cluster, target, columns, path, key):
    """CPU of the COPY into an empty logged table, wall time of the key's build behind it."""
    with cluster.connect(DATABASE) as connection:
        connection.query(f"DROP TABLE IF EXISTS public.ideal; CREATE TABLE public.ideal (LIKE {target})")
        connection.query("CHECKPOINT")
    before = cluster.cpu()
    with cluster.connect(DATABASE) as connection:
        connection.copy_in(f"COPY public.ideal ({columns}) FROM STDIN (FORMAT binary)", path)
    cluster.come_to_rest(DATABASE)
    copy = cluster.cpu() - before
    build = 0.0
    with cluster.connect(DATABASE) as connection:
        if key:
            start = time.monotonic()
            connection.query(f"ALTER TABLE public.ideal ADD {key}")
            build = time.monotonic() - start
        connection.query("DROP TABLE public.ideal")
    return copy, build


def wall(tables, cores):
    """Seconds that the ideal pipeline takes: both sides' CPU spread over all cores, then the keys."""
    return sum(table.read + table.copy for table in tables) / cores + sum(table.key for table in tables)
