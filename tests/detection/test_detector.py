from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from log_sentinel.detection.judging import Judging
from log_sentinel.detection.rule import Kind
from log_sentinel.model.columns import DENIED_MINUTES, TRAFFIC, empty
from log_sentinel.model.spike import Dimension, Spike
from tests.detection.stories import Story, a_rule, at, denials, detector, fed, requests, settled

if TYPE_CHECKING:
    from log_sentinel.detection.candidates import Candidate

BURST: Story = {minute: [{"n": 40}] for minute in range(5, 20)}


def told(found: dict[int, list[Spike]]) -> dict[int, list[Spike]]:
    """The same up to the last digits: sums of floats depend on their order."""
    return {
        minute: [replace(spike, expected=spike.expected and round(spike.expected, 6)) for spike in spikes]
        for minute, spikes in found.items()
    }


def keys(found: dict[int, list[Spike]]) -> set[str]:
    return {spike.key for spikes in found.values() for spike in spikes}


def test_a_client_denied_far_more_than_usual_fires_once_three_minutes_were_high() -> None:
    found = fed(settled(a_rule(), usual=[{"n": 2}]), BURST, 30)

    first = found[min(found)][0]
    assert (7, "acme", 120, at(5)) == (min(found), first.key, first.observed, first.since)
    assert first.expected == pytest.approx(10, rel=0.1)


def test_what_is_usual_for_a_client_is_no_spike_for_it() -> None:
    assert fed(settled(a_rule(), usual=[{"n": 40}]), {minute: [{"n": 40}] for minute in range(60)}, 60) == {}


def test_a_spike_goes_on_down_to_half_its_figures_and_then_ends() -> None:
    story: Story = {minute: [{"n": 40}] for minute in range(10)} | {minute: [{"n": 5}] for minute in range(10, 30)}
    found = fed(settled(a_rule(), usual=[{"n": 1}]), story, 40)

    assert list(range(2, 32)) == sorted(found)


def test_traffic_that_doubles_does_not_alarm_by_itself() -> None:
    known = settled(a_rule(times_usual=2.0), usual=[{"n": 20}])

    assert fed(known, {minute: [{"n": 45}] for minute in range(30)}, 30, n=2000) == {}


def test_fewer_requests_make_no_denials_unusual() -> None:
    known = settled(a_rule(), usual=[{"n": 20}])

    assert fed(known, {minute: [{"n": 20}] for minute in range(30)}, 30, n=10) == {}


def test_an_incident_does_not_become_the_usual() -> None:
    known = settled(a_rule(), usual=[{"n": 2}])
    found = fed(known, {minute: [{"n": 40}] for minute in range(150)}, 150)

    assert found[149][0].expected == pytest.approx(10, rel=0.2)


def test_a_new_client_in_a_young_deployment_needs_more_than_three_high_minutes() -> None:
    found = fed(detector(a_rule()), {minute: [{"n": 40}] for minute in range(20, 60)}, 60)

    assert min(found) == 27


def test_a_client_that_was_always_there_is_no_news_to_a_deployment_that_was_not() -> None:
    assert fed(detector(a_rule()), {minute: [{"n": 40}] for minute in range(120)}, 120) == {}


def test_one_denial_against_none_is_no_incident() -> None:
    assert fed(detector(a_rule()), {minute: [{"n": 1}] for minute in range(30, 90)}, 90) == {}


def test_a_threshold_needs_no_history() -> None:
    rule = a_rule(kind=Kind.THRESHOLD, at_least=100, confirm=1)
    found = fed(detector(rule), {0: [{"n": 100}]}, 1)

    assert [spike.expected for spike in found[0]] == [None]


@pytest.mark.parametrize(
    ("dimension", "key"),
    [
        (Dimension.ALL, "all"),
        (Dimension.CLIENT, "acme"),
        (Dimension.IP, "192.0.2.1"),
        (Dimension.NETWORK, "192.0.2.0/24"),
        (Dimension.ROUTE, "/orders"),
        (Dimension.ROUTE_CLIENT, "acme on /orders"),
        (Dimension.SOURCE, "edge"),
    ],
)
def test_every_dimension_counts_by_its_key(dimension: Dimension, key: str) -> None:
    assert {key} == keys(fed(settled(a_rule(dimension=dimension)), BURST, 20))


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8::1", "2001:db8::/64"),
        ("198.51.100.7", "198.51.100.0/24"),
        ("not an address", None),
        ("1.2.3", None),
    ],
)
def test_addresses_are_counted_by_their_network(ip: str, network: str | None) -> None:
    story: Story = {minute: [{"n": 40, "ip": ip}] for minute in range(10)}

    assert {network} - {None} == keys(fed(settled(a_rule(dimension=Dimension.NETWORK)), story, 10))


