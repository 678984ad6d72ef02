"""Globs: files that come and go, thousands of them, and fairness among them."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from log_sentinel.sources.globbing import Globbing, matches
from log_sentinel.sources.register import FEWEST_OPEN
from tests.sources.watching import Watch, append, cut, lines, read_all, text

if TYPE_CHECKING:
    from collections.abc import Iterator


def settle(*folders: Path) -> None:
    """Makes the folders' times old enough to be trusted, as they are when nobody changed them just now."""
    for folder in folders:
        os.utime(folder, (time.time() - 60, time.time() - 60))


def test_a_file_that_appears_in_a_followed_glob_is_read_from_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(text(0))
    watch = Watch(tmp_path / "*.log")
    assert [] == watch.new()
    (tmp_path / "b.log").write_bytes(text(1))
    assert lines(1) == watch.new()
    watch.restart()
    (tmp_path / "c.log").write_bytes(text(2))
    assert lines(2) == watch.new()


def test_a_file_in_a_folder_that_appears_is_read(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "pods" / "*" / "**" / "?.log")
    assert [] == watch.new()
    (tmp_path / "pods" / "web" / "deep").mkdir(parents=True)
    append(tmp_path / "pods" / "web" / "0.log", text(1))
    append(tmp_path / "pods" / "web" / "deep" / "1.log", text(2))
    append(tmp_path / "pods" / "web" / "deep" / "10.log", text(3))
    assert sorted(lines(1, 2)) == sorted(watch.new())


def test_another_path_in_the_settings_is_looked_at_for_the_first_time(tmp_path: Path) -> None:
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    old.write_bytes(text(0))
    new.write_bytes(text(0))
    watch = Watch(old)
    watch.new()
    elsewhere = Watch(new, store=watch.store)
    assert [] == elsewhere.new()
    append(new, text(1))
    assert lines(1) == elsewhere.new()


def test_excluded_files_are_left_alone(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "*.log", start="beginning", exclude=(str(tmp_path / "sentinel*"),))
    append(tmp_path / "sentinel.log", text(0))
    append(tmp_path / "access.log", text(1))
    assert lines(1) == watch.new()


def test_what_is_no_log_is_told_about_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "program.log").write_bytes(b"\x7fELF" + bytes(2000))
    (tmp_path / "noise.log").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "wide.log").write_bytes("line\n".encode("utf-16"))
    (tmp_path / "packed.log").write_bytes(b"\x1f\x8b\x08" + bytes(100))
    (tmp_path / "device.log").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening, sqlite3.connect(tmp_path / "state.log") as database:
        listening.bind(str(tmp_path / "socket.log"))
        database.execute("create table denials (id)")
    append(tmp_path / "access.log", text(1))
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert lines(1) == watch.new()
    assert {
        "pipe.log": "is a named pipe; only regular files are followed",
        "program.log": "is a program",
        "noise.log": "is binary: its first bytes are no text",
        "wide.log": "is UTF-16 text",
        "packed.log": "is a gzip file under a name that does not say so",
        "device.log": "is a device; only regular files are followed",
        "socket.log": "is a socket, or a device that is not there; only regular files are followed",
        "state.log": "is an SQLite database",
    } == {Path(problem.where).name: problem.found for problem in watch.tail.problems()}
    single = Watch(tmp_path / "folder.log")
    assert [] == single.new()
    assert ["is a directory; only regular files are followed"] == single.problems()


