"""Runs of `migrate` itself, with what each took of the tool, the source and the target."""

import json
from dataclasses import dataclass

import measure

DATABASE = "bench"


@dataclass
class Run:
    """CPU in seconds, memory in MiB; `source` is 0 where that server is on another machine."""

    wall: float
    tool: float
    source: float
    target: float
    peak: float
    report: dict


class Tool:
    def __init__(self, program, folder, source, cluster):
        self.program, self.folder = program, folder
        self.source, self.cluster = source, cluster
        self.number = 0

    def job(self, tables, transfer=None, pools=None, target=None, overrides=None, tls=False, **rest):
        """Writes a job file (JSON is YAML). What is not named here has the tool's own default."""
        self.number += 1
        pools = pools or {}
        source = {
            "host": self.source.host,
            "port": self.source.port,
            "database": self.source.database,
            "user": self.source.user,
            "password": "${BENCH_SOURCE_PASSWORD}",
            "encrypt": "required" if tls else "off",
            "trust_server_certificate": True,
            "pool": pools.get("source", {}),
        }
        target = {
            **(target or {}),
            "host": "127.0.0.1",
            "port": self.cluster.port,
            "database": DATABASE,
            "user": self.cluster.user,
            "password": "${BENCH_TARGET_PASSWORD}",
            "sslmode": "require" if tls else "disable",
            "pool": pools.get("target", {}),
            "schemas": {"dbo": "public"},
        }
        job = {"job": "bench", "source": source, "target": target, "transfer": transfer or {}, **rest}
        job["tables"] = {"include": tables, "overrides": overrides or {}}
        path = self.folder / f"job-{self.number}.yaml"
        path.write_text(json.dumps(job, indent=1))
        return path

    @property
    def environment(self):
        return {
            "BENCH_SOURCE_PASSWORD": self.source.password,
            "BENCH_TARGET_PASSWORD": self.cluster.password,
        }

    def command(self, path, *words):
        return [self.program, "--config", path, "--quiet", "--progress", "none", *words]

    def measured(self, path, *words, watch=None):
        """One command; exit code 6 (objects left out) passes, and the report says what."""
        source, target = self.source.cpu(), self.cluster.cpu()
        command = self.command(path, "--output", "json", *words)
        usage = measure.run(command, self.environment, accepted=(0, 6), watch=watch)
        self.cluster.come_to_rest(DATABASE)
        report = json.loads(usage.output.strip().splitlines()[-1])
        return Run(
            usage.wall,
            usage.cpu,
            self.source.cpu() - source,
            self.cluster.cpu() - target,
            usage.peak_mib,
            report,
        )

    def load(self, tables, watch=None, **settings):
        """A run into an empty database."""
        self.cluster.fresh(DATABASE)
        return self.measured(self.job(tables, **settings), watch=watch)
