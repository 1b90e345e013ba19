"""Whole runs of `migrate` between two servers on this machine, held against the budgets.

  python3 tests/scripts/bench            the budgets (`make bench`)
  python3 tests/scripts/bench peers      the same rows moved by others (`make bench-peers`)
  --only LINES                           some lines: see --list

BENCH_ROWS           rows of the whole database, 5,400,000 by default; a quarter of that for `levers`
BENCH_RUNS           runs of each line, 5 by default
BENCH_PROFILE        release; debug for lines that count and do not time (source_work)
BENCH_TOOL           another build of the tool, to be compared with this one
MIGRATE_TEST_MSSQL   mssql://user:password@host:port/database with Votes, Comments and Posts in dbo:
                     a foreign server as the source in place of the stand-in
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import budgets
import drivers
import levers
import measure
import micro
import peers
import scale
import scaling
import source_work
import table
from servers import ROOT, TUNED, UNTUNED, Cluster, Foreign, Standin
from tool import Tool

# Lines that need tables of their own, so the stand-in; the others can run against a foreign server.
OWN_TABLES = {"memory", "ten_times", "planning", "small_tables", "source_work", "scale"}
ROWS = 5_400_000
LINES = {
    **{
        name: getattr(budgets, name)
        for name in "votes comments posts whole first_row tls verification memory planning small_tables untuned".split()
    },
    **{name: getattr(scaling, name) for name in "stragglers partitions readers ten_times".split()},
    "row_path": micro.row_path,
    "drivers": drivers.drivers,
    "levers": levers.levers,
    "source_work": source_work.source_work,
    "scale": scale.scale,
}
# Not among the budgets: they take ten minutes and more, and are asked for by name.
ON_REQUEST = {"levers", "source_work", "scale"}
# Lines that bring a source of their own: none with the sample is started for them alone.
OWN_SOURCE = {"source_work", "scale"}


class Bench:
    """The servers of a session and what the lines need to know of it."""

    def __init__(self, folder, servers, chosen):
        self.folder = folder
        asked = os.environ.get("BENCH_ROWS", "").replace("_", "")
        self.rows = int(asked or ROWS)
        # What the caller said, for lines with another number of their own.
        self.asked_rows = int(asked or 0)
        # There are many levers, and each is a ratio: a quarter of the rows does, unless the caller says how many.
        self.lever_rows = int(asked or ROWS // 4)
        self.rounds = int(os.environ.get("BENCH_RUNS", "5"))
        self.cores = len(os.sched_getaffinity(0))
        # Counts are the same in a debug build, times are not.
        built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("BENCH_PROFILE", "release")
        self.standin = built / "standin"
        foreign = os.environ.get("MIGRATE_TEST_MSSQL")
        self.tables = ["Votes", "Comments", "Posts"]
        own = set(chosen) <= OWN_SOURCE
        self.source = None
        if foreign and not own:
            self.source = Foreign(foreign)
        elif not own:
            self.tables += ["Users", "Badges", "PostLinks", "PostTypes", "VoteTypes", "LinkTypes"]
            self.say(f"starting the stand-in with {self.rows:,} rows")
            self.source = Standin(folder, self.standin, "StackOverflow", "--sample", f"benchmark:{self.rows}")
        if self.source:
            servers.callback(self.source.stop)
        self.cluster = Cluster(folder, "tuned", TUNED, certificate(folder))
        servers.callback(self.cluster.stop)
        if self.source:
            self.untuned = Cluster(folder, "untuned", UNTUNED)
            servers.callback(self.untuned.stop)
        self.tool = Tool(Path(os.environ.get("BENCH_TOOL", built / "migrate")), folder, self.source, self.cluster)
        # Of the ideal, by table.
        self.parts = {}
        # Tables of their own that lines add below the budgets.
        self.notes = []

    def named(self, name):
        """The tables of a line, as a job includes them."""
        return [f"dbo.{table}" for table in (self.tables if name == budgets.WHOLE else [name])]

    @contextlib.contextmanager
    def sample(self, rows):
        """The tool before the same tables with another number of rows; a foreign server has its own."""
        if rows == self.rows or isinstance(self.source, Foreign):
            yield self.tool
            return
        self.say(f"another stand-in with {rows:,} rows")
        source = Standin(self.folder, self.standin, self.source.database, "--sample", f"benchmark:{rows}")
        try:
            yield Tool(self.tool.program, self.folder, source, self.cluster)
        finally:
            source.stop()

    def say(self, text):
        print(f"== {text}", file=sys.stderr, flush=True)


def certificate(folder):
    """Settings that turn TLS on, with a certificate that nobody vouches for."""
    if not shutil.which("openssl"):
        raise SystemExit("openssl is needed to make a certificate for PostgreSQL")
    files = {"ssl_cert_file": folder / "server.pem", "ssl_key_file": folder / "server.key"}
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
    command += ["-out", str(files["ssl_cert_file"]), "-keyout", str(files["ssl_key_file"])]
    subprocess.run(command, check=True, capture_output=True)
    if os.geteuid() == 0:
        for file in files.values():
            shutil.chown(file, "postgres", "postgres")
    return {"ssl": "on", **{name: str(path) for name, path in files.items()}}


def settings(bench):
    """The machine and every side's settings, as they stand above the table."""
    name = lambda settings: ", ".join(f"{key}={value}" for key, value in settings.items()) or "as initdb leaves it"
    with bench.cluster.connect() as connection:
        pg = connection.value("SHOW server_version")
    yield f"machine: {bench.machine}"
    yield f"tool: {table.version(bench.tool.program, '--version')}, {os.environ.get('BENCH_PROFILE', 'release')} build; job: mode create, consistency strict, "
    yield "      verify counts, indexes and keys after the load, everything else at its default unless the line says so"
    if not bench.source:
        yield "source: a stand-in for each line, on the same machine, plain TCP"
        yield f"target: PostgreSQL {pg}, tuned: {name(TUNED)}"
        return
    yield f"source: {bench.source.name}, {bench.source.host}:{bench.source.port}, all on one machine, plain TCP"
    yield f"target: PostgreSQL {pg}, tuned: {name(TUNED)}"
    yield f"        untuned: {name(UNTUNED)}"
    yield f"runs of each line: {bench.rounds}, rows of the whole database: {bench.rows:,}"
    for part in bench.parts.values():
        if part.rows > 1000:
            yield (
                f"alone: {part.name} {part.rows:,} rows: source {part.read.median:.2f} s CPU, "
                f"COPY {part.copy.median:.2f} s CPU, key {part.build.median:.2f} s"
            )