def test_a_client_cannot_make_a_log_binary_with_a_few_odd_bytes(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    odd = bytes(range(32)).replace(b"\n", b"")
    log.write_bytes(b"GET /" + odd + b" " + b"x" * 200 + b"\n")
    assert 1 == len(Watch(log, start="beginning").new())


def test_a_busy_file_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    (tmp_path / "busy.log").write_bytes(text(*range(10_000)))
    for name in range(5):
        (tmp_path / f"quiet-{name}.log").write_bytes(text(20_000 + name))
    watch = Watch(tmp_path / "*.log", start="beginning")
    steps = [watch.tail.read(1100) for _ in range(6)]
    got = {line for step in steps if step is not None for line in cut(step)}
    assert {*lines(*range(20_000, 20_005)), *lines(*range(100))} == got
    assert 10_000 * 11 - 1100 == watch.tail.behind()


def test_numbered_names_are_rotated_files_only_beside_the_file_they_come_from(tmp_path: Path) -> None:
    for name in ("app-1.log", "app-2.log"):
        append(tmp_path / name, text(0))
    watch = Watch(tmp_path / "*.log")
    watch.new()
    append(tmp_path / "app-1.log", text(1) + b"half")
    append(tmp_path / "app-2.log", text(2))
    assert sorted(lines(1, 2)) == sorted(watch.new())
    assert [] == watch.later()


def test_a_file_that_appears_while_others_are_caught_up_with_is_not_kept_waiting(tmp_path: Path) -> None:
    (tmp_path / "busy.log").write_bytes(text(*range(10_000)))
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert watch.tail.read(1100) is not None
    (tmp_path / "late.log").write_bytes(text(20_000))
    watch.clock.step(1)
    got = [watch.tail.read(1100) for _ in range(3)]
    assert lines(20_000)[0] in [line for step in got if step is not None for line in cut(step)]


@pytest.fixture
def few_descriptors(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr("log_sentinel.sources.register.open_files_allowed", lambda: FEWEST_OPEN)
    return iter([FEWEST_OPEN])


def opened(folder: Path) -> int:
    links = (one.readlink() for one in Path("/proc/self/fd").iterdir() if one.is_symlink())
    return sum(str(target).startswith(str(folder)) for target in links)


@pytest.mark.usefixtures("few_descriptors")
def test_thousands_of_files_are_read_with_a_few_open_at_a_time(tmp_path: Path) -> None:
    logs = [tmp_path / f"{name:04}.log" for name in range(1000)]
    for number, log in enumerate(logs):
        log.write_bytes(text(number))
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert sorted(lines(*range(1000))) == sorted(watch.new())
    assert FEWEST_OPEN + 2 >= opened(tmp_path)
    for number, log in enumerate(logs):
        append(log, text(1000 + number))
        log.rename(log.with_name(log.name + ".1"))
        log.write_bytes(text(2000 + number))
    assert sorted(lines(*range(1000, 3000))) == sorted(watch.new())
    assert [] == watch.later()
    assert FEWEST_OPEN + 2 >= opened(tmp_path)
    watch.restart()
    assert [] == watch.later()


@pytest.mark.usefixtures("few_descriptors")
def test_closed_files_that_rotate_twice_while_nobody_looks_are_found(tmp_path: Path) -> None:
    logs = [tmp_path / f"{name}.log" for name in range(20)]
    for log in logs:
        log.write_bytes(text(0))
    watch = Watch(tmp_path / "*.log")
    watch.new()
    for number, log in enumerate(logs):
        append(log, text(100 + number))
        log.rename(log.with_name(log.name + ".2"))
        log.with_name(log.name + ".1").write_bytes(text(200 + number))
        log.write_bytes(text(300 + number))
    expected = lines(*(base + number for base in (100, 200, 300) for number in range(20)))
    assert sorted(expected) == sorted(watch.new())


def test_a_listing_is_made_again_only_when_the_folder_changed(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    globbing = Globbing(str(tmp_path / "*.log"), relist_every=5)
    settle(tmp_path)
    assert [str(tmp_path / "a.log")] == globbing.paths()
    (tmp_path / "b.log").touch()
    settle(tmp_path)
    assert 2 == len(globbing.paths())
    (tmp_path / "c.log").touch()
    os.utime(tmp_path, ns=(0, next(iter(globbing._folders.values()))))
    assert [2, 2, 2, 2, 3] == [len(globbing.paths()) for _ in range(5)]


@pytest.mark.parametrize(
    ("pattern", "path", "named"),
    [
        ("/var/log/*.log", "/var/log/a.log", True),
        ("/var/log/*.log", "/var/log/deep/a.log", False),
        ("/var/log/**/*.log", "/var/log/a.log", True),
        ("/var/log/**/*.log", "/var/log/x/y/a.log", True),
        ("/var/log/[ab]?.log", "/var/log/b1.log", True),
        ("/var/log/a.log", "/var/log/a.log", True),
    ],
)
def test_a_glob_names_a_path(pattern: str, path: str, named: bool) -> None:
    assert named == matches(pattern, path)


def test_steps_of_thousands_of_files_commit_in_any_grouping(tmp_path: Path) -> None:
    for name in range(50):
        (tmp_path / f"{name}.log").write_bytes(text(name))
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert 50 == len(read_all(watch.tail, watch.store))
    assert watch.tail.caught_up
