"""An hour in which Slack is away: what its channel shows afterwards, how fast, and in which order.

The delivery is the daemon's own, with its Slack channel, over HTTP; only the time is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.slack.settings import SlackSettings
from tests.delivery.happenings import NOON, grew, opened, resolved
from tests.delivery.http_server import Reply
from tests.delivery.scene import StepClock, record
from tests.delivery.slack_api import TOKEN, Posted, SlackApi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from log_sentinel.model.incident import Happening
    from log_sentinel.store.engine import Database
    from tests.delivery.http_server import Request

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BEGINS, ENDS = NOON + timedelta(minutes=1), NOON + timedelta(minutes=61)
# A message a second and channel: https://docs.slack.dev/apis/web-api/rate-limits
PACE = timedelta(seconds=1)


class Unreachable(SlackApi):
    """A Slack that is away from BEGINS to ENDS, asks for half a minute's patience when it is back, and then takes a
    message a second. What the first call of the outage asked for was done; the answer was lost.
    """

    def __init__(self, clock: StepClock) -> None:
        super().__init__()
        self.clock = clock
        self.posted_at: list[datetime] = []
        self.called_at: list[datetime] = []
        self.refused_at: datetime | None = None
        self._lost_an_answer = False

    def _answer(self, request: Request) -> Reply:
        now = self.clock()
        self.called_at.append(now)
        if BEGINS <= now < ENDS:
            if not self._lost_an_answer:
                self._lost_an_answer = True
                super()._answer(request)
                return Reply(drop=True)
            return Reply(503, b"upstream connect error") if now.minute % 2 else Reply(drop=True)
        if now >= ENDS and self.refused_at is None:
            self.refused_at = now
            return Reply(429, b"", {"Retry-After": "30"})
        if request.path.endswith("chat.postMessage"):
            if self.posted_at and now - self.posted_at[-1] < PACE:
                return Reply(429, b"", {"Retry-After": "1"})
            self.posted_at.append(now)
        return super()._answer(request)


@dataclass
class Outage:
    """Incidents that people are to hear of while Slack is away."""

    database: Database
    slack: Unreachable
    delivery: Delivery

    def happens(self, happening: Happening, number: int | None = None) -> int:
        return record(self.database, happening, self.slack.clock(), number)

    def goes_on(self, *, until: datetime) -> None:
        while self.slack.clock() < until:
            self.delivery.step()
            self.slack.clock.step(minutes=1)

    def is_over(self) -> None:
        """Slack is back; a while later all is told."""
        self.goes_on(until=ENDS)
        self.slack.clock.step(minutes=15)
        for _ in range(60):
            self.delivery.step()
            self.slack.clock.step(seconds=1)


@pytest.fixture
def outage(database: Database) -> Iterator[Outage]:
    slack = Unreachable(StepClock())
    settings = SlackSettings.model_validate({"token": TOKEN, "channel": "C1", "base_url": slack.base_url})
    delivery = Delivery(database, {"ops": settings}, [], instance="edge-1", clock=slack.clock)
    yield Outage(database, slack, delivery)
    slack.close()


def first_line(shown: dict[str, Any]) -> str:
    return str(shown["text"])


def below(slack: SlackApi, opening: Posted) -> list[str]:
    return [first_line(one.payload) for one in slack.messages if one.thread == opening.ts]


def test_after_an_hour_of_outage_each_incident_is_told_once_as_it_stands(outage: Outage) -> None:
    before = outage.happens(opened(key="before"))
    outage.delivery.step()
    outage.slack.clock.step(minutes=1)
    at_its_start = outage.happens(opened(key="lost answer"))
    outage.delivery.step()
    outage.happens(grew(key="before"), before)
    short = outage.happens(opened(key="short"))
    growing = outage.happens(opened(key="growing"))
    outage.goes_on(until=NOON + timedelta(minutes=30))
    outage.happens(resolved(key="short"), short)
    outage.happens(grew(key="growing"), growing)
    outage.happens(resolved(key="before"), before)
    last = outage.happens(opened(key="last"))
    outage.is_over()
    slack = outage.slack
    openings = [one for one in slack.messages if one.thread is None]
    keys = ["before", "lost answer", "short", "growing", "last"]
    assert [f"`{key}`" for key in keys] == [
        next(f"`{key}`" for key in keys if f" {key} " in first_line(one.payload)) for one in openings
    ]
    assert "Resolved" in first_line(openings[0].now)
    assert 1 == len(below(slack, openings[0]))
    assert first_line(openings[2].payload).startswith("🟢 Resolved: ")
    assert first_line(openings[3].payload).startswith("🔴 Growing: ")
    assert len({at_its_start, short, growing, last, before}) == len(openings)
    told = [one.payload["metadata"]["event_payload"]["key"] for one in slack.messages]
    assert len(told) == len(set(told)) == 6


def test_after_an_outage_slack_is_waited_for_as_it_asks_and_told_a_message_a_second(outage: Outage) -> None:
    outage.slack.clock.step(minutes=1)
    for number in range(8):
        outage.happens(opened(key=f"client {number}"))
    outage.is_over()
    slack = outage.slack
    since = [at for at in slack.posted_at if at >= ENDS]
    assert 8 == len([one for one in slack.messages if one.thread is None])
    assert all(later - earlier >= PACE for earlier, later in pairwise(since))
    assert slack.refused_at is not None
    assert min(at for at in slack.called_at if at > slack.refused_at) >= slack.refused_at + timedelta(seconds=30)
    assert since[-1] - since[0] <= timedelta(seconds=10)


def test_a_storm_during_an_outage_is_one_message_and_what_was_shown_before_stands_as_it_is_now(outage: Outage) -> None:
    before = outage.happens(opened(key="before"))
    outage.delivery.step()
    outage.slack.clock.step(minutes=1)
    for number in range(59):
        outage.happens(opened(key=f"client {number}"))
        outage.goes_on(until=outage.slack.clock() + timedelta(minutes=1))
    outage.happens(resolved(key="before"), before)
    outage.is_over()
    first, arrived, listed = outage.slack.messages
    assert "(#1)" in first_line(first.payload)
    assert first_line(first.now).startswith("🟢 Resolved: ")
    assert "client 0 denied" in first_line(arrived.payload)
    assert "59 incidents (58 open, 1 resolved)" in first_line(listed.payload)
