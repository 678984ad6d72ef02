import os
import socket
from pathlib import Path

import pytest

from log_sentinel.daemon.systemd import notify, watchdog_seconds


def test_systemd_is_told_on_the_socket_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))

        notify("READY=1", "STATUS=watching 2 sources")

        assert systemd.recv(4096) == b"READY=1\nSTATUS=watching 2 sources"


def test_an_abstract_socket_is_reached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"log-sentinel-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)

        notify("WATCHDOG=1")

        assert systemd.recv(4096) == b"WATCHDOG=1"


def test_without_systemd_or_with_its_socket_gone_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify("READY=1")


MINE, SOMEBODY_ELSES = "mine", "1"


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [("30000000", MINE, 15.0), ("30000000", SOMEBODY_ELSES, None), ("", MINE, None), ("x", MINE, None)],
)
def test_the_watchdog_is_fed_at_half_of_its_time(
    usec: str, pid: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == MINE else pid)

    assert watchdog_seconds() == seconds
