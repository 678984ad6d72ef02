"""Silences: for a time, nobody is told of the incidents they match. The incidents themselves go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from log_sentinel.incidents.stepping import Terms
    from log_sentinel.model.incident import Incident
    from log_sentinel.model.silence import Silence

MATCHED = ("rule", "dimension", "key", "severity")


def matchable(rules: Iterable[Terms]) -> list[str]:
    """What a silence or a maintenance window may name: what every incident has, and the labels of these rules."""
    return [*MATCHED, *sorted({label for rule in rules for label in rule.labels})]


def silencing(incident: Incident, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """The first silence in force that matches `incident`. One without matchers matches every incident."""
    facts = incident.labels | {name: str(getattr(incident, name)) for name in MATCHED}
    return next(
        (
            silence
            for silence in silences
            if silence.starts_at <= now < silence.ends_at
            and all(facts.get(name) == value for name, value in silence.matchers.items())
        ),
        None,
    )
