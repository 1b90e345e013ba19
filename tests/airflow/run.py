"""`make test-airflow`: a real Airflow runs the DAGs of the documentation while workers are killed.

The DAGs are those of migrations-config/many-processes/airflow.py and the snippet of docs/operations.md; what is
changed in them is the job file's path and the pause before a retry.

  python run.py MIGRATE STANDIN [SCENARIO...]      in the environment of install.sh

AIRFLOW_TEST_ROWS   rows of the source, 20,000 by default
AIRFLOW_TEST_LOGS   a folder that gets all logs of a run that failed
"""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path

import psutil

import manifest
from compare import every_row_once
from deployment import Airflow, DagRun
from servers import (
    ROOT, Failure, Postgres, Programs, Redis, Source, adopt_orphans, end_all, kill_tree, lives, say, wait,
)

# A partition rests this long, so that a load lasts for some time on however fast a machine.
SLOW = "stall:rows=100,for=2s,times=forever,match=FROM [dbo]"
# From the start of a DAG run to its end, retries included.
PATIENCE = 600


def replaced(text, old, new):
    if old not in text:
        raise Failure(f"the example has no {old!r} any more")
    return text.replace(old, new)


class Stage:
    """Both servers, Airflow, and the job file."""

    def __init__(self, work, migrate, standin):
        self.work = work
        self.programs = Programs(work)
        self.postgres = Postgres(work)
        self.source = Source(self.programs, standin, int(os.environ.get("AIRFLOW_TEST_ROWS", "20000")))
        self.redis = Redis(self.programs)
        self.job = work / "shop.yaml"
        self.migrate = migrate
        (work / "bin").mkdir()
        (work / "bin/migrate").symlink_to(migrate)

    def start(self):
        self.write_job()
        self.postgres.start()
        for database in ("airflow", "shop"):
            self.postgres.make_anew(database)
        self.source.start()
        self.redis.start()
        connection = {"conn_type": "generic"}
        self.airflow = Airflow(self.programs, self.postgres, self.redis, {
            "PATH": f"{self.work / 'bin'}:{os.environ['PATH']}",
            "TMPDIR": str(self.work),
            "SHOP_SOURCE_PORT": str(self.source.port),
            "SHOP_TARGET_PORT": str(self.postgres.port),
            "AIRFLOW_CONN_SHOP_MSSQL": json.dumps({**connection, "password": self.source.password}),
            "AIRFLOW_CONN_SHOP_PG": json.dumps({**connection, "password": self.postgres.password}),
        })
        self.write_dags()
        self.airflow.start()

    def write_job(self, more=""):
        self.job.write_text((ROOT / "tests/airflow/job.yaml").read_text() + more)

    def write_dags(self):
        """The example, and the snippet twice: as it is, and with a time-out within the load."""
        def ready(text, job):
            return replaced(replaced(text, "/jobs/shop.yaml", job), "timedelta(minutes=1)", "timedelta(seconds=3)")
        example = (ROOT / "migrations-config/many-processes/airflow.py").read_text()
        (self.airflow.dags / "example.py").write_text(ready(example, str(self.job)))
        page = (ROOT / "docs/operations.md").read_text()
        snippet = ready(re.search(r"```python\n(BashOperator\(.*?)```", page, re.DOTALL).group(1), str(self.job))
        short = replaced(snippet, "timedelta(hours=8)", "timedelta(seconds=20)")
        (self.airflow.dags / "snippet.py").write_text(
            "from datetime import datetime, timedelta\n"
            "from airflow.providers.standard.operators.bash import BashOperator\n"
            "from airflow.sdk import DAG\n"
            + "".join(
                f'\nwith DAG("{dag}", schedule=None, start_date=datetime(2026, 1, 1)):\n'
                + textwrap.indent(text, "    ")
                for dag, text in (("snippet", snippet), ("snippet_with_time_out", short))
            )
        )

    def begin(self, dag, fault=SLOW):
        """A new run of the DAG, into an empty target."""
        self.postgres.make_anew("shop")
        self.source.tell("clear")
        if fault:
            self.source.tell(f"fault {fault}")
        run = DagRun(self.airflow, dag)
        say(f"{dag}: {run.id}")
        return run

    def partitions(self):
        """Done, and all."""
        if not self.postgres.ask("SELECT to_regclass('_migrate.partitions') IS NOT NULL")[0][0]:
            return 0, 0
        return self.postgres.ask("SELECT count(*) FILTER (WHERE state = 'done'), count(*) FROM _migrate.partitions")[0]

    def members(self):
        """The processes that load something now, the leader first; one that no other has joined leads alone."""
        found = self.postgres.ask(
            "SELECT pid FROM _migrate.members WHERE leads OR doing LIKE 'loads%' ORDER BY leads DESC, member_id"
        )
        living = {
            one.pid: one for one in psutil.Process().children(recursive=True)
            if lives(one) and one.name() == "migrate"
        }
        return [living[pid] for (pid,) in found if pid in living] or list(living.values())

    def midway(self, run, processes):
        """Waits until this many processes load, and some partitions are done and many are not."""
        def probe():
            run.must_go_on()
            done, total = self.partitions()
            if not total or done < 3:
                return None
            if done > total * 0.8:
                raise Failure(f"{done} of {total} partitions are done, with {len(self.members())} processes")
            members = self.members()
            return members if len(members) >= processes else None
        members = wait(f"{processes} processes load", 180, probe)
        done, total = self.partitions()
        say(f"{done} of {total} partitions are done by {len(members)} processes")
        return members

    def task_of(self, run, process):
        """The key of the task instance under which a process runs, and the pid of its task's runner."""
        above = {parent.pid for parent in process.parents()}
        def probe():
            for key, task in run.tasks().items():
                if task["state"] == "running" and task["pid"] in above:
                    return key, task["pid"]
            return None
        return wait(f"the task of process {process.pid}", 20, probe)

    def worker_of(self, process):
        """The executor's process that started this one: a child of the scheduler or a Celery worker."""
        names = [name for name in self.programs.running if name.startswith("celery") or name == "scheduler"]
        tops = {self.programs.running[name].pid: name for name in names}
        line = [process, *process.parents()]
        for child, parent in zip(line, line[1:]):
            if parent.pid in tops:
                name = tops[parent.pid]
                return name, (child if name == "scheduler" else parent)
        raise Failure(f"process {process.pid} has no worker above it")

    def mark_failed(self, run, process):
        """Marks the task of a process as failed, and clears it once the process has ended by itself."""
        key, _ = self.task_of(run, process)
        say(f"marking {key} failed")
        run.set_failed(*key)
        wait("the process of a task that was marked failed ends", 30, lambda: not lives(process))
        attempt = run.tasks()[key]["try_number"]
        wait(f"the log of {key} has the outcome `stopped`", 60,
             lambda: '"outcome":"stopped"' in run.log(*key, attempt=attempt))
        self.in_the_middle()
        run.clear(*key)
        return key

    def in_the_middle(self):
        done, total = self.partitions()
        if done >= total:
            raise Failure("nothing was left to load")
        say(f"{done} of {total} partitions are done now")

    def ends_right(self, run, tried_again, tasks=1):
        """The DAG run succeeds, each task returned the result, those of `tried_again` tried more than once."""
        self.source.tell("clear")
        state = wait("the DAG run ends", PATIENCE, run.has_ended)
        found = run.tasks()
        if state != "success" or len(found) != tasks:
            raise Failure(f"the DAG run ended with {state}: " + str({k: t["state"] for k, t in found.items()}))
        for key, task in found.items():
            result = json.loads(run.xcom(*key))
            if (result["command"], result["outcome"], result["exit_code"]) != ("run", "done", 0):
                raise Failure(f"XCom of {key}: {result}")
            if key in tried_again and task["try_number"] < 2:
                raise Failure(f"{key} was not tried again")
        rows = every_row_once(self.source, self.postgres)
        tries = {f"{k[0]}[{k[1]}]": task["try_number"] for k, task in found.items()}
        say(f"done: {rows} rows, each once; XCom of {len(found)} tasks says so; tries: {tries}")


