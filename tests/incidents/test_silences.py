from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from log_sentinel.incidents.silences import silencing
from log_sentinel.model.silence import Silence
from log_sentinel.store import silences
from tests.incidents.spikes import Kept, Quiet, a_spike, at

if TYPE_CHECKING:
    from log_sentinel.model.incident import Incident
    from log_sentinel.store.engine import Database


def a_silence(**matchers: str) -> Silence:
    return Silence(matchers, at(0), at(60), "ada", "deploying")


@pytest.fixture
def incident() -> Incident:
    kept = Kept(client_spike=Quiet(labels={"team": "edge"}))
    kept.minute(0, a_spike())
    return kept.incidents[0]


@pytest.mark.parametrize("matchers", [{}, {"key": "acme"}, {"rule": "client-spike", "team": "edge"}])
def test_a_silence_mutes_what_equals_all_it_names(incident: Incident, matchers: dict[str, str]) -> None:
    silence = a_silence(**matchers)

    assert silence is silencing(incident, [silence], at(1))


@pytest.mark.parametrize("matchers", [{"key": "acm"}, {"key": "acme", "team": "web"}, {"nothing": "acme"}])
def test_a_silence_mutes_nothing_else(incident: Incident, matchers: dict[str, str]) -> None:
    assert silencing(incident, [a_silence(**matchers)], at(1)) is None


def test_a_silence_begins_and_ends(incident: Incident) -> None:
    silence = a_silence()

    assert [None, silence, None] == [silencing(incident, [silence], at(minute)) for minute in (-1, 0, 60)]


def test_stored_silences_are_those_in_force(database: Database) -> None:
    number = silences.add(database, a_silence(key="acme"), at(0))

    assert [(number, {"key": "acme"}, "ada")] == [
        (one.id, one.matchers, one.who) for one in silences.in_force(database, at(5))
    ]
    assert silences.in_force(database, at(60)) == []


def test_a_silence_can_be_ended_before_its_time_and_only_once(database: Database) -> None:
    number = silences.add(database, a_silence(), at(0))
    silences.end(database, number, at(5))

    assert silences.in_force(database, at(5)) == []
    with pytest.raises(silences.NoSuchSilence, match=f"silence {number}: there is none, or it has ended"):
        silences.end(database, number, at(5) + timedelta(minutes=1))
