"""When a channel is told: quiet hours, digests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from log_sentinel.delivery.terms import ChannelTerms, Digest, QuietHours
from log_sentinel.model.spike import Severity
from tests.delivery.happenings import NOON, opened


def terms(**settings: Any) -> ChannelTerms:
    return ChannelTerms.model_validate(settings)


NIGHT = {"since": "22:00", "until": "07:00"}


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-24 21:59", None),
        ("2026-11-24 22:00", "2026-11-25 07:00"),
        ("2026-11-25 00:00", "2026-11-25 07:00"),
        ("2026-11-25 06:59", "2026-11-25 07:00"),
        ("2026-11-25 07:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(now: str, end: str | None) -> None:
    ends = QuietHours.model_validate(NIGHT).end(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (None if end is None else datetime.fromisoformat(end).replace(tzinfo=UTC)) == ends


def test_quiet_hours_are_in_their_zone_also_when_the_clocks_change() -> None:
    berlin = QuietHours.model_validate({**NIGHT, "zone": "Europe/Berlin"})
    before = berlin.end(datetime(2026, 10, 24, 21, 0, tzinfo=UTC))
    assert datetime(2026, 10, 25, 6, 0, tzinfo=UTC) == before


def test_what_is_worse_than_the_quiet_hours_bear_is_told_at_once() -> None:
    night = terms(quiet={**NIGHT, "since": "10:00", "until": "14:00"})
    assert night.not_before(opened(severity=Severity.CRITICAL), NOON) is None
    assert NOON + timedelta(hours=2) == night.not_before(opened(severity=Severity.WARNING), NOON)


@pytest.mark.parametrize(("every", "due"), [("1h", "13:00"), ("6h", "18:00"), ("1d", "00:00"), ("7m", "12:01")])
def test_a_digest_comes_at_round_times(every: str, due: str) -> None:
    assert due == f"{Digest.model_validate({'every': every}).next(NOON):%H:%M}"


def test_the_later_of_digest_and_quiet_hours_counts() -> None:
    both = terms(quiet={"since": "10:00", "until": "14:00"}, digest={"every": "1h"})
    assert NOON + timedelta(hours=2) == both.not_before(opened(severity=Severity.INFO), NOON)


@pytest.mark.parametrize(
    "settings",
    [
        {"quiet": {**NIGHT, "zone": "Europe/Nowhere"}},
        {"quiet": {"since": "25:00", "until": "07:00"}},
        {"digest": {"every": "1s"}},
        {"digest": {"every": "2d"}},
        {"collapse_after": 0},
    ],
)
def test_terms_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        terms(**settings)
