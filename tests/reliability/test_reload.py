"""SIGHUP and a running daemon: new rules fire and new channels are told; of broken ones it says what is wrong."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.delivery.http_server import HttpServer
from tests.end_to_end.running import Daemon, a_daemon, rows, settings_file
from tests.reliability.logs import line

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
description = "An address is denied often"
kind = "threshold"
dimension = "ip"
window = "1m"
at_least = {}
severity = "warning"
"""
SETTINGS = """
learn_from = "1h"
rules = ["{rules}/*.toml"]
[sources.edge]
path = "{log}"
format = "nginx-combined"
start = "beginning"
[channels.{name}]
type = "webhook"
url = "{url}/hook"
"""
MINUTE = timedelta(minutes=1)
DENIALS = 20


class Story:
    """A log in which an hour was quiet. Each attack comes in the minutes after the one before it."""

    def __init__(self, log: Path, now: datetime) -> None:
        self._log = log
        self._now = now
        self._write([(now - back * MINUTE, "203.0.113.1", 1) for back in range(60, 0, -1)])

    def attack(self, ip: str) -> None:
        """Three minutes of it, and one more line, which closes them."""
        self._write([(self._now + ahead * MINUTE, ip, DENIALS) for ahead in range(3)])
        self._now += 3 * MINUTE
        self._write([(self._now, "203.0.113.1", 1)])

    def _write(self, minutes: list[tuple[datetime, str, int]]) -> None:
        with self._log.open("a") as file:
            file.write("".join(line(0, at=at, ip=ip) * n for at, ip, n in minutes))


def reload(daemon: Daemon, said: str) -> None:
    """Asks for it, until it has said so once more."""
    before = daemon.all_said.count(said)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_until(lambda: daemon.all_said.count(said) > before, f"once more: {said}")


def told(server: HttpServer) -> set[str]:
    return {json.loads(request.body)["incident"]["key"] for request in server.requests}


def test_rules_and_channels_are_taken_on_hangup_and_broken_ones_leave_the_old(tmp_path: Path) -> None:
    url, log, rules = f"sqlite:///{tmp_path}/sentinel.db", tmp_path / "access.log", tmp_path / "alerts"
    story = Story(log, datetime.now(UTC).replace(second=0, microsecond=0) - 20 * MINUTE)
    rules.mkdir()
    (rules / "never.toml").write_text(RULE.format(1_000_000))
    with HttpServer() as first, HttpServer() as second:
        text = SETTINGS.format(rules=rules, log=log, name="first", url=first.url)
        settings = settings_file(tmp_path / "etc", text, url=url)
        with a_daemon(settings) as daemon:
            daemon.wait_until(
                lambda: rows(url, "select watermark from detector_state where watermark is not null"), "detection"
            )
            (rules / "often.toml").write_text(RULE.format(DENIALS // 2))
            settings.write_text(settings.read_text().replace("channels.first", "channels.second"))
            settings.write_text(settings.read_text().replace(first.url, second.url))
            reload(daemon, '"watching"')
            story.attack("198.51.100.7")
            daemon.wait_until(lambda: "198.51.100.7" in told(second), "the new rule, on the new channel")

            good = settings.read_text()
            (rules / "broken.toml").write_text(RULE.format('"many"'))
            reload(daemon, "settings not reloaded, the old ones go on")
            assert "broken.toml" in daemon.says("settings not reloaded")
            (rules / "broken.toml").unlink()
            settings.write_text(good.replace(f'url = "{second.url}', 'url = "no address'))
            reload(daemon, "settings not reloaded, the old ones go on")
            story.attack("198.51.100.8")
            daemon.wait_until(lambda: "198.51.100.8" in told(second), "the old rules, on the old channel")
    assert told(first) == set()
    assert told(second) == {"198.51.100.7", "198.51.100.8"}
    assert set(rows(url, "select rule from incidents")) == {("often",)}