def test_requests_without_a_client_are_no_client() -> None:
    story: Story = {minute: [{"n": 40, "client": None}] for minute in range(10)}

    assert fed(settled(a_rule()), story, 10) == {}


def test_statuses_and_filters_narrow_what_counts() -> None:
    rule = a_rule(statuses=(429,), where=(("route", ("/login",)),))
    story: Story = {
        minute: [
            {"client": "a", "n": 40},
            {"client": "b", "n": 40, "status": 429},
            {"client": "c", "n": 40, "status": 429, "route": "/login"},
        ]
        for minute in range(10)
    }

    assert {"c"} == keys(fed(settled(rule), story, 10))


def test_the_evidence_says_who_where_and_how_it_went() -> None:
    story: Story = {
        minute: [{"n": 30}, {"n": 10, "ip": "192.0.2.2", "route": "/cart", "status": 429, "cause": "rate_limit"}]
        for minute in range(5, 10)
    }
    evidence = fed(settled(a_rule()), story, 10)[9][0].evidence

    assert {
        "statuses": [["403", 150], ["429", 50]],
        "causes": [["unknown", 150], ["rate_limit", 50]],
        "clients": [["acme", 200]],
        "ips": [["192.0.2.1", 150], ["192.0.2.2", 50]],
        "ips_distinct": 2,
        "routes": [["/orders", 150], ["/cart", 50]],
        "anonymous": 0,
        "newest": 40,
    }.items() <= evidence.items()
    assert evidence["minutes"] == [0] * 55 + [40] * 5
    json.dumps(evidence)


def test_a_route_is_seen_against_its_requests() -> None:
    assert fed(settled(a_rule(dimension=Dimension.ROUTE)), BURST, 12)[11][0].evidence["requests"] == 5000


def test_spikes_tell_what_they_have_in_common() -> None:
    client, route = a_rule(), a_rule(dimension=Dimension.ROUTE)
    story: Story = {minute: [{"n": 40}, {"n": 100, "client": None}] for minute in range(10)}
    found = {spike.dimension: spike.evidence["shared"] for spike in fed(settled(client, route), story, 10)[9]}

    assert found == {Dimension.CLIENT: [["route", "/orders", 200]], Dimension.ROUTE: [["client", "acme", 200]]}


def test_empty_history_and_empty_minutes_say_nothing() -> None:
    known = detector(a_rule(), a_rule(dimension=Dimension.ALL, kind=Kind.THRESHOLD))
    known.learn(empty(DENIED_MINUTES), empty(TRAFFIC), at(0))

    assert known.feed(at(0), empty(DENIED_MINUTES), empty(TRAFFIC)) == []
    assert known.feed(at(1), empty(DENIED_MINUTES), empty(TRAFFIC)) == []


def test_one_minute_of_history_is_not_taken_for_a_usual() -> None:
    known = detector(a_rule())
    known.learn(denials(-1, {"n": 40}), requests(-1), at(0))

    assert fed(known, {minute: [{"n": 40}] for minute in range(14)}, 14) == {}


def test_a_minute_is_fed_once_and_in_order() -> None:
    known = detector(a_rule())
    known.feed(at(5), denials(5), requests(5))

    with pytest.raises(ValueError, match="was fed already; the last one was 2026-03-03 12:05"):
        known.feed(at(5), denials(5), requests(5))


def test_a_gap_in_the_log_teaches_nothing() -> None:
    known = settled(a_rule(), usual=[{"n": 20}])
    before = known.baselines["denials over 1 day, 0:00:00"].bins
    known.feed(at(0), denials(0, {"n": 20}), requests(0))
    known.feed(at(600), denials(600, {"n": 20}), requests(600))
    known.feed(at(620), denials(620, {"n": 20}), requests(620))

    # only what was there before the gap, and the minute after it
    assert known.baselines["denials over 1 day, 0:00:00"].bins < before + 4


def test_a_million_denials_of_a_new_client_in_one_minute_are_one_spike_once_confirmed() -> None:
    story: Story = {3: [{"client": "loud", "n": 1_000_000}]}
    quick, steady = a_rule(confirm=1, name="quick"), a_rule(name="steady")
    found = fed(settled(quick, steady), story, 30)

    assert {"quick"} == {spike.rule for spikes in found.values() for spike in spikes}
    assert {"loud"} == keys(found)


