"""Airflow itself: its settings, its programs, and its REST API."""

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from servers import Failure, free_port, say, wait

AIRFLOW = Path(sys.executable).parent / "airflow"
ENDED = {"success", "failed"}


class Airflow:
    def __init__(self, programs, postgres, redis, more_env):
        self.programs = programs
        self.port = free_port()
        home = programs.work / "airflow"
        self.dags, self.logs = home / "dags", home / "logs"
        self.dags.mkdir(parents=True)
        database = f"{postgres.user}:{postgres.password}@127.0.0.1:{postgres.port}/airflow"
        settings = {
            "core": {
                "dags_folder": self.dags,
                "load_examples": False,
                "dags_are_paused_at_creation": False,
                "parallelism": 4,
                "execution_api_server_url": f"http://127.0.0.1:{self.port}/execution/",
                # No sign-in: the server listens on this machine for the time of the test.
                "simple_auth_manager_all_admins": True,
                "internal_api_secret_key": secrets.token_hex(16),
            },
            "database": {"sql_alchemy_conn": f"postgresql+psycopg2://{database}"},
            "api": {"host": "127.0.0.1", "port": self.port, "workers": 1, "secret_key": secrets.token_hex(16)},
            "api_auth": {"jwt_secret": secrets.token_hex(32)},
            "logging": {"base_log_folder": self.logs},
            # A worker that was killed is missed after twenty seconds instead of five minutes.
            "scheduler": {
                "task_instance_heartbeat_sec": 2,
                "task_instance_heartbeat_timeout": 20,
                "task_instance_heartbeat_timeout_detection_interval": 2,
            },
            # Patient, because a small machine may have others at work.
            "workers": {"min_heartbeat_interval": 2, "execution_api_timeout": 60},
            "celery": {
                "broker_url": redis.url,
                "result_backend": f"db+postgresql+psycopg2://{database}",
                "worker_concurrency": 2,
                "worker_enable_remote_control": False,
            },
            # The DAGs do not change.
            "dag_processor": {"min_file_process_interval": 3600},
            "usage_data_collection": {"enabled": False},
        }
        self.env = {
            **os.environ,
            **more_env,
            "AIRFLOW_HOME": str(home),
            "PATH": f"{AIRFLOW.parent}:{more_env['PATH']}",
            "NO_PROXY": "*",
        }
        for section, keys in settings.items():
            for key, value in keys.items():
                self.env[f"AIRFLOW__{section}__{key}".upper()] = str(value)

    def start(self):
        say("making Airflow's database")
        subprocess.run(
            [AIRFLOW, "db", "migrate"], env=self.env, check=True, timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.run("api-server")
        self.run("dag-processor")
        wait("Airflow's API answers", 180, self.is_up)

    def run(self, what, *more, name=None, executor=None):
        env = {**self.env, "AIRFLOW__CORE__EXECUTOR": executor} if executor else self.env
        return self.programs.start(name or what, [AIRFLOW, *what.split(), *more], env)

    def use(self, executor):
        """Starts the scheduler with this executor, after the end of one that ran before."""
        if "scheduler" in self.programs.running:
            self.programs.stop("scheduler")
        return self.run("scheduler", executor=executor)

    def is_up(self):
        self.programs.must_run("api-server")
        try:
            return self.call("GET", "/monitor/health")["metadatabase"]["status"] == "healthy"
        except (OSError, Failure):
            return False

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error

    def knows(self, dag):
        errors = self.call("GET", "/importErrors")["import_errors"]
        if errors:
            raise Failure(errors[0]["stack_trace"])
        try:
            return not self.call("GET", f"/dags/{dag}")["is_stale"]
        except Failure:
            return False


class DagRun:
    """One run of a DAG, as the REST API shows it."""

    def __init__(self, airflow, dag):
        self.airflow, self.dag = airflow, dag
        wait(f"Airflow knows the DAG {dag}", 120, lambda: airflow.knows(dag))
        self.id = airflow.call("POST", f"/dags/{dag}/dagRuns", {"logical_date": None})["dag_run_id"]
        self.path = f"/dags/{dag}/dagRuns/{quote(self.id, safe='')}"

    def tasks(self):
        """All task instances, by task and map index."""
        found = self.airflow.call("GET", f"{self.path}/taskInstances")["task_instances"]
        return {(task["task_id"], task["map_index"]): task for task in found}

    def state(self):
        return self.airflow.call("GET", self.path)["state"]

    def has_ended(self):
        state = self.state()
        return state if state in ENDED else None

    def must_go_on(self):
        if state := self.has_ended():
            states = {key: task["state"] for key, task in self.tasks().items()}
            raise Failure(f"the DAG run ended with {state} already: {states}")

    def set_failed(self, task, index):
        where = f"{self.path}/taskInstances/{task}" + (f"/{index}" if index >= 0 else "")
        self.airflow.call("PATCH", f"{where}?update_mask=new_state", {"new_state": "failed"})

    def clear(self, task, index):
        self.airflow.call(
            "POST", f"/dags/{self.dag}/clearTaskInstances",
            {"dry_run": False, "dag_run_id": self.id, "only_failed": True, "reset_dag_runs": True,
             "task_ids": [[task, index] if index >= 0 else task]},
        )

    def xcom(self, task, index):
        """What the task returned."""
        where = f"{self.path}/taskInstances/{task}/xcomEntries/return_value?map_index={index}"
        return self.airflow.call("GET", where)["value"]

    def log(self, task, index, attempt):
        """What was said in one try of a task; Airflow keeps a line of JSON for each line."""
        place = f"dag_id={self.dag}/run_id={self.id}/task_id={task}"
        place += f"/map_index={index}" if index >= 0 else ""
        file = self.airflow.logs / place / f"attempt={attempt}.log"
        return "\n".join(str(json.loads(line)["event"]) for line in file.read_text().splitlines())
