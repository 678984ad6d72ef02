from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from log_sentinel.daemon.metrics import DaemonMetrics
from log_sentinel.daemon.patience import Patience
from log_sentinel.daemon.tally import Tally
from log_sentinel.delivery.loop import Delivery
from log_sentinel.detection.detector import Detector
from log_sentinel.detection.settings import DetectionSettings
from tests.detection.stories import a_rule, at, denials, requests

if TYPE_CHECKING:
    import pytest

    from log_sentinel.store.engine import Database


def watched(database: Database, detector: Detector) -> CollectorRegistry:
    registry = CollectorRegistry()
    delivery = Delivery(database, {}, [], instance="edge-1")
    metrics = DaemonMetrics(Tally(), [], {}, delivery, Patience(), lambda: detector.faults.count, lambda: detector.cut)
    registry.register(metrics)
    return registry


def shown(registry: CollectorRegistry, name: str) -> float:
    lines = generate_latest(registry).decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"log_sentinel_{name}")).split()[1])


def test_a_rule_that_fails_shows_in_the_metrics(database: Database) -> None:
    detector = Detector([], DetectionSettings())
    registry = watched(database, detector)

    assert shown(registry, "rule_failures_total") == 0
    with detector.faults.of("mine"):
        raise ZeroDivisionError
    assert shown(registry, "rule_failures_total") == 1


def test_denials_that_are_not_counted_by_key_show_in_the_metrics(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("log_sentinel.detection.census.MAX_ENTITIES_A_MINUTE", 2)
    detector = Detector([a_rule()], DetectionSettings())
    registry = watched(database, detector)
    clients = [{"client": f"client-{number}", "n": 10 - number} for number in range(4)]
    detector.feed(at(0), denials(0, *clients), requests(0))

    assert shown(registry, "denials_cut_total") == 8 + 7
