"""The same rows moved by other programs: from the same source, into the same target, compared afterwards."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import measure
import table
from measure import Series
from servers import ROOT, TUNED, Cluster, Foreign, Standin
from tool import DATABASE, Run, Tool

# Found on the wire by FreeTDS, which pgloader and tds_fdw read with.
FREETDS = "[global]\ntds version = 7.4\nencryption = off\nclient charset = UTF-8\ntext size = 2147483647\n"
# What is measured, as --only names it.
LINES = {"votes": "Votes", "comments": "Comments", "posts": "Posts", "whole": "whole database"}
LOOKUPS = ["PostTypes", "VoteTypes", "LinkTypes"]
GROWING = ["Posts", "Votes", "Comments", "Badges", "Users", "PostLinks"]
# Rows are summed up in a form that does not depend on how a peer maps the types.
SUM = "SELECT count(*) || ' ' || coalesce(sum(hashtextextended(ROW({values})::text, 0)::numeric), 0) FROM {table} AS t({names})"


class Unable(Exception):
    """Why a program cannot be measured here."""


class Session:
    """Both servers, and what the tool's own copy says the rows must be."""

    def __init__(self, folder, servers):
        self.folder = folder
        self.rounds = int(os.environ.get("BENCH_RUNS", "3"))
        self.cores = len(os.sched_getaffinity(0))
        self.rows = int(os.environ.get("BENCH_ROWS", "2700000").replace("_", ""))
        built = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
        foreign = os.environ.get("MIGRATE_TEST_MSSQL")
        self.tables = ["Posts", "Votes", "Comments"] if foreign else GROWING + LOOKUPS
        freetds = folder / "freetds.conf"
        freetds.write_text(FREETDS)
        freetds.chmod(0o644)
        os.environ["FREETDSCONF"] = str(freetds)
        if foreign:
            self.source = Foreign(foreign)
        else:
            sample = ["--tls", "off", "--cost-limit", "0", "--sample", f"benchmark:{self.rows}"]
            self.source = Standin(folder, built / "standin", "StackOverflow", *sample)
        servers.callback(self.source.stop)
        self.cluster = Cluster(folder, "tuned", TUNED)
        servers.callback(self.cluster.stop)
        self.tool = Tool(os.environ.get("BENCH_TOOL", built / "migrate"), folder, self.source, self.cluster)
        self.columns, self.expected = {}, {}

    def learn(self):
        """The tables' columns and sums, from a run whose row counts the tool has compared."""
        self.tool.load([f"dbo.{name}" for name in self.tables])
        with self.cluster.connect(DATABASE) as connection:
            for name in self.tables:
                self.columns[name] = connection.query(
                    "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
                    f"WHERE attrelid = 'public.{name.lower()}'::regclass AND attnum > 0 AND NOT attisdropped "
                    "ORDER BY attnum"
                )
                self.expected[name] = self.content(connection, name)

    def content(self, connection, name):
        """Number of rows and sum of their hashes; columns count by position, tables by lower-case name."""
        place = connection.query(
            "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            f"AND lower(relname) = '{name.lower()}'"
        )
        if not place:
            return "no such table"
        columns = self.columns[name]
        names = [f"c{at}" for at in range(len(columns))]
        values = [f"c{at}::{kind}" for at, (_, kind, _) in enumerate(columns)]
        connection.query("SET timezone = 'UTC'")
        return connection.value(SUM.format(values=", ".join(values), table=place[0][0], names=", ".join(names)))

    def differences(self, tables):
        with self.cluster.connect(DATABASE) as connection:
            found = {name: self.content(connection, name) for name in tables}
        wrong = [name for name in tables if found[name] != self.expected[name]]
        return [f"{name}: {found[name]} where {self.expected[name]} are" for name in wrong]

    def create_tables(self, connection, tables):
        for name in tables:
            columns = ", ".join(
                f'"{column}" {kind}{" NOT NULL" if fixed == "t" else ""}'
                for column, kind, fixed in self.columns[name]
            )
            connection.query(f"CREATE TABLE public.{name.lower()} ({columns})")

    def accounted(self, command, environment):
        """Runs a program into an empty database."""
        self.cluster.fresh(DATABASE)
        source, target = self.source.cpu(), self.cluster.cpu()
        usage = measure.run(command, environment)
        self.cluster.come_to_rest(DATABASE)
        taken = self.source.cpu() - source, self.cluster.cpu() - target
        return Run(usage.wall, usage.cpu, *taken, usage.peak_mib, {"output": usage.output})

    def target_url(self):
        cluster = self.cluster
        return f"postgresql://{cluster.user}:{cluster.password}@127.0.0.1:{cluster.port}/{DATABASE}"


class Migrate:
    name = "migrate"
    settings = "defaults: each primary key behind its table's rows while others load, rows counted on both sides"

    def __init__(self, session):
        self.session = session

    def load(self, tables):
        return self.session.tool.load([f"dbo.{name}" for name in tables])


