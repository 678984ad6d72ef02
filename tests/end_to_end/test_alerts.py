"""From a request that a real nginx denies to the message in Slack and by mail, and its end in the same thread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.delivery.slack_api import TOKEN, SlackApi
from tests.delivery.smtp_server import PASSWORD, USER, SmtpServer
from tests.end_to_end.real_nginx import RealNginx, a_real_nginx
from tests.end_to_end.running import CANARY, a_daemon, number, rows, run, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.delivery.slack_api import Posted

RULE = """
description = "A {dimension} is denied often"
kind = "threshold"
dimension = "{dimension}"
window = "3m"
at_least = 18
for = "2m"
keep_firing_for = "3m"
severity = "critical"
"""
SETTINGS = """
learn_from = "1h"
rules = ["{rules}/*.toml"]
[sources.edge]
path = "{log}"
start = "beginning"
[channels.ops]
type = "slack"
token = "{token}"
channel = "#api-alerts"
base_url = "{slack}"
[channels.mail]
type = "email"
host = "localhost"
port = {smtp}
ca_file = "{authority}"
username = "{user}"
password = "{password}"
sender = "log-sentinel@example.com"
to = ["oncall@example.com"]
"""
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[RealNginx]:
    with a_real_nginx(tmp_path / "nginx") as server:
        yield server


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    api = SlackApi()
    yield api
    api.close()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[SmtpServer]:
    server = SmtpServer(tmp_path, "starttls", auth=True)
    yield server
    server.close()


def ordinary_minute(nginx: RealNginx, at: datetime) -> int:
    """Some requests that are served and one that is not. Gives how many."""
    served = nginx.get("/v1/orders/42", at=at, source="127.0.3.1", times=5)
    denied = nginx.get("/admin/alpha", at=at, source="127.0.3.2")
    assert set(served) == {200}
    assert denied == [403]
    return 6


def bad_minute(nginx: RealNginx, at: datetime) -> int:
    """A client without the right role, an address that looks around, a route at its limit. Gives how many requests."""
    for place, word in enumerate(WORDS, 1):
        assert nginx.get(f"/reports/{word}", at=at, source=f"127.0.1.{place}", user="acme-prod") == [403]
        assert nginx.get(f"/admin/{word}", at=at, source="127.0.0.9") == [403]
        assert nginx.get("/limited", at=at, source=f"127.0.2.{place}", times=2)[1] == 429
    return 4 * len(WORDS)


def in_thread_of(opening: Posted, slack: SlackApi) -> list[Posted]:
    return [posted for posted in slack.messages if posted.thread == opening.ts]


@pytest.mark.timeout(180)
def test_each_spike_is_told_once_and_its_end_follows_in_the_same_thread(
    nginx: RealNginx, slack: SlackApi, mailbox: SmtpServer, database_url: str, tmp_path: Path
) -> None:
    rules = tmp_path / "alerts"
    rules.mkdir()
    for dimension in ("client", "ip", "route"):
        (rules / f"{dimension}-spike.toml").write_text(RULE.format(dimension=dimension))
    settings = settings_file(
        tmp_path / "etc",
        SETTINGS.format(
            rules=rules,
            log=nginx.access_log,
            token=TOKEN,
            slack=slack.base_url,
            smtp=mailbox.port,
            authority=mailbox.ca_file,
            user=USER,
            password=PASSWORD,
        ),
        url=database_url,
    )
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    requests = sum(ordinary_minute(nginx, now - back * MINUTE) for back in range(20, 0, -1))

    with a_daemon(settings) as daemon:
        daemon.wait_until(
            lambda: rows(database_url, "select watermark from detector_state where watermark is not null"),
            "detection to have begun",
        )
        requests += sum(bad_minute(nginx, now + ahead * MINUTE) for ahead in range(5))
        requests += ordinary_minute(nginx, now + 5 * MINUTE)
        openings = daemon.wait_until(lambda: opened if len(opened := openings_in(slack)) == 3 else None, "3 messages")
        daemon.wait_until(lambda: len(mailbox.mails) >= 3, "3 mails")
        assert incidents(database_url, "state <> 'resolved'") == [
            ("client", "acme-prod"),
            ("ip", "127.0.0.9"),
            ("route", "/limited"),
        ]

        requests += sum(ordinary_minute(nginx, now + ahead * MINUTE) for ahead in range(6, 18))
        daemon.wait_until(lambda: not incidents(database_url, "state <> 'resolved'"), "the incidents to be over")
        daemon.wait_until(lambda: all_sent(database_url), "all notifications to be sent")
        daemon.wait_until(lambda: number(database_url, "select sum(n) from traffic") == requests, "all requests")

    for key in ("acme-prod", "127.0.0.9", "/limited"):
        (opening,) = [posted for posted in openings if key in posted.payload["text"]]
        thread = in_thread_of(opening, slack)
        ends = [posted for posted in thread if "resolved" in posted.payload["text"].lower()]
        assert len(ends) == 1
        assert thread[-1] is ends[0]
        assert "resolved" in opening.now["text"].lower(), "the opening message says how things stand"

        conversation = [mail for mail in mailbox.mails if key in mail["Subject"]]
        first, last = conversation[0], conversation[-1]
        assert str(first["Message-ID"]) in str(last["References"])
        assert "resolved" in str(last["Subject"]).lower()
        assert len({str(mail["Message-ID"]) for mail in conversation}) == len(conversation)

    told = [(posted.thread, posted.payload["text"]) for posted in slack.messages]
    assert len(told) == len(set(told)) == number(database_url, "select count(*) from incident_events")
    assert len(mailbox.mails) == number(database_url, "select count(*) from incident_events")

    # a restart tells nothing anew
    before = len(slack.messages), len(mailbox.mails)
    with a_daemon(settings) as daemon:
        ordinary_minute(nginx, now + 18 * MINUTE)
        daemon.wait_until(lambda: number(database_url, "select sum(n) from traffic") == requests + 6, "its request")
    assert before == (len(slack.messages), len(mailbox.mails))

    listed = run("incidents", "list", "--all", "--config", settings, "--output", "csv", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "acme-prod" in listed.stdout


def openings_in(slack: SlackApi) -> list[Posted]:
    return [posted for posted in slack.messages if posted.thread is None]


def incidents(url: str, condition: str) -> list[tuple[str, str]]:
    return sorted(rows(url, f"select dimension, key from incidents where {condition}"))


def all_sent(url: str) -> bool:
    events = number(url, "select count(*) from incident_events")
    return number(url, "select count(*) from notifications where state = 'sent'") == 2 * events


def test_a_token_and_a_password_that_are_wrong_are_said_plainly_and_are_not_shown(
    slack: SlackApi, mailbox: SmtpServer, tmp_path: Path
) -> None:
    text = SETTINGS.format(
        rules="alerts",
        log=tmp_path / "access.log",
        token=f"xoxb-{CANARY}",
        slack=slack.base_url,
        smtp=mailbox.port,
        authority=mailbox.ca_file,
        user=USER,
        password=f"wrong-{CANARY}",
    )
    settings = settings_file(tmp_path / "etc", text, url=f"sqlite:///{tmp_path}/sentinel.db")
    for channel, words in (("ops", "invalid_auth"), ("mail", "password")):
        tried = run("channels", "test", channel, "--config", settings, cwd=tmp_path)
        assert tried.returncode == 1
        assert words in tried.stderr + tried.stdout
