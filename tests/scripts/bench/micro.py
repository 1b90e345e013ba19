"""The micro benches of the row path (crates/tds-copy/benches/row_path): TDS bytes in memory to bytes of a COPY, nothing else."""

import shutil

from measure import run
from servers import ROOT


def row_path(bench):
    """TDS bytes to COPY bytes by shape, type and script, against other drivers (crates/tds-copy/benches/row_path): divan's table."""
    cargo = shutil.which("cargo") or "cargo"
    command = [cargo, "bench", "--locked", "--quiet", "--package", "tds-copy", "--bench", "row_path", "--manifest-path", ROOT / "Cargo.toml"]
    drawn = run(command).output.strip()
    bench.notes += ["", "row_path: nanoseconds per row are 1,000 over Mitem/s", "", "```", drawn, "```"]
    return []
