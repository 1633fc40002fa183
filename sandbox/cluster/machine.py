"""Containers without Docker: each service is a process with a folder and ports of its own, on loopback, gone with us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sandbox.cluster.topology import ROOT, Service
from sandbox.demo.airflow_server import DemoFailed
from sandbox.demo.steering import free_port

ENTRYPOINT = ROOT / "deploy" / "entrypoint.py"
POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
MISSING = """{what} is missing. On Debian:
  apt-get install --no-install-recommends postgresql redis-server"""


def programs() -> tuple[Path, Path]:
    """The folder of PostgreSQL's programs, and Redis."""
    redis = shutil.which("redis-server")
    if not POSTGRES_FOLDERS or not redis:
        raise DemoFailed(MISSING.format(what="redis-server" if POSTGRES_FOLDERS else "PostgreSQL"))
    return POSTGRES_FOLDERS[-1], Path(redis)


class Part:
    """One container's worth of processes."""

    def __init__(self, name: str, *, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.log = folder.parent / "logs" / f"{name}.log"
        folder.mkdir(parents=True)
        self.log.parent.mkdir(exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self._sessions: set[int] = set()

    def start(self, command: Sequence[str], env: Mapping[str, str], *, user: str | None = None) -> None:
        self._again = (list(command), dict(env), user)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=dict(env),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                user=user,
            )
        self._sessions = {self.process.pid}

    def restart(self) -> None:
        """What `restart: unless-stopped` does."""
        command, env, user = self._again
        self.start(command, env, user=user)

    def wait(self, *, seconds: float) -> None:
        assert self.process
        if self.process.wait(seconds):
            raise DemoFailed(f"{self.name} ended with {self.process.returncode}; see {self.log}")

    def ids(self) -> list[int]:
        """Every process that is a part of it now: what it began, and what that began, also in sessions of their own."""
        everybody = {row[0]: row for row in map(_numbers, Path("/proc").glob("[0-9]*/stat")) if row}
        found: set[int] = set()
        while True:
            more = {
                number
                for number, parent, session in everybody.values()
                if session in self._sessions or parent in found or number in self._sessions
            }
            self._sessions |= {everybody[number][2] for number in more}
            if more <= found:
                return sorted(found)
            found |= more

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> int:
        """All of it at once, as a machine that loses its power. The answer is how many processes that were."""
        ended = self.ids()
        for number in ended:
            try:
                os.kill(number, sign)
            except ProcessLookupError:
                continue
        return len(ended)

    def stop(self, *, seconds: float = 15, sign: signal.Signals = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        while self.kill():
            time.sleep(0.1)
        if self.process:
            self.process.wait(5)


def _numbers(stat: Path) -> tuple[int, int, int] | None:
    """A process, its parent and its session."""
    try:
        # The name in parentheses may hold anything.
        said = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(stat.parent.name), int(said[1]), int(said[3])


class Postgres(Part):
    """A server with the owner, password and database that its service names, as the image makes them."""

    def __init__(self, service: Service, *, folder: Path) -> None:
        super().__init__(service.name, folder=folder)
        self.programs, _ = programs()
        self.user = "nobody" if os.geteuid() == 0 else None
        self.port, self._said = free_port(), service.environment

    def begin(self) -> None:
        data, word = self.folder / "data", self.folder / "password"
        word.write_text(self._said["POSTGRES_PASSWORD"])
        data.mkdir()
        for each in (data, word):
            each.chmod(0o700)
            if self.user:
                # PostgreSQL refuses to run as root.
                shutil.chown(each, self.user)
        owner = self._said["POSTGRES_USER"]
        self._run(
            "initdb", "-D", str(data), f"--username={owner}", f"--pwfile={word}", "--auth=scram-sha-256", "--encoding=UTF8"
        )
        word.unlink()
        self.up()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", owner, self._said["POSTGRES_DB"])

    def up(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=120".split()
        self.start([str(self.programs / "postgres"), "-D", str(self.folder / "data"), *settings], self._env(), user=self.user)
        for _ in range(200):
            ready = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise DemoFailed(f"{self.name} did not start; see {self.log}")

    def down(self) -> None:
        """At once, whoever is connected, as `docker compose restart` does after its grace."""
        self.stop(sign=signal.SIGINT)

    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PGPASSWORD": self._said["POSTGRES_PASSWORD"]}

    def _run(self, program: str, *arguments: str) -> None:
        with self.log.open("ab") as output:
            command = [str(self.programs / program), *arguments]
            done = subprocess.run(
                command, env=self._env(), user=self.user, cwd=self.folder, stdout=output, stderr=output, check=False
            )
        if done.returncode:
            raise DemoFailed(f"{program} of {self.name} failed; see {self.log}")


class Redis(Part):
    def __init__(self, service: Service, *, folder: Path) -> None:
        super().__init__(service.name, folder=folder)
        self.port, self._service = free_port(), service

    def begin(self) -> None:
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.start([*self._service.command, *own], {"PATH": os.environ["PATH"]})


def airflow_command(service: Service) -> list[str]:
    """As the image's own entrypoint reads it: what is no other program is a word of Airflow's command line."""
    first, *rest = service.command
    if first == "bash":
        return [sys.executable, str(ENTRYPOINT), "bash", *(word.replace("/opt/airflow", str(ROOT)) for word in rest)]
    return [sys.executable, str(ENTRYPOINT), "airflow", first, *rest]
