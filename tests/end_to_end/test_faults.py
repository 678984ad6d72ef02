"""What goes wrong around the daemon: it says so plainly, goes on with the rest, and takes up what comes back."""

from __future__ import annotations

import os
import signal
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import log_sentinel
from tests.end_to_end.numbered_log import NumberedLog
from tests.end_to_end.running import BEGAN, CANARY, Daemon, a_daemon, health, number, rows, run, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.store.postgres_server import PostgresServer

# More lines than are read before somebody can ask to stop.
LARGE = 200_000
SOURCE = '[sources.{name}]\npath = "{path}"\nformat = "nginx-combined"\nstart = "beginning"\n'


def requests(url: str, source: str) -> int:
    return number(url, f"select sum(n) from traffic where source = '{source}'")


def says(settings: Path, part: str) -> str:
    """What /healthz says of a part, and what to do about it."""
    _, body = health(settings)
    return " ".join(f"{one['says']} {one['todo']}" for one in body.get("parts", ()) if one["name"] == part)


def a_log(path: Path, lines: int = 100) -> NumberedLog:
    log = NumberedLog(path, seed=lines, began=BEGAN)
    log.write(lines)
    return log


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sentinel.db"


def missing(path: Path) -> None:
    """Nothing is there."""


def a_folder(path: Path) -> None:
    path.mkdir()


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def binary(path: Path) -> None:
    """Records of numbers, as in a wtmp."""
    path.write_bytes(b"".join(struct.pack("<iiqq", number, 7, 1_795_491_213, 0) for number in range(5000)))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


BAD: dict[Callable[[Path], None], str] = {
    missing: "no such file",
    a_folder: "director",
    a_loop: "symbolic links",
    a_pipe: "named pipe",
    binary: "binary",
}


def test_files_that_cannot_be_read_are_said_and_the_other_sources_go_on(url: str, tmp_path: Path) -> None:
    good = a_log(tmp_path / "good.log")
    sources = SOURCE.format(name="good", path=good.path)
    for make in BAD:
        path = tmp_path / f"{make.__name__}.log"
        make(path)
        sources += SOURCE.format(name=make.__name__, path=path)
    settings = settings_file(tmp_path / "etc", sources, url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: requests(url, "good") == 100, "the good source's lines")
        for make, words in BAD.items():
            name = make.__name__
            daemon.wait_until(partial(is_said, settings, f"source {name}", words), f'"{words}" of {name}')
            assert f"{tmp_path}/{name}.log" in says(settings, f"source {name}")


def is_said(settings: Path, part: str, words: str) -> bool:
    return words in says(settings, part).lower()


def test_a_file_that_appears_is_read_from_its_beginning(url: str, tmp_path: Path) -> None:
    path = tmp_path / "later" / "access.log"
    settings = settings_file(tmp_path / "etc", SOURCE.format(name="edge", path=path), url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: says(settings, "source edge"), "the missing file to be told")
        path.parent.mkdir()
        a_log(path)
        daemon.wait_until(lambda: requests(url, "edge") == 100, "its lines")
        daemon.wait_until(lambda: "no such file" not in says(settings, "source edge"), "the problem to be over")


