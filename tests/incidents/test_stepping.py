from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from log_sentinel.incidents.people import acknowledged, resolved
from log_sentinel.incidents.states import NoSuchStep
from log_sentinel.model.incident import HappeningKind, IncidentState
from log_sentinel.model.spike import Dimension, Severity
from tests.incidents.spikes import Kept, Quiet, a_spike, at, sharing


def test_an_incident_is_opened_once_and_resolved_once_it_is_quiet() -> None:
    kept = Kept(client_spike=Quiet())

    assert kept.run(range(5), a_spike()) + kept.run(range(5, 20)) == ["opened acme", "resolved acme"]
    assert at(14) == kept.incidents[0].resolved_at


def test_it_resolves_after_as_long_as_its_rule_keeps_firing() -> None:
    kept = Kept(client_spike=Quiet(keep_firing_for=timedelta(minutes=3)))
    kept.minute(0, a_spike())

    assert [kept.minute(minute) for minute in (1, 2, 3)] == [[], [], ["resolved acme"]]


def test_people_are_told_again_each_time_it_doubles() -> None:
    kept = Kept()
    told = [kept.minute(minute, a_spike(observed=n)) for minute, n in enumerate([100, 150, 199, 210, 390, 420, 300])]

    assert told == [["opened acme"], [], [], ["grew acme"], [], ["grew acme"], []]
    assert (kept.incidents[0].peak, kept.incidents[0].observed) == (420, 300)


def test_a_higher_severity_escalates_and_a_lower_one_does_not_calm() -> None:
    kept = Kept()
    kept.minute(0, a_spike())

    assert kept.minute(1, a_spike(severity=Severity.CRITICAL)) == ["escalated acme"]
    assert kept.minute(2, a_spike(severity=Severity.INFO)) == []
    assert Severity.CRITICAL is kept.incidents[0].severity


def test_what_comes_back_within_the_grace_time_is_the_same_incident() -> None:
    kept = Kept()
    kept.run(range(11), a_spike())
    kept.run(range(11, 40))

    assert kept.minute(60, a_spike(since=at(58))) == ["reopened acme"]
    assert (1, None, at(0)) == (len(kept.incidents), kept.incidents[0].resolved_at, kept.incidents[0].opened_at)


def test_what_comes_back_after_the_grace_time_is_another_incident() -> None:
    kept = Kept()
    kept.minute(0, a_spike())
    kept.run(range(1, 30))

    assert kept.minute(100, a_spike(since=at(98))) == ["opened acme"]
    assert len(kept.incidents) == 2


def test_all_denials_since_it_began_are_counted() -> None:
    kept = Kept()
    kept.minute(0, a_spike(observed=100))
    kept.minute(1, a_spike(observed=115))
    kept.minute(2, a_spike(observed=130))

    assert kept.incidents[0].total == 140


def test_labels_and_runbook_of_the_rule_go_with_the_incident() -> None:
    kept = Kept(client_spike=Quiet(labels={"team": "edge"}, runbook="https://runbook"))
    kept.minute(0, a_spike())

    assert kept.incidents[0].labels == {"team": "edge", "runbook": "https://runbook"}


def test_three_views_of_the_same_denials_are_told_once() -> None:
    client = a_spike()
    ip = sharing(a_spike("192.0.2.1", dimension=Dimension.IP, observed=50), (client, 50))
    route = sharing(a_spike("/orders", dimension=Dimension.ROUTE), (client, 100))
    kept = Kept()

    assert kept.run(range(5), client, ip, route) == ["opened acme"]
    assert kept.incidents[0].evidence["parts_distinct"] == 2


def test_a_part_that_outlasts_its_incident_opens_nothing_of_its_own() -> None:
    client = a_spike()
    route = sharing(a_spike("/orders", dimension=Dimension.ROUTE, since=at(0)), (client, 100))
    kept = Kept()
    kept.run(range(5), client, route)

    assert kept.run(range(5, 30), replace(route, evidence={})) == ["resolved acme"]


def test_an_incident_goes_on_while_what_it_took_in_explains_it() -> None:
    everything = a_spike("all", dimension=Dimension.ALL, observed=2000)
    route = a_spike("/orders", dimension=Dimension.ROUTE, observed=300)
    kept = Kept()
    kept.minute(0, sharing(everything, (route, 300)), route)
    falling = replace(everything, observed=500)

    assert kept.run(range(1, 30), sharing(falling, (route, 300)), route) == []
    assert kept.run(range(30, 60)) == ["resolved all"]


def test_a_rise_of_many_is_no_part_of_the_one_client_that_was_told_before() -> None:
    client = a_spike(observed=900)
    everything = sharing(a_spike("all", dimension=Dimension.ALL, observed=1000), (client, 900))
    kept = Kept()
    kept.run(range(5), client, everything)

    assert kept.minute(5, client, replace(everything, rule="everybody", since=at(5), of_many=True)) == ["opened all"]


def test_a_part_that_outgrows_its_incident_takes_it_over() -> None:
    client = a_spike()
    route = a_spike("/orders", dimension=Dimension.ROUTE, observed=110)
    kept = Kept()
    kept.minute(0, client, sharing(route, (client, 100)))
    broken = replace(route, observed=900, severity=Severity.CRITICAL)

    assert kept.minute(1, sharing(client, (broken, 100)), sharing(broken, (client, 100))) == ["escalated /orders"]
    assert len(kept.incidents) == 1