class TdsFdw:
    name = "tds_fdw"
    settings = (
        "INSERT ... SELECT over a foreign table, each table cut in as many ranges as there are cores, rows "
        "estimated by SHOWPLAN_ALL; primary keys behind all rows, as many at once as there are cores"
    )

    def __init__(self, session):
        self.session = session
        with session.cluster.connect() as connection:
            if not connection.query("SELECT FROM pg_available_extensions WHERE name = 'tds_fdw'"):
                raise Unable("the extension is not installed (apt-get install postgresql-15-tds-fdw)")

    def load(self, tables):
        session, cluster, source = self.session, self.session.cluster, self.session.source
        cluster.fresh(DATABASE)
        before = source.cpu(), cluster.cpu()
        start = time.monotonic()
        with cluster.connect(DATABASE) as connection:
            connection.query(
                "CREATE EXTENSION tds_fdw; CREATE SCHEMA away; CREATE SERVER source FOREIGN DATA WRAPPER tds_fdw "
                f"OPTIONS (servername '{source.host}', port '{source.port}', database '{source.database}', "
                "tds_version '7.4', msg_handler 'blackhole'); "
                f"CREATE USER MAPPING FOR CURRENT_USER SERVER source "
                f"OPTIONS (username '{source.user}', password '{source.password}')"
            )
            session.create_tables(connection, tables)
            self._foreign_tables(connection, tables)
        self._side_by_side(self._pieces(tables))
        keys = [f"ALTER TABLE public.{name.lower()} ADD PRIMARY KEY (id)" for name in tables]
        self._side_by_side(keys)
        wall = time.monotonic() - start
        cluster.come_to_rest(DATABASE)
        return Run(wall, 0.0, source.cpu() - before[0], cluster.cpu() - before[1], 0.0, {})

    def _foreign_tables(self, connection, tables):
        """By default tds_fdw counts rows by running the whole SELECT once more; 2.0.3 takes no `use_remote_estimate '0'`."""
        for name in tables:
            columns = ", ".join(f'"{column}" {kind}' for column, kind, _ in self.session.columns[name])
            connection.query(
                f"CREATE FOREIGN TABLE away.{name.lower()} ({columns}) SERVER source OPTIONS "
                f"(schema_name 'dbo', table_name '{name}', match_column_names '0', row_estimate_method 'showplan_all')"
            )

    def _pieces(self, tables):
        """One statement for each range of ids; the ranges go by the tool's own copy's largest id."""
        statements = []
        for name in tables:
            cuts = self.session.cuts[name]
            ends = [None, *cuts, None]
            for low, high in zip(ends, ends[1:]):
                where = [f"id > {low}"] * (low is not None) + [f"id <= {high}"] * (high is not None)
                condition = f" WHERE {' AND '.join(where)}" if where else ""
                statements.append(f"INSERT INTO public.{name.lower()} SELECT * FROM away.{name.lower()}{condition}")
        return statements

    def _side_by_side(self, statements):
        """Runs them in order on as many connections as there are cores."""
        waiting, failures, lock = list(statements), [], threading.Lock()

        def work():
            with self.session.cluster.connect(DATABASE) as connection:
                while True:
                    with lock:
                        if not waiting:
                            return
                        statement = waiting.pop(0)
                    try:
                        connection.query(statement)
                    except Exception as error:
                        failures.append(f"{statement[:60]}: {error}")
                        return

        workers = [threading.Thread(target=work) for _ in range(self.session.cores)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failures:
            raise Unable(failures[0])


class PgLoader:
    name = "pgloader"
    settings = (
        "create tables, workers = 4, concurrency = 2, prefetch rows = 25000; a unique index behind each table's rows, "
        "made the primary key at the end"
    )

    def __init__(self, session):
        self.session = session
        if not shutil.which("pgloader"):
            raise Unable("it is not installed (apt-get install pgloader)")

    def load(self, tables):
        source = self.session.source
        login = f"{source.user}:{quote(source.password)}@{source.host}:{source.port}/{source.database}"
        names = ", ".join(f"'{name}'" for name in tables)
        script = self.session.folder / "job.load"
        script.write_text(
            f"LOAD DATABASE FROM mssql://{login} INTO {self.session.target_url()}\n"
            "WITH create tables, create indexes, reset no sequences, no foreign keys,\n"
            "     workers = 4, concurrency = 2, prefetch rows = 25000\n"
            f"INCLUDING ONLY TABLE NAMES LIKE {names} IN SCHEMA 'dbo'\n"
            "ALTER SCHEMA 'dbo' RENAME TO 'public';\n"
        )
        command = ["pgloader", "--on-error-stop", "--root-dir", self.session.folder / "pgloader", script]
        run = self.session.accounted(command, {})
        # It ends with exit code 0 after most of its errors.
        if said := [line for line in run.report["output"].splitlines() if " ERROR " in line]:
            raise Unable(said[0].split(" ERROR ", 1)[1])
        return run


class Sling:
    name = "sling"
    settings = (
        "full-refresh, SLING_DIRECT_INSERT, one stream a table, as many at once as there are cores; primary key in "
        "CREATE TABLE, so it is there while rows arrive"
    )

    def __init__(self, session):
        self.session = session
        self.program = self._program()

    def _program(self):
        if found := shutil.which("sling"):
            return found
        folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "peers"
        wheel = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        binaries = lambda: [path for path in folder.glob("**/bin/sling*") if path.is_file() and os.access(path, os.X_OK)]
        if not folder.exists():
            done = subprocess.run([*map(str, wheel), "sling-linux-amd64"], capture_output=True, text=True)
            if done.returncode:
                raise Unable(f"pip: {done.stderr.strip().splitlines()[-1]}")
        found = binaries()
        if not found:
            raise Unable("the wheel sling-linux-amd64 has no program")
        return found[0]

    def load(self, tables):
        source = self.session.source
        streams = {f"dbo.{name}": {"object": f"public.{name.lower()}"} for name in tables}
        options = {"column_casing": "lower", "table_keys": {"primary": ["Id"]}}
        job = {
            "source": "SOURCE",
            "target": "TARGET",
            "defaults": {"mode": "full-refresh", "target_options": options},
            "streams": streams,
        }
        path = self.session.folder / "sling.yaml"
        path.write_text(json.dumps(job))
        environment = {
            "SOURCE": f"sqlserver://{source.user}:{quote(source.password)}@{source.host}:{source.port}"
            f"?database={source.database}&encrypt=disable",
            "TARGET": f"{self.session.target_url()}?sslmode=disable",
            "SLING_THREADS": str(self.session.cores),
            "SLING_DISABLE_TELEMETRY": "TRUE",
            # Without it rows go into a table of their own first, and from there by INSERT ... SELECT.
            "SLING_DIRECT_INSERT": "TRUE",
            "HOME": str(self.session.folder),
        }
        return self.session.accounted([self.program, "run", "-r", path], environment)


def cuts_of(session):
    """Ids that divide each large table into as many ranges as there are cores."""
    with session.cluster.connect(DATABASE) as connection:
        cuts = {}
        for name in session.tables:
            largest = int(connection.value(f"SELECT coalesce(max(id), 0) FROM public.{name.lower()}"))
            pieces = session.cores if largest > 10_000 else 1
            cuts[name] = [largest * number // pieces for number in range(1, pieces)]
        return cuts


def measured(session, program, tables):
    """Medians of a program's runs; fails with the reason where it cannot or loses rows."""
    runs = []
    for _ in range(session.rounds):
        runs.append(program.load(tables))
        if wrong := session.differences(tables):
            raise Unable(f"its rows differ: {wrong[0]}")
    of = lambda pick: Series([pick(run) for run in runs]).median
    figures = [lambda run: run.wall, lambda run: run.tool, lambda run: run.source, lambda run: run.target]
    return [*map(of, figures), of(lambda run: run.peak)]


HEAD = ["rows", "program", "wall s", "x", "CPU s: program", "source", "target", "all x", "memory MiB"]


def rows_of(what, results):
    wall, *own = results["migrate"]
    all_of = lambda figures: sum(figures[1:4])
    base = all_of(results["migrate"])
    for name, figures in results.items():
        cells = [table.number(figures[0]), f"{figures[0] / wall:.2f}", *map(table.number, figures[1:4])]
        inside = figures[4] == 0
        if inside:
            cells[2] = "in target"
        yield [what, name, *cells, f"{all_of(figures) / base:.2f}", "in target" if inside else table.number(figures[4])]


def main(folder, machine, chosen):
    with contextlib.ExitStack() as servers:
        session = Session(folder, servers)
        session.learn()
        session.cuts = cuts_of(session)
        text = report(session, machine, chosen)
    print(text)
    kept = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "peers.md").write_text(text + "\n")


def report(session, machine, chosen):
    programs, unable = [], []
    for kind in (Migrate, TdsFdw, PgLoader, Sling):
        try:
            programs.append(kind(session))
        except Unable as reason:
            unable.append(f"{kind.name} is not measured: {reason}")
    lines = []
    for name in chosen:
        what, tables = LINES[name], [LINES[name]]
        if name == "whole":
            tables = session.tables
        results = {}
        for program in list(programs):
            print(f"== {what}: {program.name}", file=sys.stderr, flush=True)
            try:
                results[program.name] = measured(session, program, tables)
            except (Unable, measure.Failed) as reason:
                if program.name == "migrate":
                    raise
                unable.append(f"{program.name} with {what}: {str(reason).strip()[-400:]}")
                print(unable[-1], file=sys.stderr, flush=True)
        total = sum(int(session.expected[name].split()[0]) for name in tables)
        lines += rows_of(f"{what}, {total:,}", results)
        print(table.draw(HEAD, lines), file=sys.stderr, flush=True)
    head = [
        f"machine: {machine}",
        f"source: {session.source.name}, plain TCP; target: PostgreSQL, tuned: "
        + ", ".join(f"{key}={value}" for key, value in TUNED.items()),
        f"medians of {session.rounds} runs; each run's rows counted and summed up afterwards, equal to those of migrate",
        *(f"{program.name}: {program.settings}" for program in programs),
    ]
    return "\n".join([*head, "", table.draw(HEAD, lines), "", *unable])