def measured(bench, chosen):
    lines = []
    for name in chosen:
        if name in OWN_TABLES and isinstance(bench.source, Foreign):
            bench.say(f"{name}: left out, because it needs tables of the stand-in")
            continue
        bench.say(name)
        lines += LINES[name](bench)
        print(table.draw(table.HEAD, [line.cells() for line in lines]), file=sys.stderr, flush=True)
    return lines


def keep(lines, text):
    """The result as files, beside what was built."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whole.md").write_text(text + "\n")
    raw = [{"what": line.what, "unit": line.unit, "limit": line.limit, "values": line.series.values} for line in lines]
    (folder / "whole.json").write_text(json.dumps(raw, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["budgets", "peers"], default="budgets")
    parser.add_argument("--only", help="lines by name, with commas between them")
    parser.add_argument("--list", action="store_true", help="the lines there are")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{name:14} {line.__doc__}" for name, line in LINES.items()))
        return
    known = peers.LINES if arguments.what == "peers" else list(LINES)
    chosen = arguments.only.split(",") if arguments.only else [name for name in known if name not in ON_REQUEST]
    if unknown := set(chosen) - set(known):
        parser.error(f"no such line: {', '.join(sorted(unknown))}")
    # A signal ends the servers too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    machine = table.machine()
    with tempfile.TemporaryDirectory(prefix="migrate-bench.") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if arguments.what == "peers":
            peers.main(folder, machine, chosen)
            return
        with contextlib.ExitStack() as servers:
            bench = Bench(folder, servers, chosen)
            bench.machine = machine
            lines = measured(bench, chosen)
            rows = [line.cells() for line in lines]
            text = "\n".join([*settings(bench), "", table.draw(table.HEAD, rows), *bench.notes])
    print(text)
    keep(lines, text)
    over = [line.what for line in lines if line.met is False]
    print(f"\n{len(over)} budgets not met" + "".join(f"\n  {what}" for what in over))


if __name__ == "__main__":
    try:
        main()
    except measure.Failed as failed:
        sys.exit(str(failed))
