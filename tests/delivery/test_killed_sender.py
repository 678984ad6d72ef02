"""kill -9 at every step between a happening and its message, for every kind of channel.

Nothing is untold, and nothing is told twice where the channel can be looked into; elsewhere a message at most once
more, under the same key.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.delivery.loop import Delivery
from tests.delivery.happenings import NOON, opened, resolved
from tests.delivery.http_server import HttpServer
from tests.delivery.killed_sender import POINTS, settings_of
from tests.delivery.scene import StepClock, record
from tests.delivery.slack_api import TOKEN, SlackApi
from tests.delivery.smtp_server import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from log_sentinel.store.engine import Database

STORM = 12


class Others:
    """Everybody who is told: a Slack that lets us look back, one that does not, a mail server and a webhook."""

    def __init__(self, folder: Path) -> None:
        self.slack, self.blind = SlackApi(), SlackApi()
        self.blind.history_scope = False
        self.smtp, self.http = SmtpServer(folder), HttpServer()
        self.channels: dict[str, dict[str, Any]] = {
            "slack": {"type": "slack", "token": TOKEN, "channel": "C1", "base_url": self.slack.base_url},
            "blind": {"type": "slack", "token": TOKEN, "channel": "C1", "base_url": self.blind.base_url},
            "mail": {
                "type": "email",
                "host": "localhost",
                "port": self.smtp.port,
                "tls": "none",
                "sender": "log-sentinel@example.com",
                "to": ["oncall@example.com"],
            },
            "hook": {"type": "webhook", "url": self.http.url},
        }

    def told(self) -> dict[str, list[str]]:
        """The keys of the messages that came, by channel, in their order."""
        return {
            "slack": [one.payload["metadata"]["event_payload"]["key"] for one in self.slack.messages],
            "blind": [one.payload["metadata"]["event_payload"]["key"] for one in self.blind.messages],
            "mail": [str(one["X-Log-Sentinel-Key"]) for one in self.smtp.mails],
            "hook": [one.headers["idempotency-key"] for one in self.http.requests],
        }

    def ends(self) -> list[str]:
        """What each was told last, in its own way."""
        return [
            str(self.slack.messages[-1].payload["text"]),
            str(self.blind.messages[-1].payload["text"]),
            str(self.smtp.mails[-1]["Subject"]),
            str(json.loads(self.http.requests[-1].body)["headline"]),
        ]

    def close(self) -> None:
        for one in (self.slack, self.blind, self.smtp, self.http):
            one.close()


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Others]:
    there = Others(tmp_path)
    yield there
    there.close()


def killed_and_started_again(database: Database, url: str, others: Others, point: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-m", "tests.delivery.killed_sender", url, json.dumps(others.channels), point],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    clock = StepClock()
    again = Delivery(database, settings_of(others.channels), [], instance="edge-1", clock=clock)
    for _ in range(3):
        again.step()
        clock.step(minutes=4)


@pytest.mark.parametrize(
    ("database_url", "point"),
    [*(("sqlite", point) for point in POINTS), ("postgres", "sent")],
    indirect=["database_url"],
)
def test_after_kill_9_an_incident_is_told_to_its_end_and_a_message_at_most_once_more_under_its_key(
    database: Database, database_url: str, others: Others, point: str
) -> None:
    number = record(database, opened(), NOON)
    record(database, resolved(), NOON, number)
    killed_and_started_again(database, database_url, others, point)
    told = others.told()
    assert all("resolved" in end.lower() for end in others.ends())
    assert {"slack": 0} | dict.fromkeys(("blind", "mail", "hook"), int(point == "sent")) == {
        name: len(keys) - len(set(keys)) for name, keys in told.items()
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("point", ["claimed", "sent"])
def test_after_kill_9_a_storm_that_was_one_message_is_one_message_again(
    database: Database, database_url: str, others: Others, point: str
) -> None:
    for number in range(STORM):
        record(database, opened(key=f"client {number}"), NOON)
    killed_and_started_again(database, database_url, others, point)
    told = others.told()
    assert [1] * 4 == [len(set(keys)) for keys in told.values()]
    assert {"slack": 1} | dict.fromkeys(("blind", "mail", "hook"), 1 + (point == "sent")) == {
        name: len(keys) for name, keys in told.items()
    }
