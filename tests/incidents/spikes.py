"""Builds spikes and keeps incidents between the minutes, as the store does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from log_sentinel.incidents.stepping import GRACE, step
from log_sentinel.model.incident import Happening, Incident, IncidentState
from log_sentinel.model.spike import Dimension, Severity, Spike

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 3, 3, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def a_spike(key: str = "acme", minute: int = 0, **changed: Any) -> Spike:
    dimension = changed.get("dimension", Dimension.CLIENT)
    given: dict[str, Any] = {
        "rule": f"{dimension}-spike",
        "dimension": dimension,
        "key": key,
        "severity": Severity.WARNING,
        "at": at(minute),
        "since": at(minute),
        "observed": 100,
        "expected": 10.0,
        "window_minutes": 5,
        "evidence": {"newest": 20},
    }
    return Spike(**(given | changed))


def sharing(spike: Spike, *others: tuple[Spike, int]) -> Spike:
    """`spike`, so many of whose denials are those of each of `others`."""
    shared = [[other.dimension.value, other.key, n] for other, n in others]
    return replace(spike, evidence={**spike.evidence, "shared": shared})


@dataclass(frozen=True)
class Quiet:
    keep_firing_for: timedelta = timedelta(minutes=10)
    labels: dict[str, str] = field(default_factory=dict)
    runbook: str | None = None


class Kept:
    """The incidents from minute to minute."""

    def __init__(self, **rules: Quiet) -> None:
        self.rules = {name.replace("_", "-"): rule for name, rule in rules.items()}
        self.incidents: list[Incident] = []
        self.happenings: list[Happening] = []

    def minute(self, minute: int, *spikes: Spike) -> list[str]:
        """Steps one minute; gives what happened, as "opened acme"."""
        now = at(minute)
        known = [one for one in self.incidents if one.resolved_at is None or now - one.resolved_at < GRACE]
        gone = [one for one in self.incidents if one not in known]
        stepped = step(known, [replace(spike, at=now) for spike in spikes], now, self.rules)
        self.incidents = [
            *gone,
            *(replace(one, id=one.id or len(gone) + place) for place, one in enumerate(stepped.incidents, start=1)),
        ]
        ids = {(one.rule, one.dimension, one.key, one.opened_at): one.id for one in self.incidents}
        self.happenings += [
            replace(told, incident=replace(one, id=one.id or ids[one.rule, one.dimension, one.key, one.opened_at]))
            for told in stepped.happenings
            for one in [told.incident]
        ]
        return [f"{one.kind} {one.incident.key}" for one in stepped.happenings]

    def run(self, minutes: range, *spikes: Spike) -> list[str]:
        return [said for minute in minutes for said in self.minute(minute, *spikes)]

    def unresolved(self) -> Sequence[Incident]:
        return [one for one in self.incidents if one.state is not IncidentState.RESOLVED]
