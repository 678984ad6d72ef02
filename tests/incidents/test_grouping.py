from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.incidents.grouping import SPECIFIC, groups
from log_sentinel.model.spike import Dimension, Severity, Spike
from tests.incidents.spikes import a_spike, sharing

client = a_spike("acme")
ip = a_spike("192.0.2.1", dimension=Dimension.IP, observed=40)
route = a_spike("/orders", dimension=Dimension.ROUTE, observed=110)


def roots(*spikes: Spike) -> dict[str, list[str]]:
    return {group.root.key: [member.key for member in group.members] for group in groups(spikes)}


def test_a_client_over_its_addresses_and_a_route_is_the_clients_matter() -> None:
    assert roots(
        sharing(ip, (client, 40), (route, 40)),
        sharing(route, (client, 100), (ip, 40)),
        sharing(client, (ip, 40), (route, 100)),
    ) == {"acme": ["/orders", "192.0.2.1"]}


def test_a_route_that_many_clients_meet_is_the_routes_matter() -> None:
    assert roots(sharing(client, (route, 100)), sharing(replace(route, observed=1000), (client, 100))) == {
        "/orders": ["acme"]
    }


@pytest.mark.parametrize("other", [client, route], ids=["the client", "the route"])
def test_a_client_on_a_route_names_the_matter_only_where_neither_does(other: Spike) -> None:
    both = a_spike("acme on /orders", dimension=Dimension.ROUTE_CLIENT, observed=100)

    assert {other.key: [both.key]} == roots(sharing(both, (other, 100)), sharing(other, (both, 100)))
    assert {both.key: []} == roots(both)


def test_spikes_that_have_little_in_common_stay_apart() -> None:
    assert roots(sharing(client, (route, 20)), sharing(route, (client, 20))) == {"acme": [], "/orders": []}


def test_two_rules_about_one_key_are_one_matter_and_the_graver_names_it() -> None:
    grave = replace(client, rule="tight", severity=Severity.CRITICAL)

    assert [(group.root.rule, [member.rule for member in group.members]) for group in groups([client, grave])] == [
        ("tight", ["client-spike"])
    ]


def test_a_rule_that_yields_to_another_of_the_same_key_leaves_the_name_to_it() -> None:
    attacked = replace(route, rule="attacked", severity=Severity.CRITICAL, yields_to=("broken",))
    broken = replace(route, rule="broken")

    assert [(group.root.rule, [member.rule for member in group.members]) for group in groups([attacked, broken])] == [
        ("broken", ["attacked"])
    ]


def test_what_is_usual_for_a_key_is_no_part_of_its_excess() -> None:
    busy = replace(route, observed=1000, expected=900.0)

    assert roots(sharing(client, (busy, 100)), sharing(busy, (client, 60))) == {"acme": ["/orders"]}


def test_a_general_rise_takes_the_small_ones_in_and_leaves_the_large_one_alone() -> None:
    small = [a_spike(f"c{number}", observed=30) for number in range(20)]
    large = a_spike("acme", observed=400)
    everything = a_spike("all", dimension=Dimension.ALL, observed=1400)
    found = roots(sharing(everything, (large, 400), *((one, 30) for one in small)), large, *small)

    assert {"all", "acme"} == set(found)
    assert len(found["all"]) == 20


def test_the_sum_of_a_few_is_no_general_rise() -> None:
    three = [a_spike(f"c{number}", observed=200) for number in range(3)]
    everything = a_spike("all", dimension=Dimension.ALL, observed=700)

    assert roots(sharing(everything, *((one, 200) for one in three)), *three) == {"c0": ["all"], "c1": [], "c2": []}


@given(
    st.lists(
        st.tuples(st.sampled_from(SPECIFIC), st.sampled_from("abc"), st.integers(1, 500)),
        max_size=8,
        unique_by=lambda one: one[:2],
    ),
    st.data(),
)
def test_every_spike_is_in_one_group_once(found: list[tuple[Dimension, str, int]], data: st.DataObject) -> None:
    plain = [a_spike(key, dimension=dimension, observed=n) for dimension, key, n in found]
    spikes = [
        sharing(spike, *((other, data.draw(st.integers(0, spike.observed))) for other in plain if other != spike))
        for spike in plain
    ]
    made = groups(spikes)

    told = [spike for group in made for spike in (group.root, *group.members)]
    assert sorted(map(repr, spikes)) == sorted(map(repr, told))
    assert groups(list(reversed(spikes))) == made
