"""The programs of the test: all on this machine, all ended at the end.

The test adopts what outlives its parent (a task runs in a session of its own), so `end_all` finds every process.
"""

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import psycopg2

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "tests/scripts/cluster.sh"
PR_SET_CHILD_SUBREAPER = 36


class Failure(Exception):
    """What was expected did not come true."""


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def wait(what, seconds, probe, pause=0.5):
    """The first answer of `probe` that is true; a failure after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(pause)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def adopt_orphans():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def lives(process):
    """Whether a process still runs; one that nobody has waited for does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def kill_tree(process):
    """Ends a process and what it started at once, as the loss of its machine does; who started comes first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        victims = [process, *process.children(recursive=True)]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        psutil.wait_procs(victims, timeout=10)


def end_all():
    for _ in range(5):
        children = psutil.Process().children(recursive=True)
        if not children:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(number)
            _, children = psutil.wait_procs(children, timeout=10)
    raise Failure(f"still running: {psutil.Process().children(recursive=True)}")


class Programs:
    """Starts programs that write to files in the work folder, and knows them by name."""

    def __init__(self, work):
        self.work = work
        self.running = {}

    def start(self, name, command, env=None):
        with open(self.work / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.work
            )
        self.running[name] = psutil.Process(process.pid)
        return self.running[name]

    def stop(self, name):
        """Asks, waits, and ends what is left of the program's processes."""
        process = self.running.pop(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            all_of_it = [process, *process.children(recursive=True)]
            process.terminate()
            psutil.wait_procs([process], timeout=30)
            for one in all_of_it:
                kill_tree(one)

    def must_run(self, name):
        if not lives(self.running[name]):
            raise Failure(f"{name} has ended")


class Postgres:
    """A throw-away cluster for Airflow's own database and for the target."""

    def __init__(self, work):
        self.folder = work / "pg"
        self.port = free_port()
        self.user = "migrator"
        self.password = secrets.token_hex(16)

    def start(self):
        env = {**os.environ, "PGPASSWORD": self.password}
        subprocess.run(
            [CLUSTER, "start", self.folder, str(self.port), self.user],
            env=env, check=True, timeout=120, stdin=subprocess.DEVNULL,
        )

    def stop(self):
        subprocess.run([CLUSTER, "stop", self.folder], check=True, timeout=60)

    def connect(self, database):
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=self.password,
            dbname=database, connect_timeout=10,
        )
        connection.autocommit = True
        return contextlib.closing(connection)

    def ask(self, sql, database="shop"):
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def make_anew(self, database):
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0")


class Source:
    """The stand-in SQL Server with the sample database."""

    def __init__(self, programs, binary, rows):
        self.programs, self.binary, self.rows = programs, binary, rows
        self.port, self.admin = free_port(), free_port()
        self.user, self.password = "sa", f"Aa1-{secrets.token_hex(16)}"

    def start(self):
        address = self.programs.work / "address"
        self.programs.start(
            "standin",
            [self.binary, "--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}",
             "--user", self.user, "--database", "Shop", "--sample", f"stackoverflow:{self.rows}",
             "--address-out", address],
            {**os.environ, "STANDIN_PASSWORD": self.password},
        )
        wait("the stand-in listens", 120, lambda: address.exists() and listens(self.port))

    def tell(self, line):
        """One line to the admin port, and its answer."""
        with socket.create_connection(("127.0.0.1", self.admin), 10) as connection:
            connection.sendall(f"{line}\n".encode())
            return connection.makefile().readline()


class Redis:
    def __init__(self, programs):
        self.programs = programs
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self):
        settings = self.programs.work / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            f"save \"\"\nappendonly no\ndir {self.programs.work}\n"
        )
        self.programs.start("redis", ["redis-server", settings])
        wait("Redis listens", 30, lambda: listens(self.port))
