"""Runs log-sentinel as people do, as a process of its own, and looks at it from outside: output, HTTP, database.

Waiting is for something to be true, with a deadline, and ends at once when the process has died. Whatever a process
prints is kept, and no secret of the settings may be in it: those that these tests set are looked for.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.delivery.slack_api import TOKEN
from tests.delivery.smtp_server import PASSWORD
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

CANARY = "c4n4ry-d0-n0t-pr1nt"
# When the logs of these tests begin, by the times in them.
BEGAN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PROGRAM = Path(sys.executable).with_name("log-sentinel")
PATIENCE_SECONDS = 30.0
LOOKS_EVERY_SECONDS = 0.05


class Daemon:
    """`log-sentinel run`, or another `command`, started. `said` are its lines of stdout and stderr as they came."""

    def __init__(
        self, settings: Path, environ: dict[str, str] | None = None, command: tuple[str, ...] | None = None
    ) -> None:
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [PROGRAM, *(command or ("run", "--config", str(settings)))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=settings.parent,
            env=environment(environ),
        )
        self._readers = [
            threading.Thread(target=self._listen, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged, as the objects it wrote."""
        return [json.loads(line) for line in list(self.said) if line.startswith("{")]

    def wait_until(self, look: Callable[[], T | None], what: str, within: float = PATIENCE_SECONDS) -> T:
        """What `look` gives as soon as that is true. Fails with all the daemon said when it is not, or when it died."""
        return wait_until(look, what, within, give_up=self._last_words)

    def says(self, text: str, within: float = PATIENCE_SECONDS) -> str:
        """The first line with `text` in it, once there is one."""
        return self.wait_until(
            lambda: next((line for line in list(self.said) if text in line), None), f'"{text}"', within
        )

    def stop(self, number: int = signal.SIGTERM, within: float = 15.0) -> int:
        """Its exit code after the signal. All it ever said is free of secrets."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {within} s after signal {number}\n{self.all_said}") from None
        self._let_go()
        assert_no_secret_in(self.all_said)
        return code

    def kill(self) -> None:
        """Ends it whatever it does, without a judgement."""
        self.process.kill()
        self.process.wait()
        self._let_go()

    @property
    def all_said(self) -> str:
        return "\n".join(self.said)

    def _let_go(self) -> None:
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _listen(self, stream: Any) -> None:
        self.said.extend(line.rstrip("\n") for line in stream)

    def _last_words(self) -> str | None:
        code = self.process.poll()
        return None if code is None else f"it ended with {code}\n{self.all_said}"


@contextmanager
def a_daemon(settings: Path, environ: dict[str, str] | None = None) -> Iterator[Daemon]:
    """Runs until the block ends, then must stop as asked. A test that stops it by itself says how it wants it."""
    daemon = Daemon(settings, environ)
    try:
        yield daemon
    except BaseException:
        daemon.kill()
        sys.stderr.write(daemon.all_said)  # pytest shows it with the failure
        raise
    else:
        if daemon.process.returncode is None:
            # until its handlers are there, a signal ends it as it ends any program
            daemon.says("watching")
            code = daemon.stop()
            assert code == 0, daemon.all_said


def run(*arguments: object, cwd: Path, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Another command of log-sentinel, to its end."""
    ran = subprocess.run(
        [PROGRAM, *map(str, arguments)], cwd=cwd, env=environment(environ), capture_output=True, text=True, check=False
    )
    assert_no_secret_in(ran.stdout + ran.stderr)
    return ran


def assert_no_secret_in(said: str) -> None:
    for secret in (CANARY, TOKEN, PASSWORD):
        assert secret not in said


def environment(more: dict[str, str] | None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOG_SENTINEL")}
    return clean | (more or {})


def wait_until(
    look: Callable[[], T | None],
    what: str,
    within: float = PATIENCE_SECONDS,
    give_up: Callable[[], str | None] = lambda: None,
) -> T:
    """Looks again and again until there is something, `give_up` says why there will be nothing, or time is up."""
    pause = threading.Event()
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        why = give_up()
        if why is not None:
            raise AssertionError(f"waited for {what}, but {why}")
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within} s for {what}; last seen: {found!r}")
        pause.wait(LOOKS_EVERY_SECONDS)


def settings_file(folder: Path, text: str, *, url: str, listen: str | None = None) -> Path:
    """log-sentinel.toml in `folder`, with the database `url` and the web endpoints on a free port."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "log-sentinel.toml"
    listen = listen or f"127.0.0.1:{free_port()}"
    path.write_text(
        f'instance = "edge-1"\n[database]\nurl = "{url}"\n[web]\nlisten = "{listen}"\n[detection]\nevery = "1s"\n{text}'
    )
    return path


def health(settings: Path) -> tuple[int, dict[str, Any]]:
    """The status and the body of /healthz; (0, {}) while nobody listens."""
    listen = next(line.split('"')[1] for line in settings.read_text().splitlines() if line.startswith("listen"))
    host, _, port = listen.rpartition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            return 0, {}


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What the database holds, asked past log-sentinel; [] while its tables are not there yet."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []
    import psycopg

    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        try:
            return connection.execute(query.encode()).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


def number(url: str, query: str) -> int:
    """The one number that `query` gives; 0 for null and while there are no tables."""
    found = rows(url, query)
    return int(found[0][0] or 0) if found else 0