def local_together(stage):
    """Four processes: the leader's worker is killed with all that it started, another task is marked failed."""
    run = stage.begin("move_shop_together")
    leader, *others = stage.midway(run, 3)
    killed, _ = stage.task_of(run, leader)
    say(f"killing the worker of {killed}, which leads")
    kill_tree(stage.worker_of(leader)[1])
    marked = stage.mark_failed(run, others[0])
    stage.ends_right(run, {killed, marked}, tasks=4)


def local_one(stage):
    """One process, whose worker is killed and which lives on: the retry shares its run."""
    run = stage.begin("move_shop", fault=SLOW.replace("2s", "6s"))
    process, = stage.midway(run, 1)
    killed, runner = stage.task_of(run, process)
    say(f"killing the worker of {killed}, but not the process that it started")
    worker = stage.worker_of(process)[1]
    for victim in (worker, psutil.Process(runner)):
        victim.kill()

    def shared():
        run.must_go_on()
        return stage.postgres.ask("SELECT count(*) FROM _migrate.members")[0][0] == 2 and lives(process)
    wait("the retry shares the run", 180, shared)
    stage.in_the_middle()
    stage.ends_right(run, {killed})


def local_snippet(stage):
    """The operator of docs/operations.md: marked failed, cleared, then its process is killed."""
    run = stage.begin("snippet")
    process, = stage.midway(run, 1)
    marked = stage.mark_failed(run, process)
    process = wait("the task runs again", 120, lambda: [m for m in stage.members() if m.pid != process.pid])[0]
    time.sleep(3)
    stage.in_the_middle()
    say("killing the process")
    process.kill()
    stage.ends_right(run, {marked})


