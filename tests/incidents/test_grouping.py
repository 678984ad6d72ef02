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


def test_two_clients_on_one_route_that_one_of_them_makes_are_two_matters() -> None:
    flood, other = a_spike("umbra", observed=900), a_spike("acme", observed=100)
    met = replace(route, observed=1000)

    assert roots(sharing(flood, (met, 900)), sharing(other, (met, 100)), sharing(met, (flood, 900), (other, 100))) == {
        "umbra": ["/orders"],
        "acme": [],
    }


def test_what_is_one_clients_goes_with_it_when_it_is_set_apart() -> None:
    flood, other = a_spike("umbra", observed=900), a_spike("acme", observed=100)
    both = a_spike("acme on /orders", dimension=Dimension.ROUTE_CLIENT, observed=80)
    met = replace(route, observed=1000)

    assert roots(
        sharing(flood, (met, 900)),
        sharing(other, (met, 100), (both, 80)),
        sharing(both, (other, 80), (met, 80)),
        sharing(met, (flood, 900), (other, 100), (both, 80)),
    ) == {"umbra": ["/orders"], "acme": ["acme on /orders"]}


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


def test_what_begins_late_in_a_general_rise_with_far_more_than_its_share_is_a_matter_of_its_own() -> None:
    everything = a_spike("all", dimension=Dimension.ALL, observed=2000, expected=500.0)
    everything = replace(everything, evidence={**everything.evidence, "clients_distinct": 100})
    begun, late = (a_spike("acme", minute, observed=200) for minute in (0, 30))
    few = replace(everything, evidence={**everything.evidence, "clients_distinct": 1000})
    ordinary = a_spike("umbra", 30, observed=60)

    assert roots(sharing(everything, (begun, 200)), begun) == {"all": ["acme"]}
    assert roots(sharing(everything, (late, 200), (ordinary, 60)), late, ordinary) == {"all": ["umbra"], "acme": []}
    # among very many, a little is soon more than a share
    assert roots(sharing(few, (ordinary, 60)), ordinary) == {"all": ["umbra"]}


def test_what_was_found_by_how_many_are_denied_is_no_one_clients_matter() -> None:
    flood, small = a_spike("acme", observed=900), a_spike("umbra", observed=30)
    everything = sharing(a_spike("all", dimension=Dimension.ALL, observed=1400), (flood, 900), (small, 30))
    crowded = sharing(replace(route, observed=1000), (flood, 900))

    assert roots(everything, flood, small) == {"acme": ["all"], "umbra": []}
    assert roots(replace(everything, of_many=True), flood, small) == {"all": ["umbra"], "acme": []}
    assert roots(crowded, sharing(flood, (crowded, 600))) == {"acme": ["/orders"]}
    assert roots(replace(crowded, of_many=True), sharing(flood, (crowded, 400))) == {"acme": [], "/orders": []}


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
