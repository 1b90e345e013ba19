"""The two servers of a measurement: a source that speaks TDS and a throw-away PostgreSQL."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import measure
import postgres

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/standin/clients"))
import drain  # noqa: E402  (the stand-in's own client, which reads and looks at nothing)

# Of a server that loads: no standby, so whole tables may skip the log; nothing in the background.
TUNED = {
    "shared_buffers": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "512MB",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "fsync": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "100",
}
# As initdb leaves it.
UNTUNED = {}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Source:
    """A server that speaks TDS; `pid` is `None` where its process is not on this machine."""

    name = "source"

    def __init__(self, host, port, user, password, database, pid):
        self.host, self.port, self.user, self.password = host, port, user, password
        self.database, self.pid = database, pid

    def cpu(self):
        return measure.cpu_of_tree(self.pid) if self.pid else 0.0

    def read(self, batch, packet_size=32767):
        """Reads a batch's whole answer with a client that looks at nothing; rows of the last result."""
        with socket.create_connection((self.host, self.port)) as connection:
            reader = drain.Reader(connection)
            connection.sendall(drain.message(drain.PRELOGIN, drain.prelogin()))
            reader.drain()
            login = drain.login7(self.user, self.password, self.database, packet_size)
            connection.sendall(drain.message(drain.LOGIN7, login))
            reader.drain()
            # A server may refuse statements that read many rows to sessions that do not lift the limit.
            drain.run(connection, reader, "SET QUERY_GOVERNOR_COST_LIMIT 0")
            return drain.run(connection, reader, batch)[0]


class Standin(Source):
    """The stand-in of the tests as a process of its own."""

    name = "stand-in"

    def __init__(self, folder, program, database, *arguments, admin=False):
        password = "Aa1-" + secrets.token_hex(8)
        address = folder / f"address-{secrets.token_hex(4)}"
        self.log = open(folder / "standin.log", "a+")
        command = [program, "--listen", "127.0.0.1:0", "--address-out", address]
        command += ["--database", database, *arguments]
        self.admin = free_port() if admin else None
        if admin:
            command += ["--admin", f"127.0.0.1:{self.admin}"]
        self.process = subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, "STANDIN_PASSWORD": password},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        try:
            self._wait_for(address)
        except BaseException:
            # A signal while it fills its tables: nobody else knows of it yet.
            self.process.kill()
            raise
        port = int(address.read_text().strip().rsplit(":", 1)[1])
        super().__init__("127.0.0.1", port, "sa", password, database, self.process.pid)

    def _wait_for(self, address):
        while not (address.exists() and address.read_text().strip()):
            if self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(f"the stand-in ended: {self.log.read()[-2000:]}")
            time.sleep(0.05)

    def ask(self, command):
        """One line to the admin port, and the line that comes back."""
        with socket.create_connection(("127.0.0.1", self.admin)) as connection:
            connection.sendall(f"{command}\n".encode())
            with connection.makefile() as lines:
                answer = lines.readline().strip()
        if answer.startswith("error"):
            raise SystemExit(f"the stand-in does not know {command!r}: {answer}")
        return answer

    def told(self, command):
        return json.loads(self.ask(command))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Foreign(Source):
    """The server named in MIGRATE_TEST_MSSQL, `mssql://user:password@host:port/database`."""

    name = "foreign server"

    def __init__(self, url):
        match = re.fullmatch(r"mssql://([^:]+):(.*)@([^:/]+):(\d+)(?:/(.+))?", url)
        if not match:
            raise SystemExit("MIGRATE_TEST_MSSQL must be mssql://user:password@host:port/database")
        user, password, host, port, database = match.groups()
        local = host in ("127.0.0.1", "localhost", "::1")
        pid = measure.listener_on(int(port)) if local else None
        if not database:
            raise SystemExit("MIGRATE_TEST_MSSQL must name the database with Votes, Comments and Posts")
        super().__init__(host, int(port), unquote(user), unquote(password), database, pid)

    def stop(self):
        pass


class Cluster:
    """A throw-away PostgreSQL with settings of its own."""

    def __init__(self, folder, name, settings, certificate=None):
        self.folder, self.name, self.settings = folder / name, name, dict(settings)
        self.user, self.password = "bench", secrets.token_hex(12)
        self.port = free_port()
        if certificate:
            self.settings |= certificate
        words = [f"{key}={value}" for key, value in self.settings.items()]
        self._script("start", self.folder, self.port, self.user, *(words or ["listen_addresses=127.0.0.1"]))
        self.pid = int((self.folder / "data/postmaster.pid").read_text().split()[0])

    def _script(self, *words):
        environment = {**os.environ, "PGPASSWORD": self.password}
        command = [str(ROOT / "tests/scripts/cluster.sh"), *map(str, words)]
        subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)

    def stop(self):
        self._script("stop", self.folder)

    def cpu(self):
        return measure.cpu_of_tree(self.pid)

    def connect(self, database="postgres"):
        return postgres.Connection("127.0.0.1", self.port, self.user, self.password, database)

    def fresh(self, database):
        """An empty database, with nothing left to write of what was there before."""
        with self.connect() as connection:
            connection.query(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            connection.query(f"CREATE DATABASE {database}")
            connection.query("CHECKPOINT")

    def come_to_rest(self, database):
        """Waits until no client is left, so that all they took is accounted for."""
        asked = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        with self.connect() as connection:
            for _ in range(200):
                if connection.value(asked) == "0":
                    break
                time.sleep(0.01)
        time.sleep(0.05)
