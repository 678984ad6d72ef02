"""The demo with the real daemon: it watches, and everything is gone when it is told to stop."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.demo", "--history", "3600"]
    with subprocess.Popen(
        command,
        cwd=TOP,
        env={"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.terminate()


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_told_to_stop_stops_the_daemon_and_leaves_nothing(
    demo: subprocess.Popen[str], tmp_path: Path, told: signal.Signals
) -> None:
    assert demo.stdout is not None
    assert any("watching" in line and "web" in line for line in demo.stdout)
    assert list(tmp_path.glob("log-sentinel-demo-*/sentinel.db"))
    demo.send_signal(told)
    # the pipe ends when the demo and the daemon have both let go of it
    assert "stopped" in demo.stdout.read()
    assert demo.wait() == 0
    assert list(tmp_path.iterdir()) == []


def test_the_demo_ends_with_the_daemon_that_ends_by_itself(tmp_path: Path) -> None:
    (tmp_path / "sentinel.db").write_text("this is no database, and long enough to be looked at as one\n" * 100)
    command = [sys.executable, "-m", "benchmarks.demo", "--history", "60", "--folder", str(tmp_path)]
    ended = subprocess.run(command, cwd=TOP, capture_output=True, check=False, text=True)
    assert ended.returncode != 0
    assert f"log-sentinel ended by itself with exit code {ended.returncode}." in ended.stdout