def test_ten_thousand_new_addresses_a_minute_are_held_within_bounds() -> None:
    rule = a_rule(dimension=Dimension.IP)
    known = settled(rule)
    for minute in range(30):
        ips = [f"10.{minute}.{n >> 8}.{n & 255}" for n in range(10_000)]
        rows = pl.concat([denials(minute, {"client": None})] * 10_000).with_columns(ip=pl.Series(ips))

        assert known.feed(at(minute), rows, requests(minute)) == []
    assert known.entities <= 400_000
    assert known.cut == 0


def test_more_keys_than_a_minute_may_have_are_cut_and_counted() -> None:
    known = settled(a_rule(dimension=Dimension.IP))
    ips = [f"10.0.{n >> 8}.{n & 255}" for n in range(60_000)]
    rows = pl.concat([denials(0, {"client": None})] * 60_000).with_columns(ip=pl.Series(ips))
    known.feed(at(0), rows, requests(0))

    assert known.cut == 10_000


def test_late_rows_put_a_minute_right() -> None:
    known = settled(a_rule())
    found = [bool(known.feed(at(minute), denials(minute), requests(minute))) for minute in range(4)]
    for minute in range(1, 4):
        known.amend(at(minute), denials(minute, {"n": 40}), requests(minute))

    assert found == [False] * 4
    assert [spike.observed for spike in known.feed(at(4), denials(4, {"n": 40}), requests(4))] == [160]


@pytest.mark.parametrize("stopped_at", [0, 7, 12, 33])
def test_a_restart_at_any_minute_changes_nothing(stopped_at: int) -> None:
    rules = (a_rule(), a_rule(dimension=Dimension.ROUTE), a_rule(dimension=Dimension.IP, times_usual=6.0))
    story: Story = {minute: [{"n": 3 + minute % 4}] for minute in range(60)} | {m: [{"n": 90}] for m in range(10, 40)}
    never_stopped = fed(settled(*rules, usual=[{"n": 4}]), story, 60)

    first, second = settled(*rules, usual=[{"n": 4}]), detector(*rules)
    found = fed(first, story, stopped_at)
    assert second.restore(json.loads(json.dumps(first.state())))
    for minute in range(stopped_at - 70, stopped_at):
        usual: list[dict[str, object]] = story.get(minute, [{"n": 4}])
        second.refill(at(minute), denials(minute, *usual), requests(minute))
    for minute in range(stopped_at, 60):
        if spikes := second.feed(at(minute), denials(minute, *story[minute]), requests(minute)):
            found[minute] = spikes

    assert told(never_stopped) == told(found)


def test_a_detector_with_new_rules_wants_to_learn_anew() -> None:
    state = settled(a_rule()).state()

    assert not detector(a_rule(), a_rule(dimension=Dimension.IP)).restore(state)
    assert detector(replace(a_rule(), at_least=99)).restore(state)


def test_history_learned_in_stretches_is_history_learned_at_once() -> None:
    minutes = range(-1440, 0)
    rows = pl.concat([denials(minute, {"n": 1 + minute % 7}) for minute in minutes])
    traffic = pl.concat([requests(minute) for minute in minutes])
    whole, parts = detector(a_rule()), detector(a_rule())
    whole.learn(rows, traffic, at(0))
    for end in (-720, 0):
        before = pl.col("minute").is_between(at(end - 720 - 70), at(end), closed="left")
        parts.learn(rows.filter(before), traffic.filter(before), at(end))

    story: Story = {minute: [{"n": 60}] for minute in range(20)}
    assert sorted(fed(whole, story, 20)) == sorted(fed(parts, story, 20))
    assert whole.first == parts.first
    (name,) = (name for name in whole.baselines if name.startswith("denials"))
    assert whole.baselines[name].bins == pytest.approx(parts.baselines[name].bins)


def test_a_rule_that_fails_is_left_out_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judging._judged

    def fails_for_one(self: Judging, one: Candidate, *rest: Any, **more: Any) -> object:
        if self._rules[one.rule].name == "broken":
            raise ZeroDivisionError("by nothing")
        return judge(self, one, *rest, **more)

    monkeypatch.setattr(Judging, "_judged", fails_for_one)
    known = settled(a_rule(name="broken"), a_rule(name="sound"))
    found = fed(known, {minute: [{"n": 40}] for minute in range(5)}, 5)

    assert {"sound"} == {spike.rule for spikes in found.values() for spike in spikes}
    assert ["broken"] == list(known.faults.take())
    assert known.faults.take() == {}
