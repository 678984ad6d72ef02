"""log-sentinel's own detection, as the bench sees it: shipped rules, incidents kept in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from benchmarks.detection.interface import Told
from log_sentinel import content
from log_sentinel.detection.detector import Detector
from log_sentinel.detection.rules import load_rules
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.incidents.stepping import GRACE, step
from log_sentinel.model.incident import HappeningKind

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from log_sentinel.model.incident import Incident

_KINDS: dict[HappeningKind, Literal["opened", "resolved"]] = {
    HappeningKind.OPENED: "opened",
    HappeningKind.RESOLVED: "resolved",
}


class Product:
    """Detector and stepping, minute by minute."""

    def __init__(self) -> None:
        rules = load_rules(sorted(content.shipped("alerts").glob("*.toml")))
        self._detector = Detector(rules, DetectionSettings())
        self._rules = {rule.name: rule for rule in rules}
        self._incidents: list[Incident] = []
        self._opened = 0

    def tick(self, minute: datetime, denied: pl.DataFrame, traffic: pl.DataFrame) -> list[Told]:
        spikes = self._detector.feed(minute, denied, traffic)
        known = [one for one in self._incidents if one.resolved_at is None or minute - one.resolved_at < GRACE]
        stepped = step(known, spikes, minute, self._rules)
        self._incidents = []
        for one in stepped.incidents:
            self._opened += one.id is None
            self._incidents.append(one if one.id is not None else replace(one, id=self._opened))
        ids = {(one.rule, one.dimension, one.key, one.opened_at): one.id for one in self._incidents}
        told = []
        for happening in stepped.happenings:
            incident = happening.incident
            number = incident.id or ids[incident.rule, incident.dimension, incident.key, incident.opened_at]
            told.append(Told(_KINDS.get(happening.kind, "updated"), number, incident.dimension.value, incident.key))
        return told


def shipped() -> Product:
    return Product()
