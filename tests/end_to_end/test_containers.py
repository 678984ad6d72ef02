"""Logs of containers, written and rotated as their runtimes do, into the running daemon that is killed now and then."""

from __future__ import annotations

import gzip
import json
import signal
import threading
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.numbered_log import NumberedLog
from tests.end_to_end.running import BEGAN, a_daemon, number, rows, run, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = 30_000
# Docker cuts at 16 KiB; smaller pieces meet more ends of files and batches
PIECE = 64


class Container:
    """Writes lines to stdout, and noise to stderr between their pieces, into `path` as its runtime does."""

    def __init__(self, path: Path, runtime: str, seed: int) -> None:
        self.path = path
        self._runtime = runtime
        self._chance = Random(seed)
        self._rotated = 0

    def entry(self, text: str, stream: str, *, last: bool) -> bytes:
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self._runtime == "cri":
            return f"{time} {stream} {'F' if last else 'P'} {text}\n".encode()
        log = text + ("\n" if last else "")
        return json.dumps({"log": log, "stream": stream, "time": time}, separators=(",", ":")).encode() + b"\n"

    def entries(self, line: str) -> Iterator[bytes]:
        cut = self._chance.random() < 0.3
        pieces = [line[at : at + PIECE] for at in range(0, len(line), PIECE)] if cut else [line]
        for part, piece in enumerate(pieces):
            if self._chance.random() < 0.05:
                yield self.entry("some error", "stderr", last=True)
            yield self.entry(piece, "stdout", last=part == len(pieces) - 1)

    def write(self, lines: list[str]) -> None:
        """Appends `lines`, entry by entry."""
        with self.path.open("ab", buffering=0) as file:
            file.write(b"".join(entry for line in lines for entry in self.entries(line)))

    def rotate(self) -> None:
        """Renames; what was renamed before is packed, as the kubelet does it, or moves up, as Docker does."""
        self._rotated += 1
        if self._runtime == "cri":
            for older in self.path.parent.glob(f"{self.path.name}.*[0-9]"):
                packed = older.with_name(older.name + ".tmp")
                packed.write_bytes(gzip.compress(older.read_bytes()))
                packed.rename(older.with_name(older.name + ".gz"))
                older.unlink()
            self.path.rename(self.path.with_name(f"{self.path.name}.20261124-10{self._rotated:02}00"))
        else:
            for place in range(self._rotated - 1, 0, -1):
                self.path.with_name(f"{self.path.name}.{place}").rename(
                    self.path.with_name(f"{self.path.name}.{place + 1}")
                )
            self.path.rename(self.path.with_name(f"{self.path.name}.1"))


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("runtime", "name"), [("docker", "abc-json.log"), ("cri", "0.log")])
def test_every_line_of_a_container_is_stored_once_through_rotations_and_kills(
    runtime: str, name: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    (tmp_path / "pod").mkdir()
    plain = NumberedLog(tmp_path / "plain.log", 11, BEGAN)
    plain.write(LINES)
    lines = plain.path.read_text().splitlines()
    container = Container(tmp_path / "pod" / name, runtime, 11)
    container.path.touch()
    settings = settings_file(
        tmp_path / "etc",
        f'[sources.pod]\npath = "{tmp_path}/pod/*.log"\nstream = "stdout"\nstart = "beginning"\nhold_rotated = "1s"\n',
        url=url,
    )
    with a_daemon(settings) as daemon:
        container.write(lines[:100])
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") == 100, "the first lines")
    pause, over = threading.Event(), threading.Event()

    def write() -> None:
        for first in range(100, LINES, 100):
            container.write(lines[first : first + 100])
            if first % 6000 == 0:
                container.rotate()
            pause.wait(0.01)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set():
        before = number(url, "select sum(n) from traffic")
        with a_daemon(settings) as daemon:
            daemon.wait_until(
                lambda before=before: over.is_set() or number(url, "select sum(n) from traffic") > before + 4000,  # type: ignore[misc]
                "some to be stored",
            )
            assert -signal.SIGKILL == daemon.stop(signal.SIGKILL)
    writer.join()
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") >= LINES, "all requests")
    assert LINES == number(url, "select sum(n) from traffic")
    stored = [(int(path.rpartition("/")[2]), status) for path, status in rows(url, "select path, status from denials")]
    assert plain.expected.denied == sorted(stored)
    assert [] == rows(url, "select reason, n from reject_counts")


def test_what_kong_writes_to_stderr_explains_what_it_writes_to_stdout(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    container = Container(tmp_path / "0.log", "cri", 1)
    container.path.touch()
    settings = settings_file(
        tmp_path / "etc",
        f'[sources.pod]\npath = "{container.path}"\nerror_log = "{container.path}"\n'
        'stream = "stdout"\nstart = "beginning"\n',
        url=url,
    )
    access = '192.0.2.1 - - [24/Nov/2026:10:00:00 +0000] "GET /admin HTTP/1.1" 403 153 "-" "curl/8.5.0"'
    error = (
        "2026/11/24 10:00:00 [error] 7#7: *1 access forbidden by rule, client: 192.0.2.1, server: , "
        'request: "GET /admin HTTP/1.1", host: "edge"'
    )
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        with container.path.open("ab") as file:
            file.write(container.entry(error, "stderr", last=True) + container.entry(access, "stdout", last=True))
        daemon.wait_until(
            lambda: (
                rows(url, "select cause from denials") == [("ip_restriction",)]
                or rows(url, "select cause from denials where cause <> 'unknown'")
            ),
            "the cause",
        )
    assert [] == rows(url, "select reason, n from reject_counts")


def test_the_format_inside_the_envelopes_is_told_and_the_past_read(tmp_path: Path) -> None:
    container = Container(tmp_path / "0.log", "docker", 3)
    plain = NumberedLog(tmp_path / "plain.log", 3, BEGAN)
    plain.write(1000)
    container.write(plain.path.read_text().splitlines())
    settings = settings_file(tmp_path / "etc", "", url=f"sqlite:///{tmp_path / 'sentinel.db'}")
    told = run("formats", "detect", container.path, "--output", "json", cwd=tmp_path)
    assert "combined" in json.loads(told.stdout)[0]["format"]
    for _ in range(2):
        assert 0 == run("ingest", container.path, "--config", settings, cwd=tmp_path).returncode
        assert 1000 == number(f"sqlite:///{tmp_path / 'sentinel.db'}", "select sum(n) from traffic")
