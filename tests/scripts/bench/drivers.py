"""Drivers on the same bytes: CPU of a process that reads the same rows with each (benches/drivers)."""

import os
from pathlib import Path

from measure import Failed, Series, run
from servers import ROOT
from table import Line

TABLES = ("Votes", "Comments", "Posts")


def drivers(bench):
    """Votes, Comments and Posts read by this tool, mssql-tds and tiberius: CPU per row."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "drivers"
    try:
        bench.say("building the reader of three drivers")
        run([ROOT / "tests/scripts/bench/drivers.sh", folder])
    except Failed as failed:
        bench.say(f"drivers: NOT MEASURED, it could not be built: {failed}")
        bench.notes += ["", "drivers: not measured, the reader of three drivers could not be built here"]
        return []
    path = bench.tool.job([f"dbo.{name}" for name in TABLES])
    environment = {**bench.tool.environment, "DRIVERS_JOB": str(path), "DRIVERS_ROUNDS": str(bench.rounds)}
    lines = []
    for line in run([folder / "release/drivers"], environment).output.splitlines():
        name, driver, rows, nanoseconds = line.split("\t")
        series = Series([float(word) for word in nanoseconds.split()])
        lines.append(Line(f"{name}, {int(rows):,} rows, read by {driver}: CPU", "ns/row", series))
    return lines
