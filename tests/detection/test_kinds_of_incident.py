"""The kinds of incident beyond one key's spike, each as its rule file has it."""

from __future__ import annotations

import polars as pl
import pytest

from log_sentinel.detection.frames import hashed, hashes_of
from log_sentinel.detection.hours import Hours, slot_of
from log_sentinel.detection.rule import Kind
from log_sentinel.model.spike import Dimension
from tests.detection.stories import Story, a_rule, at, denials, detector, fed, repeated, requests, settled


def spread_over(column: str, values: int, n: int = 60) -> Story:
    """`n` denials a minute for ten minutes, dealt out over so many values of a column."""
    return {
        minute: [{column: f"{column}-{value}", "n": n // values} for value in range(values)] for minute in range(10)
    }


@pytest.mark.parametrize(("routes", "fires"), [(19, False), (20, True)])
def test_a_rule_may_ask_over_how_many_the_denials_are_spread(routes: int, fires: bool) -> None:
    rule = a_rule(dimension=Dimension.IP, distinct=(("route", 20),))

    assert fires == bool(fed(settled(rule), spread_over("route", routes), 10))


@pytest.mark.parametrize(("ips", "fires"), [(5, False), (20, True)])
def test_a_rule_may_ask_that_none_of_them_is_large(ips: int, fires: bool) -> None:
    rule = a_rule(dimension=Dimension.ROUTE, largest=(("ip", 0.1),))

    assert fires == bool(fed(settled(rule), spread_over("ip", ips), 10))


def test_who_is_not_named_is_no_large_client() -> None:
    rule = a_rule(dimension=Dimension.ROUTE, largest=(("client", 0.2),))
    anonymous: Story = {minute: [{"n": 60, "client": None}] for minute in range(10)}

    assert fed(settled(rule), anonymous, 10)


@pytest.mark.parametrize(("clients", "fires"), [(1, False), (20, True)])
def test_a_rule_may_ask_that_no_client_alone_is_the_rise(clients: int, fires: bool) -> None:
    rule = a_rule(dimension=Dimension.ALL, largest_of_rise=(("client", 0.7),))
    rest: list[dict[str, object]] = [{"client": f"usual-{n}"} for n in range(15)]
    rise = [{"client": f"rising-{n}", "n": 80 // clients} for n in range(clients)]
    known = settled(rule, usual=rest)

    assert {} == fed(known, dict.fromkeys(range(30), rest), 30)
    later = {
        minute: known.feed(at(minute), denials(minute, *rest, *rise), requests(minute)) for minute in range(30, 110)
    }
    assert [fires] * 70 == [bool(later[minute]) for minute in range(40, 110)]


def test_each_status_is_spread_or_not_for_itself() -> None:
    rule = a_rule(kind=Kind.SPIKE, apart=True, dimension=Dimension.ROUTE, largest=(("client", 0.5),))
    others = [{"client": f"c{n}", "status": 429, "n": 2} for n in range(50)]
    one = {"client": "one", "status": 403, "n": 60}
    found = fed(settled(rule, usual=others), {minute: [*others, one] for minute in range(10)}, 10)

    assert {} == found


@pytest.mark.parametrize(("asked", "fires"), [(1000, False), (70, True)])
def test_a_rule_may_ask_what_part_of_the_requests_is_denied(asked: int, fires: bool) -> None:
    rule = a_rule(dimension=Dimension.ROUTE, share=0.8)

    assert fires == bool(fed(settled(rule), {minute: [{"n": 60}] for minute in range(10)}, 10, n=asked))


@pytest.mark.parametrize(("asked", "fires"), [(1500, True), (1600, False)])
def test_a_rule_may_ask_that_no_more_requests_come_than_usual(asked: int, fires: bool) -> None:
    rule = a_rule(dimension=Dimension.ROUTE, traffic_at_most=1.55)
    denied: Story = {minute: [{"n": 60}] for minute in range(10)}

    assert fires == bool(fed(settled(rule), denied, 10, n=asked))


def test_where_no_requests_are_usual_yet_nobody_can_say_that_no_more_come() -> None:
    rule = a_rule(dimension=Dimension.ROUTE, traffic_at_most=1.5)

    assert {} == fed(detector(rule), {minute: [{"n": 60}] for minute in range(40)}, 40)


def test_statuses_of_a_spike_are_judged_apart() -> None:
    rule = a_rule(kind=Kind.SPIKE, apart=True)
    usual: list[dict[str, object]] = [{"n": 40, "status": 429}]
    story: Story = {minute: [{"n": 40, "status": 429}, {"n": 20, "status": 403}] for minute in range(10)}
    found = fed(settled(rule, usual=usual), story, 10)

    assert found[2][0].evidence["statuses"] == [["403", 60]]


def test_a_spike_must_be_more_than_chance() -> None:
    unsteady: Story = {minute: [{"n": 6 if minute % 20 < 5 else 0}] for minute in range(600)}
    rule = a_rule(kind=Kind.SPIKE, at_least=20, times_usual=3.0, confirm=1)
    ratio = a_rule(name="ratio", at_least=20, times_usual=3.0, confirm=1)
    found = fed(detector(rule, ratio), unsteady, 600)

    assert {"ratio"} == {spike.rule for spikes in found.values() for spike in spikes}


def test_a_log_that_stops_is_told_and_a_night_is_not() -> None:
    rule = a_rule(
        kind=Kind.SILENCE, dimension=Dimension.SOURCE, of_requests=True, window=10, at_least=200, times_usual=50.0
    )
    known = detector(rule)
    busy = repeated(requests(0, 100).with_columns(source=pl.lit("edge")), -2880, 0)
    known.learn(denials(0).clear(), busy, at(0))
    told = [known.feed(at(minute), denials(minute), requests(minute, 0).clear()) for minute in range(12)]

    assert [0] * 9 + [1] * 3 == [len(spikes) for spikes in told]
    assert told[9][0].evidence["of"] == "requests"


def test_an_hour_of_the_day_has_its_own_usual() -> None:
    hours = Hours()
    for hour in range(3 * 24):
        n = 40.0 if hour % 24 == 9 else 1.0
        taught = hashed(pl.DataFrame({"entity": ["1|403|office"] * 12, "taught": [n] * 12, "age": range(12)}))
        hours.learn_many(taught, taught.head(1), hour * 12, 12)
    at_nine = hours.means(hashes_of(["1|403|office"]), 108)

    assert hours.lived(108)
    assert at_nine.select(mean=hours.mean(pl.col("hour_level"), pl.lit(4.0), 108))["mean"].item() == pytest.approx(
        38, abs=2
    )


@pytest.mark.parametrize(("days_told", "least", "most"), [(1, 0.0, 1.5), (2, 10.0, 40.0)], ids=["once", "on two days"])
def test_what_an_incident_brings_becomes_a_part_of_the_day_when_it_comes_again(
    days_told: int, least: float, most: float
) -> None:
    hours, acme = Hours(), "1|403|acme"
    for day in range(4 + days_told):
        told = day >= 4
        for bin_number in range(108, 120):
            hours.go_on(day * 288 + bin_number, [acme] if told else [])
        hours.end(hashed(pl.DataFrame({"entity": [acme], "taught": [12 * 40.0 if told else 12.0]})))
    level = hours.means(hashes_of([acme]), 108)["hour_level"].item()

    assert least < hours.mean(level, 1.0, 108) < most


@pytest.mark.parametrize(("hour", "slot"), [(0, 0), (25, 1), (48, 24), (95, 47), (96, 0)])
def test_weekends_are_hours_of_their_own(hour: int, slot: int) -> None:
    # hour 0 is a Thursday midnight, hour 48 a Saturday's
    assert slot_of(hour) == slot
