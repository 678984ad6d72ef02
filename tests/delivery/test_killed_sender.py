"""kill -9 at every step between a happening and its message: nothing untold, at most one repeat, under the same key."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.webhook.settings import WebhookSettings
from tests.delivery.happenings import NOON, opened, resolved
from tests.delivery.http_server import HttpServer
from tests.delivery.killed_sender import POINTS, settings_of
from tests.delivery.scene import StepClock, record
from tests.delivery.slack_api import SlackApi

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database


@pytest.mark.parametrize(
    ("database_url", "point"),
    [*(("sqlite", point) for point in POINTS), ("postgres", "sent")],
    indirect=["database_url"],
)
def test_after_kill_9_nothing_is_untold_and_at_most_one_is_told_again(
    database: Database, database_url: str, point: str
) -> None:
    number = record(database, opened(), NOON)
    record(database, resolved(), NOON, number)
    with HttpServer() as server:
        killed = subprocess.run(
            [sys.executable, "-m", "tests.delivery.killed_sender", database_url, server.url, point],
            capture_output=True,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        clock = StepClock()
        settings = WebhookSettings(url=SecretStr(server.url))
        again = Delivery(database, {"ops": settings}, [], instance="edge-1", clock=clock)
        for _ in range(3):
            again.step()
            clock.step(minutes=3)
        keys = [request.headers["idempotency-key"] for request in server.requests]
    repeats = len(keys) - len(set(keys))
    assert len(set(keys)) == 2
    assert repeats == (1 if point == "sent" else 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("point", POINTS)
def test_after_kill_9_slack_with_the_history_scope_is_told_everything_once(
    database: Database, database_url: str, point: str
) -> None:
    number = record(database, opened(), NOON)
    record(database, resolved(), NOON, number)
    slack = SlackApi()
    killed = subprocess.run(
        [sys.executable, "-m", "tests.delivery.killed_sender", database_url, slack.base_url, point],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    clock = StepClock()
    again = Delivery(database, {"ops": settings_of(slack.base_url)}, [], instance="edge-1", clock=clock)
    for _ in range(4):
        again.step()
        clock.step(minutes=3)
    told = [posted.payload["metadata"]["event_payload"]["key"] for posted in slack.messages]
    slack.close()
    assert len(told) == len(set(told)) == 2
