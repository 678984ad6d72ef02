"""Which kind of matter an incident is told as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from log_sentinel.delivery.message.matters import Matter, matter_of
from log_sentinel.model.spike import Dimension
from tests.delivery.happenings import incident, message
from tests.delivery.stories import MATTERS

EXPECTED = {
    "scanner": Matter.SCANNER,
    "newcomer": Matter.NEWCOMER,
    "pinned-at-limit": Matter.QUOTA,
    "route-denies-everybody": Matter.BROKEN_ROUTE,
    "distributed-attack": Matter.DISTRIBUTED,
    "denials-silent": Matter.SILENCE,
    "log-silent": Matter.LOG_SILENT,
}


@pytest.mark.parametrize("name", MATTERS)
def test_each_kind_of_incident_is_told_as_what_it_is(name: str) -> None:
    assert EXPECTED[name] == matter_of(MATTERS[name].incident)


@pytest.mark.parametrize(
    ("facts", "told_as"),
    [
        ({}, Matter.SPIKE),
        ({"labels": {"kind": "ours"}}, Matter.SPIKE),
        # an incident that was a scanner's and is a client's by now
        ({"labels": {"kind": "misconfiguration"}}, Matter.SPIKE),
        ({"labels": {"kind": "scanner"}, "dimension": Dimension.ALL}, Matter.SPIKE),
        # a rule of somebody's own that says nothing of its kind
        ({"expected": 1000.0}, Matter.SILENCE),
        ({"expected": 1000.0, "evidence": {"of": "requests"}}, Matter.LOG_SILENT),
        ({"expected": None, "evidence": {"of": "requests"}}, Matter.LOG_SILENT),
        # a spike that is over has few denials, too
        ({"expected": 30.0, "observed": 2}, Matter.SPIKE),
        ({"expected": 700.0}, Matter.SPIKE),
        ({"evidence": {"who": "newcomer"}, "dimension": Dimension.IP}, Matter.SPIKE),
    ],
)
def test_where_label_and_figures_do_not_agree_it_is_told_as_what_is_always_true(
    facts: dict[str, Any], told_as: Matter
) -> None:
    assert told_as == matter_of(incident(**facts))


def test_of_a_silence_no_cause_is_guessed_and_no_request_shown() -> None:
    told = message(MATTERS["denials-silent"])
    assert (None, ()) == (told.verdict, told.samples)


def test_one_that_was_taken_over_says_under_which_name_it_began() -> None:
    was = {"rule": "client-spike", "dimension": "client", "key": "acme-prod"}
    told = message(dimension=Dimension.ROUTE, key="/v1/orders", evidence={"was": was})
    assert str(told.summary).endswith(" It began as client acme-prod.")


def test_a_broken_route_of_a_log_without_clients_counts_addresses() -> None:
    broken = MATTERS["route-denies-everybody"].incident
    nameless = {name: what for name, what in broken.evidence.items() if not name.startswith("clients")}
    told = message(replace(MATTERS["route-denies-everybody"], incident=replace(broken, evidence=nameless)))
    assert "41 addresses at once are seldom all wrong." in str(told.summary)


@pytest.mark.parametrize(("usual", "says"), [(0.01, "usually none"), (0.4, "usually 0.4"), (12.0, "usually 12")])
def test_a_chart_says_what_is_usual_a_minute(usual: float, says: str) -> None:
    told = message(evidence={"minutes": [0, 0, 40], "usual_per_minute": usual})
    assert told.chart is not None
    assert str(told.chart.caption).endswith(says)
