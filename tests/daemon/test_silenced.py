from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.wiring import _muted
from log_sentinel.incidents.maintenance import Maintenance
from log_sentinel.model.incident import Incident, IncidentState
from log_sentinel.model.silence import Silence
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import silences

if TYPE_CHECKING:
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
