from __future__ import annotations

from itertools import product

import pytest

from log_sentinel.incidents.states import EDGES, NoSuchStep, after
from log_sentinel.model.incident import HappeningKind, IncidentState

PAIRS = list(product([None, *IncidentState], HappeningKind))


@pytest.mark.parametrize(("state", "kind"), [pair for pair in PAIRS if pair[1] in EDGES[pair[0]]])
def test_every_edge_leads_where_it_says(state: IncidentState | None, kind: HappeningKind) -> None:
    assert EDGES[state][kind] is after(state, kind)


@pytest.mark.parametrize(("state", "kind"), [pair for pair in PAIRS if pair[1] not in EDGES[pair[0]]])
def test_nothing_else_can_happen(state: IncidentState | None, kind: HappeningKind) -> None:
    with pytest.raises(NoSuchStep) as wrong:
        after(state, kind)
    assert (state, kind) == (wrong.value.state, wrong.value.kind)


def test_every_state_is_reached_and_every_happening_happens() -> None:
    assert set(IncidentState) == {state for edges in EDGES.values() for state in edges.values()}
    assert set(HappeningKind) == {kind for edges in EDGES.values() for kind in edges}


def test_the_message_says_what_is_possible() -> None:
    assert (
        str(NoSuchStep(IncidentState.RESOLVED, HappeningKind.ACKNOWLEDGED))
        == "incident: resolved cannot be acknowledged; it can be reopened."
    )
