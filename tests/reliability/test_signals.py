"""What signals do to a running daemon: it drains, ends at once, or takes new settings, and loses no line by it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.end_to_end.running import Daemon, a_daemon, number, rows, settings_file
from tests.reliability.logs import SOURCE, line

REQUESTS = "select sum(n) from traffic"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sentinel.db"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(line(number) for number in range(100)))
    return path


def add(log: Path, numbers: range) -> None:
    with log.open("a") as file:
        file.write("".join(line(number) for number in numbers))


def paths(url: str) -> list[int]:
    return sorted(int(path.rpartition("/")[2]) for (path,) in rows(url, "select path from denials"))


def test_a_second_signal_ends_it_at_once_and_the_next_start_reads_on(url: str, log: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path / "etc", SOURCE.format(log), url=url)
    daemon = Daemon(settings)
    daemon.wait_until(lambda: number(url, REQUESTS) == 100, "the first lines")
    # both wait for it while it stands still, so that it gets the second before it could drain
    for asked in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM):
        daemon.process.send_signal(asked)
    add(log, range(100, 200))
    assert daemon.stop(signal.SIGCONT) == 128 + signal.SIGTERM
    with a_daemon(settings) as again:
        again.wait_until(lambda: number(url, REQUESTS) == 200, "all lines")
    assert paths(url) == list(range(200))


def test_good_new_settings_are_taken_on_hangup_and_no_line_is_lost_or_doubled(
    url: str, log: Path, tmp_path: Path
) -> None:
    settings = settings_file(tmp_path / "etc", SOURCE.format(log), url=url)
    other = tmp_path / "other.log"
    other.write_text("".join(line(number) for number in range(1000, 1050)))
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: number(url, REQUESTS) == 100, "the first lines")
        settings.write_text(settings.read_text() + SOURCE.format(other).replace("edge", "other"))
        for turn in range(3):
            daemon.process.send_signal(signal.SIGHUP)
            add(log, range(100 + 50 * turn, 150 + 50 * turn))
            daemon.wait_until(
                lambda turn=turn: sum('"watching"' in said for said in list(daemon.said)) == turn + 2,  # type: ignore[misc]
                "the new start",
            )
        daemon.wait_until(lambda: number(url, REQUESTS) == 300, "all lines of both files")
    assert paths(url) == [*range(250), *range(1000, 1050)]


@pytest.mark.parametrize(
    "bad", ['[sources.edge]\npath = "x"\nfromat = "x"\n', "[sources", '[channels.ops]\ntype = "slak"\n']
)
def test_bad_new_settings_are_refused_on_hangup_and_the_old_ones_go_on(
    bad: str, url: str, log: Path, tmp_path: Path
) -> None:
    settings = settings_file(tmp_path / "etc", SOURCE.format(log), url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: number(url, REQUESTS) == 100, "the first lines")
        settings.write_text(settings.read_text() + bad)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.says("settings not reloaded, the old ones go on")
        add(log, range(100, 150))
        daemon.wait_until(lambda: number(url, REQUESTS) == 150, "lines after the refusal")
    assert paths(url) == list(range(150))


def test_a_daemon_that_stood_still_goes_on_where_it_was(url: str, log: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path / "etc", SOURCE.format(log) + 'hold_rotated = "1s"\n', url=url)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: number(url, REQUESTS) == 100, "the first lines")
        daemon.process.send_signal(signal.SIGSTOP)
        daemon.wait_until(lambda: state_of(daemon) == "T", "it to stand still")
        for turn in (1, 2):
            add(log, range(100 * turn, 100 * turn + 100))
            log.rename(log.with_name(f"access.log.{3 - turn}"))
            log.touch()
        add(log, range(300, 400))
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_until(lambda: number(url, REQUESTS) == 400, "what was written and rotated meanwhile")
    assert paths(url) == list(range(400))


def state_of(daemon: Daemon) -> str:
    return Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
