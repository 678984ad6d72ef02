from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from log_sentinel.incidents.hurt import that_concern, with_who_is_hurt
from log_sentinel.model.spike import Dimension, Severity, Spike, Who
from tests.incidents.spikes import a_spike


def told(dimension: Dimension, **before: Any) -> Spike:
    known = {"hours": 0, "requests": 0, "succeeded": 0, "first_seen": None}
    return with_who_is_hurt(a_spike(dimension=dimension), **(known | before))


@pytest.mark.parametrize(
    ("dimension", "before", "who", "severity"),
    [
        (Dimension.CLIENT, {"hours": 300, "requests": 1000, "succeeded": 992}, "customer", Severity.CRITICAL),
        (Dimension.IP, {"hours": 300, "requests": 1000, "succeeded": 992}, "customer", Severity.CRITICAL),
        (Dimension.CLIENT, {}, "newcomer", Severity.WARNING),
        (Dimension.CLIENT, {"hours": 3, "requests": 100}, "newcomer", Severity.WARNING),
        (Dimension.CLIENT, {"hours": 24, "requests": 100}, None, Severity.WARNING),
        (Dimension.CLIENT, {"lately": 3}, None, Severity.WARNING),
        (Dimension.IP, {}, "stranger", Severity.INFO),
        (Dimension.IP, {"lately": 3}, None, Severity.WARNING),
        (Dimension.IP, {"hours": 300, "requests": 1000, "succeeded": 0}, "stranger", Severity.INFO),
        (Dimension.CLIENT, {"hours": 3, "requests": 100, "succeeded": 99}, None, Severity.WARNING),
        (Dimension.CLIENT, {"hours": 300, "requests": 100, "succeeded": 40}, None, Severity.WARNING),
    ],
)
def test_severity_follows_who_is_hurt(
    dimension: Dimension, before: dict[str, int], who: str | None, severity: Severity
) -> None:
    spike = told(dimension, **before)

    assert (who, severity) == (spike.evidence.get("who"), spike.severity)


def test_what_was_known_goes_with_the_spike() -> None:
    spike = told(Dimension.CLIENT, hours=336, requests=1000, succeeded=992, first_seen="2026-02-17T12:00:00+00:00")

    assert {
        "who": "customer",
        "first_seen": "2026-02-17T12:00:00+00:00",
        "hours_before": 336,
        "requests_before": 1000,
        "succeeded_before": 0.992,
    }.items() <= spike.evidence.items()


def test_a_rule_for_newcomers_says_nothing_of_others() -> None:
    new, old = told(Dimension.CLIENT), told(Dimension.CLIENT, hours=300, requests=1000, succeeded=992)
    asked = [replace(spike, of_whom=(Who.NEWCOMER,)) for spike in (new, old)]

    assert [new, old, asked[0]] == that_concern([new, old, *asked])