def local_time_out(stage):
    """The same operator with a time-out within the load: the process gives back what it has, the retry continues."""
    run = stage.begin("snippet_with_time_out")
    process, = stage.midway(run, 1)
    key, _ = stage.task_of(run, process)
    wait("the process ends after its time-out", 60, lambda: not lives(process))
    outcome = stage.postgres.ask("SELECT outcome FROM _migrate.runs ORDER BY run_id LIMIT 1")[0][0]
    if outcome != "stopped":
        raise Failure(f"the run that timed out is recorded as {outcome}")
    stage.in_the_middle()
    stage.ends_right(run, {key})


def local_by_table(stage):
    """A task for each table: a process is killed in the middle of the second."""
    run = stage.begin("move_shop_by_table")
    def second():
        return run.tasks()[("dbo.Comments", -1)]["state"] == "running" and stage.members()
    process = wait("the second table is loaded", 180, second)[0]
    wait("some of it is done", 60, lambda: stage.partitions()[0] % 100 and stage.postgres.ask(
        "SELECT count(*) > 2 FROM _migrate.partitions WHERE source_table = 'Comments' AND state = 'done'")[0][0])
    stage.in_the_middle()
    say("killing the process of the second table")
    process.kill()
    stage.ends_right(run, {("dbo.Comments", -1)}, tasks=4)


def local_final(stage):
    """A wrong job file fails its task at once: another try would change nothing."""
    stage.write_job("no_such_key: 1\n")
    try:
        run = stage.begin("move_shop", fault=None)
        state = wait("the DAG run ends", PATIENCE, run.has_ended)
        task = run.tasks()[("process", -1)]
        if (state, task["state"], task["try_number"]) != ("failed", "failed", 1):
            raise Failure(f"the DAG run is {state}, its task {task['state']} after {task['try_number']} tries")
        if '"exit_code":2' not in run.log("process", -1, attempt=1):
            raise Failure("the log does not hold the result with exit code 2")
        say("failed at the first try, as it should")
    finally:
        stage.write_job()


