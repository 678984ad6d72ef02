"""Whatever fires and whatever people do: the laws of incidents hold after every minute."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from log_sentinel.incidents.grouping import SEVERITIES
from log_sentinel.incidents.people import acknowledged, resolved
from log_sentinel.incidents.states import EDGES
from log_sentinel.model.incident import IncidentState
from log_sentinel.model.spike import Dimension, Spike
from tests.incidents.spikes import Kept, a_spike, at, sharing

ENTITIES = [
    (Dimension.CLIENT, "acme"),
    (Dimension.CLIENT, "globex"),
    (Dimension.IP, "192.0.2.1"),
    (Dimension.ROUTE, "/orders"),
]


@st.composite
def some_spikes(draw: st.DrawFn, minute: int) -> list[Spike]:
    plain = [
        a_spike(
            key,
            dimension=dimension,
            observed=draw(st.integers(20, 900)),
            severity=draw(st.sampled_from(SEVERITIES)),
            since=at(minute - draw(st.integers(0, 30))),
        )
        for dimension, key in draw(st.lists(st.sampled_from(ENTITIES), unique=True))
    ]
    return [
        sharing(spike, *((other, draw(st.integers(0, spike.observed))) for other in plain if other is not spike))
        for spike in plain
    ]


class Incidents(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        self.now = 0

    @rule(data=st.data(), pause=st.sampled_from([1, 1, 1, 2, 9, 45, 100]))
    def a_minute_passes(self, data: st.DataObject, pause: int) -> None:
        self.now += pause
        self.kept.minute(self.now, *data.draw(some_spikes(self.now)))

    @precondition(lambda self: self.kept.unresolved())
    @rule(data=st.data(), over=st.booleans())
    def a_person_acts(self, data: st.DataObject, over: bool) -> None:
        one = data.draw(st.sampled_from(self.kept.unresolved()))
        if over or one.state is IncidentState.OPEN:
            happening = (resolved if over else acknowledged)(one, "ada", at(self.now))
            self.kept.incidents[self.kept.incidents.index(one)] = happening.incident
            self.kept.happenings.append(happening)

    @invariant()
    def one_matter_has_one_unresolved_incident(self) -> None:
        keys = Counter((one.rule, one.dimension, one.key) for one in self.kept.unresolved())
        assert set(keys.values()) <= {1}

    @invariant()
    def the_happenings_tell_the_state(self) -> None:
        told: dict[int | None, IncidentState] = {}
        for happening in self.kept.happenings:
            number = happening.incident.id
            told[number] = EDGES[told.get(number)][happening.kind]
        assert told == {one.id: one.state for one in self.kept.incidents}

    @invariant()
    def only_what_is_resolved_has_an_end(self) -> None:
        assert all(
            (one.state is IncidentState.RESOLVED) == (one.resolved_at is not None) for one in self.kept.incidents
        )

    @invariant()
    def no_incident_is_its_own_ancestor(self) -> None:
        assert all(one.parent != one.id for one in self.kept.incidents)


TestIncidents = Incidents.TestCase
TestIncidents.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
