"""Waiting for a database that is away: how long it was is known, and told when it is back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from log_sentinel.daemon import patience as patience_module
from log_sentinel.daemon.findings.finding import Notice
from log_sentinel.daemon.findings.outages import SHORT_SECONDS, TOLD_FOR, findings
from log_sentinel.daemon.patience import Patience
from log_sentinel.store.faults import DatabaseUnavailable


class Database:
    """Refuses so many questions, each of which takes `seconds` of the stepped clock."""

    def __init__(self, refusals: int, seconds: float) -> None:
        self.now = 0.0
        self.during: list[tuple[str | None, float]] = []
        self.patience = Patience(lambda: self.now)
        self._left, self._seconds = refusals, seconds

    def ask(self) -> str:
        self.during.append((self.patience.waiting, self.patience.seconds_waited))
        self.now += self._seconds
        if self._left == 0:
            return "answer"
        self._left -= 1
        raise DatabaseUnavailable("sqlite:///x.db", "locked.")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "FIRST_RETRY_SECONDS", 0.001)


def test_an_outage_is_counted_while_it_lasts_and_known_when_it_is_over() -> None:
    database = Database(refusals=3, seconds=20)

    assert database.patience.until_answered(database.ask) == "answer"

    said = "sqlite:///x.db: locked."
    assert [(None, 0), (said, 0), (said, 20), (said, 40)] == database.during
    assert (None, 60) == (database.patience.waiting, database.patience.seconds_waited)
    outage = database.patience.last_outage
    assert outage is not None
    assert (said, 60) == (outage.reason, outage.seconds)


def test_an_outage_is_told_for_an_hour_after_it() -> None:
    database = Database(refusals=3, seconds=100)
    database.patience.until_answered(database.ask)
    outage = database.patience.last_outage
    assert outage is not None

    (told,) = findings(outage, outage.until)

    assert told.notice is Notice.AWAY
    until = f"{outage.until:%Y-%m-%d %H:%M:%S} UTC"
    assert f"it did not answer for 5 min, until {until}: sqlite:///x.db: locked." == told.says
    assert told.todo.startswith("Nothing was lost by it: ")
    assert [told] == list(findings(outage, outage.until + TOLD_FOR))
    assert [] == list(findings(outage, outage.until + TOLD_FOR + timedelta(seconds=1)))


def test_what_takes_a_moment_is_told_to_nobody() -> None:
    database = Database(refusals=1, seconds=SHORT_SECONDS - 1)
    database.patience.until_answered(database.ask)
    outage = database.patience.last_outage

    assert outage is not None
    assert [] == list(findings(outage, outage.until))
    assert [] == list(findings(None, outage.until))
