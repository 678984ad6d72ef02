from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.people import acknowledge, resolve
from log_sentinel.daemon.wiring import _muted
from log_sentinel.incidents.maintenance import Maintenance
from log_sentinel.model.incident import Incident, IncidentState
from log_sentinel.model.silence import Silence
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import silences
from tests.delivery.happenings import NOON, grew, opened, resolved
from tests.delivery.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.store.engine import Database

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ACME = Incident(
    rule="client-spike",
    dimension=Dimension.CLIENT,
    key="acme",
    severity=Severity.WARNING,
    state=IncidentState.OPEN,
    since=NOW,
    opened_at=NOW,
    last_seen_at=NOW,
    observed=42,
    expected=1.5,
    window_minutes=5,
    peak=42,
    total=42,
)


def test_a_silence_mutes_what_it_matches_as_long_as_it_lasts(database: Database) -> None:
    silences.add(database, Silence({"key": "acme"}, NOW, NOW + timedelta(hours=1), "ada", "load test"), NOW)

    within, after = NOW + timedelta(minutes=59), NOW + timedelta(minutes=61)
    assert _muted(database, within, {})(ACME)
    assert not _muted(database, within, {})(replace(ACME, key="globex"))
    assert not _muted(database, after, {})(ACME)


def test_a_maintenance_window_mutes_what_it_matches_as_long_as_it_lasts(database: Database) -> None:
    windows = {"deploy": Maintenance.model_validate({"since": "09:00", "until": "11:00", "match": {"key": "acme"}})}

    assert _muted(database, NOW, windows)(ACME)
    assert not _muted(database, NOW, windows)(replace(ACME, key="globex"))
    assert not _muted(database, NOW + timedelta(hours=1), windows)(ACME)


def a_scene(database: Database, windows: Mapping[str, Maintenance] | None = None) -> Scene:
    """A delivery at noon that hears of silences and maintenance windows as the daemon's does."""
    scene = Scene(database, "ops")
    scene.delivery._muting = lambda now: _muted(database, now, windows or {})
    return scene


def silenced(database: Database, minutes: int) -> int:
    until = NOON + timedelta(minutes=minutes)
    return silences.add(database, Silence({"key": "acme-prod"}, NOON, until, "ada", "load test"), NOON)


def test_what_still_goes_on_at_the_end_of_a_maintenance_window_is_told_then_and_once(database: Database) -> None:
    window = Maintenance.model_validate({"since": "11:00", "until": "13:00", "match": {"key": "acme-prod"}})
    scene = a_scene(database, {"deploy": window})
    number = scene.happens(opened(), grew())
    resolve(database, scene.happens(opened(rule="mine")), "ada", NOON)
    scene.delivery.step()
    scene.clock.step(minutes=59)
    scene.delivery.step()
    assert scene.told() == []

    scene.clock.step(minutes=1)
    for _ in range(3):
        scene.delivery.step()
    assert [(number, "grew")] == scene.told()
    scene.next(number, resolved())
    scene.delivery.step()
    assert [(number, "grew"), (number, "resolved")] == scene.told()


def test_a_silence_that_ends_or_is_ended_tells_what_it_kept_back(database: Database) -> None:
    scene = a_scene(database)
    number, other = scene.happens(opened()), scene.happens(opened(key="other"))
    ended = silenced(database, 60)
    scene.delivery.step()
    assert [(other, "opened")] == scene.told()

    silences.end(database, ended, NOON + timedelta(minutes=20))
    scene.clock.step(minutes=20)
    scene.delivery.step()
    assert [(other, "opened"), (number, "opened")] == scene.told()


def test_what_was_told_before_the_silence_and_has_not_changed_is_not_told_again(database: Database) -> None:
    scene = a_scene(database)
    number = scene.happens(opened())
    scene.delivery.step()
    silenced(database, 60)
    scene.clock.step(minutes=61)
    scene.delivery.step()
    assert [(number, "opened")] == scene.told()


def test_what_somebody_has_taken_on_meanwhile_is_not_told(database: Database) -> None:
    scene = a_scene(database)
    number = scene.happens(opened())
    silenced(database, 60)
    scene.delivery.step()
    acknowledge(database, number, "ada", scene.clock.now)
    scene.delivery.step()
    scene.clock.step(minutes=61)
    scene.delivery.step()
    assert scene.told() == []


def test_what_grows_as_its_silence_ends_is_told_with_that_alone(database: Database) -> None:
    scene = a_scene(database)
    number = scene.happens(opened())
    silenced(database, 60)
    scene.delivery.step()
    scene.clock.step(minutes=60)
    scene.next(number, grew())
    scene.delivery.step()
    assert [(number, "grew")] == scene.told()
