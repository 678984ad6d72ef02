"""What each failure of a channel leads to, and that whoever looks is told of it.

The message waits, waits for somebody, is given up, or goes another way; /healthz and the page (which show the same
parts), the metrics and `doctor` say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from log_sentinel.daemon.findings import channels
from log_sentinel.daemon.findings.finding import State as Found
from log_sentinel.daemon.health import _channels
from log_sentinel.daemon.metrics import DaemonMetrics
from log_sentinel.daemon.patience import Patience
from log_sentinel.daemon.tally import Tally
from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.presses import Answer
from log_sentinel.delivery.settings import Route
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.store.outbox import standings
from log_sentinel.web.health import Health, State
from tests.delivery.counterparts import Mail, unused_port
from tests.delivery.happenings import NOON, opened
from tests.delivery.http_server import HttpServer, Reply
from tests.delivery.scene import Noting, NotingChannel, StepClock, record
from tests.delivery.slack_api import APP_TOKEN, TOKEN, SlackApi
from tests.delivery.smtp_server import PASSWORD, USER, SmtpServer
from tests.web.asking import ask, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from log_sentinel.store.engine import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Told:
    """A delivery that has tried to tell one incident in `ops`, with `mail` as its fallback."""

    database: Database
    delivery: Delivery
    fallback: NotingChannel

    def became(self) -> str:
        standing = standings(self.database)["ops"]
        return (
            "sent"
            if standing.sent
            else "given up"
            if standing.undelivered
            else "blocked"
            if standing.blocked
            else "waits"
        )

    def shown(self) -> list[tuple[bool, str]]:
        """Whether something is wrong, and the words: in health, on the page, in `doctor`."""
        (part,) = [part for part in _channels(self.delivery) if part.name == "channel ops"]
        with served(Health((part,))) as serving:
            page = ask(serving, "/").body
        (found,) = [one for one in channels.findings(standings(self.database), ["ops"]) if one.what == "channel ops"]
        return [
            (part.state is not State.OK, part.says),
            ('class="troubled"' in page, page.replace("&#39;", "'").replace("&#34;", '"')),
            (found.state is Found.WRONG, found.says),
        ]

    def metric(self, name: str) -> str:
        registry = CollectorRegistry()
        registry.register(DaemonMetrics(Tally(), [], {}, self.delivery, Patience()))
        lines = generate_latest(registry).decode().splitlines()
        (line,) = [line for line in lines if line.startswith(f"log_sentinel_{name}")]
        return line.rpartition(" ")[2]


def tried(database: Database, settings: Any, **other: Any) -> Told:
    fallback = NotingChannel()

    def channel(of: Any) -> Any:
        from log_sentinel.delivery.channels import open_channel

        return fallback if isinstance(of, Noting) else open_channel(of)

    record(database, opened(), NOON)
    delivery = Delivery(
        database,
        {"ops": settings.model_copy(update={"fallback": "mail"}), "mail": Noting()},
        [Route(to=["ops"])],
        instance="edge-1",
        clock=StepClock(),
        opened=channel,
        **other,
    )
    delivery.step()
    delivery.step()
    return Told(database, delivery, fallback)


def failing_as(told: Told, says: str, becomes: str) -> None:
    """It became so, is shown everywhere, and was told elsewhere at once where waiting alone mends nothing."""
    assert becomes == told.became()
    for wrong, words in told.shown():
        assert (True, says in words) == (wrong, True), words
    if becomes == "given up":
        assert "1.0" == told.metric('notifications_total{channel="ops",outcome="undelivered"}')
    else:
        assert "1.0" == told.metric('channel_failing{channel="ops"}')
        assert "1.0" == told.metric('notifications_total{channel="ops",outcome="failed"}')
    assert (becomes != "waits") == (len(told.fallback.told) == 1)


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    api = SlackApi()
    yield api
    api.close()


def bot(slack: SlackApi, **other: Any) -> SlackSettings:
    usual = {"token": TOKEN, "channel": "#api-alerts", "base_url": slack.base_url, "timeout": "1s"}
    return SlackSettings.model_validate({**usual, **other})


@pytest.mark.parametrize(
    ("reply", "says", "becomes"),
    [
        (Reply(429, b"", {"Retry-After": "30"}), "Slack asks for a slower pace", "waits"),
        (Reply(500, b"oops"), "Slack's answer is not Slack's: status 500", "waits"),
        (Reply(503, b'{"ok": false, "error": "service_unavailable"}'), "Slack is not available", "waits"),
        (Reply(hang=True), "no answer within 1 s", "waits"),
        (Reply(drop=True), "the connection broke before an answer came", "waits"),
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
    failing_as(tried(database, bot(slack)), says, becomes)


def test_slack_that_nobody_answers_for(database: Database, slack: SlackApi) -> None:
    failing_as(
        tried(database, bot(slack, base_url=f"http://127.0.0.1:{unused_port()}/api/")), "connection refused", "waits"
    )


def test_a_message_too_long_for_slack_goes_as_plain_words_and_nothing_is_wrong(
    database: Database, slack: SlackApi
) -> None:
    slack.fail("msg_too_long")
    told = tried(database, bot(slack))
    assert ("sent", [False, False, False]) == (told.became(), [wrong for wrong, _ in told.shown()])
    assert "blocks" not in slack.messages[0].payload


def test_a_message_too_long_even_as_plain_words_is_given_up_and_told_elsewhere(
    database: Database, slack: SlackApi
) -> None:
    slack.fail("msg_too_long", "msg_too_long")
    failing_as(tried(database, bot(slack)), "even as plain text (msg_too_long)", "given up")


@pytest.mark.parametrize(
    ("command", "reply", "says", "becomes"),
    [
        ("rcpt", "451 4.7.1 greylisted, come back later", "451 4.7.1 greylisted", "waits"),
        ("rcpt", "421 4.3.2 closing", "421 4.3.2 closing", "waits"),
        ("data", "452 4.3.1 out of storage", "452 4.3.1 out of storage", "waits"),
        ("rcpt", "530 5.7.0 no", "530 5.7.0 no", "blocked"),
        ("rcpt", "550 5.1.1 nobody here", "550 5.1.1 nobody here", "given up"),
        ("data", "554 5.7.1 spam", "554 5.7.1 spam", "given up"),
    ],
)
def test_mail(database: Database, tmp_path: Path, command: str, reply: str, says: str, becomes: str) -> None:
    server = Mail(tmp_path)
    getattr(server.smtp, command).append(reply)
    told = tried(database, server.settings())
    server.close()
    failing_as(told, says, becomes)


def with_an_unknown_authority(server: Mail, _: Path) -> Any:
    return server.settings(ca_file=None)


def with_another_name(server: Mail, folder: Path) -> Any:
    other = SmtpServer(folder, "starttls", auth=True, known_as="mail.elsewhere.example")
    server.smtp.close()
    server.smtp = other
    return server.settings(ca_file=other.ca_file)


@pytest.mark.parametrize(
    ("settings", "says", "becomes"),
    [
        (with_an_unknown_authority, "its certificate is not trusted", "blocked"),
        (with_another_name, "its certificate is not trusted", "blocked"),
        (lambda server, _: server.settings(tls="implicit"), "TLS failed", "blocked"),
        (lambda server, _: server.settings(password="canary-wrong"), "refused the password of", "blocked"),
        (lambda server, _: server.settings(port=unused_port()), "connection refused", "waits"),
        (lambda server, _: server.settings(host="no-such-host.invalid"), "the name is not known to DNS", "waits"),
    ],
)
def test_a_mail_server_that_cannot_be_reached_or_trusted(
    database: Database, tmp_path: Path, settings: Callable[[Mail, Path], Any], says: str, becomes: str
) -> None:
    server = Mail(tmp_path)
    told = tried(database, settings(server, tmp_path))
    server.close()
    failing_as(told, says, becomes)


def test_a_mail_server_without_tls_where_it_is_asked_for(database: Database, tmp_path: Path) -> None:
    server = Mail(tmp_path)
    plain = SmtpServer(tmp_path)
    told = tried(database, server.settings(port=plain.port, username=USER, password=PASSWORD))
    plain.close()
    server.close()
    failing_as(told, "STARTTLS", "blocked")


@pytest.mark.parametrize(
    ("status", "says", "becomes"),
    [(500, "answered 500", "waits"), (401, "answered 401", "blocked"), (413, "answered 413", "given up")],
)
def test_webhook(database: Database, status: int, says: str, becomes: str) -> None:
    from log_sentinel.delivery.webhook.settings import WebhookSettings

    with HttpServer(lambda _: Reply(status)) as server:
        failing_as(tried(database, WebhookSettings.model_validate({"url": server.url})), says, becomes)


def test_what_was_given_up_counts_as_mended_when_the_next_message_gets_through(
    database: Database, slack: SlackApi
) -> None:
    slack.fail("msg_too_long", "msg_too_long")
    told = tried(database, bot(slack))
    record(database, opened(key="other"), NOON)
    clock = told.delivery._clock
    assert isinstance(clock, StepClock)
    clock.step(minutes=1)
    told.delivery.step()
    assert [False, False, False] == [wrong for wrong, _ in told.shown()]


def test_buttons_that_are_not_heard_are_a_part_of_health(database: Database, slack: SlackApi) -> None:
    slack.fail(*["not_allowed_token_type"] * 20)
    delivery = Delivery(
        database,
        {"ops": bot(slack, app_token=APP_TOKEN)},
        [],
        instance="edge-1",
        clock=StepClock(),
        act=lambda _: Answer(""),
    )
    delivery.listen()
    told = Told(database, delivery, NotingChannel())
    (part,) = [part for part in _channels(delivery) if part.name == "buttons of ops"]
    assert (State.TROUBLED, "1.0") == (part.state, told.metric('buttons_failing{channel="ops"}'))
    assert "`log-sentinel incidents ack`" in part.todo
    delivery.stop()
