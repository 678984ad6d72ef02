"""What each failure of a channel leads to, and that somebody who looks is told of it: health and metrics show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from log_sentinel.daemon.health import _channels
from log_sentinel.daemon.metrics import DaemonMetrics
from log_sentinel.daemon.patience import Patience
from log_sentinel.daemon.tally import Tally
from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.store.outbox import standings
from log_sentinel.web.health import State
from tests.delivery.counterparts import Mail, unused_port
from tests.delivery.happenings import NOON, opened
from tests.delivery.http_server import Reply
from tests.delivery.scene import StepClock, record
from tests.delivery.slack_api import TOKEN, SlackApi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from log_sentinel.store.engine import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    api = SlackApi()
    yield api
    api.close()


def delivering(database: Database, settings: Any) -> Delivery:
    """A delivery that has tried to tell one incident."""
    record(database, opened(), NOON)
    delivery = Delivery(database, {"ops": settings}, [], instance="edge-1", clock=StepClock())
    delivery.step()
    return delivery


def shown(delivery: Delivery) -> tuple[State, str, str]:
    """State and words in /healthz and doctor, and the metric of the channel."""
    (part,) = _channels(delivery)
    registry = CollectorRegistry()
    registry.register(DaemonMetrics(Tally(), [], {}, delivery, Patience()))
    lines = generate_latest(registry).decode().splitlines()
    (metric,) = [line for line in lines if line.startswith('log_sentinel_channel_failing{channel="ops"}')]
    return part.state, part.says, metric.rpartition(" ")[2]


def bot(slack: SlackApi) -> SlackSettings:
    return SlackSettings.model_validate(
        {"token": TOKEN, "channel": "#api-alerts", "base_url": slack.base_url, "timeout": "1s"}
    )


@pytest.mark.parametrize(
    ("reply", "says", "becomes"),
    [
        (Reply(429, b"", {"Retry-After": "30"}), "Slack asks for a slower pace", "waiting"),
        (Reply(500, b"oops"), "Slack's answer is not Slack's: status 500", "waiting"),
        (Reply(503, b'{"ok": false, "error": "service_unavailable"}'), "Slack is not available", "waiting"),
        (Reply(hang=True), "no answer within 1 s", "waiting"),
        ("invalid_auth", "Slack does not know the token (invalid_auth)", "blocked"),
        ("token_revoked", "the token was revoked (token_revoked)", "blocked"),
        ("channel_not_found", "Slack has no such channel", "blocked"),
        ("is_archived", "the channel is archived (is_archived)", "blocked"),
    ],
)
def test_slack(database: Database, slack: SlackApi, reply: Reply | str, says: str, becomes: str) -> None:
    if isinstance(reply, str):
        slack.fail(reply)
    else:
        slack.server.script.append(reply)
    state, said, metric = shown(delivering(database, bot(slack)))
    assert (State.TROUBLED, "1.0") == (state, metric)
    assert said.startswith("cannot deliver: ")
    assert says in said
    standing = standings(database)["ops"]
    assert (1, becomes == "blocked") == (standing.waiting, standing.blocked == 1)
    assert says in str(standing.reason)


def test_a_message_too_long_for_slack_goes_as_plain_words_and_nothing_is_wrong(
    database: Database, slack: SlackApi
) -> None:
    slack.fail("msg_too_long")
    assert (State.OK, "", "0.0") == shown(delivering(database, bot(slack)))
    assert "blocks" not in slack.messages[0].payload


@pytest.mark.parametrize(
    ("reply", "says", "becomes"),
    [
        ("451 4.7.1 greylisted, come back later", "451 4.7.1 greylisted", "waiting"),
        ("421 4.3.2 closing", "421 4.3.2 closing", "waiting"),
        ("530 5.7.0 no", "530 5.7.0 no", "blocked"),
        ("550 5.1.1 nobody here", "550 5.1.1 nobody here", "undelivered"),
    ],
)
def test_mail(database: Database, tmp_path: Path, reply: str, says: str, becomes: str) -> None:
    server = Mail(tmp_path)
    server.smtp.rcpt.append(reply)
    delivery = delivering(database, server.settings())
    standing = standings(database)["ops"]
    server.close()
    assert {"waiting": 1, "blocked": 1, "undelivered": 0}[becomes] == standing.waiting
    assert {"waiting": 0, "blocked": 0, "undelivered": 1}[becomes] == standing.undelivered
    if becomes != "undelivered":
        state, said, metric = shown(delivery)
        assert (State.TROUBLED, "1.0", True) == (state, metric, says in said)


def test_a_mail_server_that_is_gone(database: Database, tmp_path: Path) -> None:
    server = Mail(tmp_path)
    state, said, metric = shown(delivering(database, server.settings(port=unused_port())))
    server.close()
    assert (State.TROUBLED, "1.0", True) == (state, metric, "connection refused" in said)
