from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from log_sentinel.daemon.findings.channels import findings
from log_sentinel.daemon.findings.finding import State
from log_sentinel.store.outbox import Standing

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WELL = Standing(waiting=1, blocked=0, sent=7, undelivered=2, oldest=NOW, last_sent_at=NOW.replace(hour=9), reason=None)


def test_a_channel_says_what_it_delivered_and_when_last() -> None:
    [one] = findings({"ops": WELL}, ["ops"])
    assert (one.state, one.what) == (State.FINE, "channel ops")
    assert one.says == "7 delivered, last delivery 2026-11-24 09:00 UTC, 1 waiting, 2 given up"


def test_one_that_never_delivered_says_so() -> None:
    [one] = findings({"ops": replace(WELL, sent=0, last_sent_at=None)}, ["ops"])
    assert one.says.startswith("0 delivered, none delivered, ")


def test_one_that_cannot_deliver_is_wrong_with_its_reason_and_what_to_do() -> None:
    [one] = findings({"ops": replace(WELL, reason="invalid_auth")}, ["ops"])
    assert one.state is State.WRONG
    assert one.says.endswith(": invalid_auth")
    assert one.todo == "`log-sentinel channels test ops` says what is wrong."


def test_one_that_the_settings_have_no_more_is_told() -> None:
    [_, gone] = findings({"ops": WELL}, ["mail"])
    assert gone.state is State.NOTE
    assert "the settings have it no more" in gone.says