def test_an_empty_file_is_no_problem_and_is_read_when_it_grows(url: str, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.touch()
    settings = settings_file(tmp_path / "etc", SOURCE.format(name="edge", path=path), url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: health(settings)[0] == 200, "good health")
        a_log(path)
        daemon.wait_until(lambda: requests(url, "edge") == 100, "its lines")


def test_a_line_that_is_none_is_counted_and_kept_to_look_at(url: str, tmp_path: Path) -> None:
    log = a_log(tmp_path / "access.log", 50)
    with log.path.open("ab") as file:
        file.write(b"this is no access log line\n\x16\x03\x01\x02\n")
    log.write(50)
    settings = settings_file(tmp_path / "etc", SOURCE.format(name="edge", path=log.path), url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: requests(url, "edge") == 100, "the lines around it")
    assert number(url, "select sum(n) from reject_counts") == 2
    samples = [sample for (sample,) in rows(url, "select sample from rejects order by id")]
    assert "this is no access log line" in samples[0]


def test_a_port_in_use_is_said_with_what_to_do(url: str, tmp_path: Path) -> None:
    log = a_log(tmp_path / "access.log")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = settings_file(
            tmp_path / "etc", SOURCE.format(name="edge", path=log.path), url=url, listen=f"127.0.0.1:{port}"
        )
        refused = run("run", "--config", settings, cwd=tmp_path)
    assert refused.returncode == 1
    assert f"port {port} is in use" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_second_daemon_on_the_same_database_is_refused_and_told_who_has_it(url: str, tmp_path: Path) -> None:
    log = a_log(tmp_path / "access.log")
    text = SOURCE.format(name="edge", path=log.path)
    first = settings_file(tmp_path / "first", text, url=url)
    second = settings_file(tmp_path / "second", text, url=url)
    with a_daemon(first) as daemon:
        daemon.wait_until(lambda: requests(url, "edge") == 100, "the first to work")
        for command in (("run", "--config", second), ("ingest", log.path, "--config", second)):
            refused = run(*command, cwd=tmp_path)
            assert refused.returncode == 75, refused.stderr
            assert str(daemon.process.pid) in refused.stderr


def test_every_mistake_in_the_settings_is_said_at_once_and_the_exit_code_is_78(tmp_path: Path, url: str) -> None:
    settings = settings_file(
        tmp_path,
        f'[sources.edge]\npath = "x.log"\nfromat = "nginx-combined"\n'
        f'[channels.ops]\ntype = "slak"\ntoken = "{CANARY}"\n'
        f'[channels.mail]\ntype = "email"\nhost = "h"\npassword = "{CANARY}"\n',
        url=url,
    )
    refused = run("run", "--config", settings, cwd=tmp_path)
    assert refused.returncode == 78
    for said in ("sources.edge", '"format"', "channels.ops", '"slack"', "channels.mail"):
        assert said in refused.stderr


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this test's own, to be stopped without harm to the others."""
    from tests.store.postgres_server import PostgresServer

    server = PostgresServer()
    yield server
    server.close()


def test_a_database_that_goes_away_is_waited_for_and_no_line_is_lost(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = own_postgres.url(own_postgres.new_database())
    log = a_log(tmp_path / "access.log")
    settings = settings_file(tmp_path / "etc", SOURCE.format(name="edge", path=log.path), url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: requests(url, "edge") == 100, "the first lines")
        own_postgres.stop()
        log.write(300)
        status, _ = daemon.wait_until(
            lambda: found if (found := health(settings))[0] == 503 else None, "the daemon to say that it waits"
        )
        assert status == 503
        own_postgres.start()
        daemon.wait_until(lambda: requests(url, "edge") == 400, "the lines written meanwhile", within=60)
        daemon.wait_until(lambda: health(settings)[0] == 200, "good health")
    assert sorted(int(path[-9:]) for (path,) in rows(url, "select path from denials")) == [
        line for line, _ in log.expected.denied
    ]


def test_a_database_that_is_away_at_the_start_is_try_again_later(own_postgres: PostgresServer, tmp_path: Path) -> None:
    url = own_postgres.url(own_postgres.new_database())
    log = a_log(tmp_path / "access.log")
    own_postgres.stop()
    settings = settings_file(tmp_path / "etc", SOURCE.format(name="edge", path=log.path), url=url)
    daemon = Daemon(settings)
    try:
        code = daemon.process.wait(20)
    finally:
        daemon.stop(signal.SIGKILL)
    assert code == 75, daemon.all_said
    own_postgres.start()
    with a_daemon(settings) as again:
        again.wait_until(lambda: requests(url, "edge") == 100, "the lines")


def test_a_password_of_the_database_is_in_no_message(tmp_path: Path) -> None:
    log = a_log(tmp_path / "access.log")
    url = f"postgresql+psycopg://sentinel:{CANARY}@127.0.0.1:1/sentinel"
    settings = settings_file(tmp_path, SOURCE.format(name="edge", path=log.path), url=url)
    # raises when the password is in what it prints
    assert "Traceback" not in run("run", "--config", settings, cwd=tmp_path).stderr
    for command in (
        ("ingest", log.path, "--config", settings),
        ("db", "current", "--config", settings),
        ("db", "upgrade", "--db", url),
        ("incidents", "list", "--config", settings),
        ("config", "check", "--config", settings),
        ("config", "show", "--config", settings),
        ("sql", "select 1", "--config", settings),
    ):
        ran = log_sentinel(*command, folder=tmp_path)
        assert CANARY not in ran.out + ran.err
        assert "Traceback" not in ran.err, ran.err


def test_a_daemon_that_is_asked_to_stop_ends_with_0_and_has_stored_what_it_read(url: str, tmp_path: Path) -> None:
    log = a_log(tmp_path / "access.log", LARGE)
    settings = settings_file(tmp_path / "etc", SOURCE.format(name="edge", path=log.path), url=url)
    daemon = Daemon(settings)
    daemon.wait_until(lambda: requests(url, "edge") > 0, "the first lines")
    assert daemon.stop(signal.SIGTERM, within=10) == 0
    with a_daemon(settings) as again:
        again.wait_until(lambda: requests(url, "edge") == LARGE, "the rest")