def celery_worker(stage, name):
    log = stage.work / f"{name}.log"
    begin = log.stat().st_size if log.exists() else 0
    stage.airflow.run("celery worker", "--celery-hostname", f"{name}@%h", "--skip-serve-logs", name=name)
    def ready():
        stage.programs.must_run(name)
        return " ready." in log.read_text(errors="replace")[begin:]
    wait(f"{name} is ready", 180, ready)


def celery_together(stage):
    """Four processes on two Celery workers: one worker is killed with its tasks, another task is marked failed."""
    run = stage.begin("move_shop_together")
    leader, *others = stage.midway(run, 3)
    name, worker = stage.worker_of(leader)
    killed = {stage.task_of(run, p)[0] for p in (leader, *others) if stage.worker_of(p)[0] == name}
    say(f"killing {name} with {sorted(killed)}")
    kill_tree(worker)
    del stage.programs.running[name]
    living = [process for process in others if lives(process)]
    marked = stage.mark_failed(run, living[0])
    celery_worker(stage, name)
    stage.ends_right(run, {*killed, marked}, tasks=4)


def celery_one(stage):
    """One process: all workers are killed, and one comes back."""
    run = stage.begin("move_shop")
    process, = stage.midway(run, 1)
    killed, _ = stage.task_of(run, process)
    for name in ("celery-1", "celery-2"):
        say(f"killing {name}")
        kill_tree(stage.programs.running.pop(name))
    stage.in_the_middle()
    celery_worker(stage, "celery-1")
    stage.ends_right(run, {killed})


SCENARIOS = {
    "LocalExecutor": [local_together, local_one, local_snippet, local_time_out, local_by_table, local_final],
    "CeleryExecutor": [celery_together, celery_one],
}


def secrets_stay_hidden(stage):
    for file in stage.airflow.logs.rglob("*.log"):
        text = file.read_text(errors="replace")
        for secret in (stage.source.password, stage.postgres.password):
            if secret in text:
                raise Failure(f"{file} holds a password")


def play(stage, wanted):
    manifest.check()
    stage.start()
    played = 0
    for executor, scenarios in SCENARIOS.items():
        scenarios = [one for one in scenarios if not wanted or one.__name__ in wanted]
        if not scenarios:
            continue
        say(f"== {executor}")
        stage.airflow.use(executor)
        if executor == "CeleryExecutor":
            celery_worker(stage, "celery-1")
            celery_worker(stage, "celery-2")
        for scenario in scenarios:
            say(f"-- {scenario.__name__}: {scenario.__doc__}")
            scenario(stage)
            played += 1
    secrets_stay_hidden(stage)
    if not played:
        raise Failure(f"no such scenario: {wanted}")
    return played


def main():
    migrate, standin, *wanted = sys.argv[1:]
    adopt_orphans()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    work = Path(tempfile.mkdtemp(prefix="migrate-airflow."))
    work.chmod(0o755)
    stage = Stage(work, Path(migrate).resolve(), Path(standin).resolve())
    played = 0
    try:
        played = play(stage, wanted)
    except Exception:
        traceback.print_exc()
        keep_logs(work)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stage.postgres.stop()
        end_all()
        shutil.rmtree(work)
    if not played:
        print("FAILED", flush=True)
        sys.exit(1)
    print(f"{played} passed, 0 failed", flush=True)


def keep_logs(work):
    for name in ("scheduler", "api-server", "dag-processor", "standin"):
        file = work / f"{name}.log"
        if file.exists():
            print(f"== the end of {name}.log\n{file.read_text(errors='replace')[-1500:]}", flush=True)
    if folder := os.environ.get("AIRFLOW_TEST_LOGS"):
        shutil.copytree(work, folder, ignore=shutil.ignore_patterns("pg", "bin", "redis.conf"), dirs_exist_ok=True)


if __name__ == "__main__":
    main()