def test_a_cause_that_shows_later_takes_over_the_incident_that_was_told() -> None:
    ip = a_spike("192.0.2.1", dimension=Dimension.IP, observed=50)
    client = a_spike()
    kept = Kept()
    kept.minute(0, ip)

    assert kept.minute(1, client, sharing(ip, (client, 50))) == ["grew acme"]
    (incident,) = kept.incidents
    assert (
        incident.id,
        incident.rule,
        incident.evidence["was"],
    ) == (1, "client-spike", {"rule": "ip-spike", "dimension": "ip", "key": "192.0.2.1"})


def test_what_was_told_long_before_is_a_matter_of_its_own_and_becomes_a_child() -> None:
    client = a_spike()
    everything = a_spike("all", dimension=Dimension.ALL, observed=5000, since=at(30))
    kept = Kept()
    kept.run(range(33), client)

    assert kept.minute(33, sharing(everything, (client, 100)), sharing(client, (everything, 100))) == ["opened all"]
    kept.minute(34, sharing(everything, (client, 100)), sharing(client, (everything, 100)))
    assert [(incident.key, incident.parent) for incident in kept.incidents] == [("acme", 2), ("all", None)]


def test_other_incidents_of_the_same_cause_become_its_children_and_say_no_more_until_they_end() -> None:
    one, two = (a_spike(key, dimension=Dimension.IP, observed=60) for key in ("192.0.2.1", "192.0.2.2"))
    client = a_spike()
    kept = Kept()
    kept.minute(0, one, two)
    kept.minute(1, client, sharing(one, (client, 60)), sharing(two, (client, 60)))
    loud = replace(two, observed=400)

    assert kept.minute(2, client, sharing(loud, (client, 400))) == []
    assert [incident.parent for incident in kept.incidents] == [None, 1]
    assert kept.run(range(3, 20)) == ["resolved acme", "resolved 192.0.2.2"]


def test_what_a_person_resolved_is_not_told_again_while_it_goes_on() -> None:
    kept = Kept()
    kept.run(range(3), a_spike(since=at(0)))
    kept.incidents[0] = resolved(kept.incidents[0], "ada", at(3)).incident

    assert kept.run(range(3, 20), a_spike(since=at(0))) == []
    assert kept.minute(40, a_spike(since=at(38))) == ["reopened acme"]


def test_who_acknowledged_stays_known_and_an_escalation_asks_again() -> None:
    kept = Kept()
    kept.minute(0, a_spike())
    happening = acknowledged(kept.incidents[0], "ada", at(1))
    kept.incidents[0] = happening.incident

    assert (happening.kind, happening.who) == (HappeningKind.ACKNOWLEDGED, "ada")
    assert kept.minute(1, a_spike()) == []
    assert IncidentState.ACKNOWLEDGED is kept.incidents[0].state
    assert kept.minute(2, a_spike(severity=Severity.CRITICAL)) == ["escalated acme"]
    assert (kept.incidents[0].state, kept.incidents[0].acknowledged_by) == (IncidentState.OPEN, "ada")


def test_what_is_over_cannot_be_acknowledged() -> None:
    kept = Kept()
    kept.minute(0, a_spike())
    over = resolved(kept.incidents[0], "ada", at(1)).incident

    with pytest.raises(NoSuchStep):
        acknowledged(over, "ada", at(2))


def test_a_storm_of_new_spikes_is_one_incident_that_its_cause_takes_over() -> None:
    many = [a_spike(f"c{number}", observed=100 + number) for number in range(30)]
    kept = Kept()

    assert kept.minute(0, *many) == ["opened c29"]
    assert kept.incidents[0].evidence["parts_distinct"] == 29
    everything = a_spike("all", dimension=Dimension.ALL, observed=5000)
    assert kept.minute(1, sharing(everything, *((one, one.observed) for one in many)), *many) == ["grew all"]
    assert len(kept.incidents) == 1


def test_a_few_new_spikes_at_once_are_told_one_by_one() -> None:
    assert len(Kept().minute(0, *(a_spike(f"c{number}") for number in range(4)))) == 4


def test_what_takes_an_incident_over_is_told_as_its_own_rule_says_and_with_its_own_figures() -> None:
    broken = Quiet(labels={"kind": "misconfiguration"}, runbook="https://runbooks.example.com/route")
    kept = Kept(client_spike=Quiet(labels={"team": "payments"}), route_broken=broken)
    kept.minute(0, a_spike(evidence={"newest": 20, "who": "newcomer", "clients": [["acme", 100]]}))
    route = a_spike("/orders", dimension=Dimension.ROUTE, rule="route-broken", observed=400)
    part = a_spike()

    assert ["grew /orders"] == kept.minute(1, sharing(route, (part, 100)), sharing(part, (route, 100)))
    (incident,) = kept.unresolved()
    assert {"kind": "misconfiguration", "runbook": "https://runbooks.example.com/route"} == incident.labels
    assert {"rule": "client-spike", "dimension": "client", "key": "acme"} == incident.evidence["was"]
    assert {"who", "clients"}.isdisjoint(incident.evidence)


def test_a_silence_does_not_grow_when_there_is_a_little_more() -> None:
    kept = Kept()
    told = [kept.minute(minute, a_spike(observed=n, expected=1000.0)) for minute, n in enumerate([0, 1, 5, 12])]

    assert [["opened acme"], [], [], []] == told
