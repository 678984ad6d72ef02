"""What a spike makes of the figures of one incident: when it opens it, goes on, comes back, or takes it over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from log_sentinel.incidents.belonging import height_of
from log_sentinel.model.incident import Incident, IncidentState

if TYPE_CHECKING:
    from log_sentinel.model.spike import Spike

# Evidence that stays when another rule takes an incident over; the rest is of the spike.
OF_THIS_TIME = frozenset({"height", "parts", "parts_distinct"})
OF_THE_INCIDENT = OF_THIS_TIME | {"told"}


def opened_by(spike: Spike, labels: dict[str, str]) -> Incident:
    """A new incident, of which people are told."""
    return Incident(
        rule=spike.rule,
        dimension=spike.dimension,
        key=spike.key,
        severity=spike.severity,
        state=IncidentState.OPEN,
        since=spike.since,
        opened_at=spike.at,
        last_seen_at=spike.at,
        observed=spike.observed,
        expected=spike.expected,
        window_minutes=spike.window_minutes,
        peak=spike.observed,
        total=spike.observed,
        labels=labels,
        evidence={**_lasting(spike), "told": spike.observed, "height": spike.observed},
    )


def with_figures(incident: Incident, spike: Spike, *, told: bool = False) -> Incident:
    """The incident with its spike as it is now, of which people are `told`."""
    height = max(height_of(incident), spike.observed)
    evidence = {**incident.evidence, **_lasting(spike), "height": height}
    if told:
        evidence["told"] = spike.observed
    newest = cast("int", spike.evidence.get("newest", 0)) if spike.at > incident.last_seen_at else 0
    return replace(
        incident,
        last_seen_at=max(incident.last_seen_at, spike.at),
        observed=spike.observed,
        expected=spike.expected,
        window_minutes=spike.window_minutes,
        peak=max(incident.peak, spike.observed),
        total=incident.total + newest,
        evidence=evidence,
    )


def come_back(incident: Incident, spike: Spike) -> Incident:
    """It is the same incident, but how large it was and what was a part of it says nothing of this time."""
    kept = {name: value for name, value in incident.evidence.items() if name not in OF_THIS_TIME}
    return with_figures(replace(incident, evidence={**kept, "height": 0}), spike, told=True)


def taken_over(incident: Incident, spike: Spike, labels: dict[str, str]) -> Incident:
    """It is told as its cause from now on: under the spike's name, as its rule says, with its figures alone."""
    was = {"rule": incident.rule, "dimension": incident.dimension.value, "key": incident.key}
    lasting = {name: value for name, value in incident.evidence.items() if name in OF_THE_INCIDENT}
    now = with_figures(replace(incident, evidence=lasting), spike, told=True)
    return replace(
        now,
        rule=spike.rule,
        dimension=spike.dimension,
        key=spike.key,
        since=min(incident.since, spike.since),
        total=max(now.total, spike.observed),
        labels=labels,
        evidence={**now.evidence, "was": was},
    )


def _lasting(spike: Spike) -> dict[str, object]:
    """The spike's evidence without what only grouping reads."""
    return {name: value for name, value in spike.evidence.items() if name != "shared"}
