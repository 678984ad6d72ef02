import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from log_sentinel.daemon.lifecycle import Asked, Parts, listening_to_signals


def test_what_was_started_last_is_stopped_first() -> None:
    stopped: list[str] = []

    with Parts() as parts:
        for name in ("database", "delivery", "ingest"):
            parts.started(name, partial(stopped.append, name))

    assert stopped == ["ingest", "delivery", "database"]


def test_a_part_that_fails_to_start_undoes_the_parts_before_it() -> None:
    stopped: list[str] = []

    def start() -> None:
        with Parts() as parts:
            parts.started("database", lambda: stopped.append("database"))
            raise OSError("port in use")

    with pytest.raises(OSError, match="port in use"):
        start()

    assert stopped == ["database"]


def test_a_part_that_fails_to_stop_does_not_keep_the_others_running() -> None:
    stopped: list[str] = []
    parts = Parts()
    parts.started("database", lambda: stopped.append("database"))

    def stuck() -> None:
        raise RuntimeError("will not")

    parts.started("web", stuck)

    assert parts.stop() == ["web"]
    assert stopped == ["database"]


def test_a_signal_asks_to_stop_and_the_handlers_before_come_back() -> None:
    asked = Asked()
    before = signal.getsignal(signal.SIGTERM)

    with listening_to_signals(asked):
        os.kill(os.getpid(), signal.SIGTERM)
        asked.wait(30)

    assert asked.to_stop
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_hangup_asks_to_reload_once() -> None:
    asked = Asked()

    with listening_to_signals(asked):
        os.kill(os.getpid(), signal.SIGHUP)
        asked.wait(30)

    assert (asked.taken_reload(), asked.taken_reload()) == (True, False)
    assert not asked.to_stop


def test_a_second_signal_ends_the_process_at_once() -> None:
    program = """
import os, signal, threading
from log_sentinel.daemon.lifecycle import Asked, listening_to_signals
asked = Asked()
with listening_to_signals(asked):
    os.kill(os.getpid(), signal.SIGTERM)
    asked.wait(30)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)

    assert ended.returncode == 128 + signal.SIGTERM


def test_a_part_that_does_not_stop_does_not_keep_the_process_for_longer_than_it_may_take() -> None:
    program = """
import os, signal, threading
from log_sentinel.daemon import lifecycle
lifecycle.STOPS_WITHIN_SECONDS = 0.1
with lifecycle.listening_to_signals(lifecycle.Asked()):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, check=False, capture_output=True, text=True)

    assert ended.returncode == 0
    assert "not all parts stopped in time" in ended.stdout + ended.stderr
