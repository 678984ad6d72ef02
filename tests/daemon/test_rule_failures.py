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

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database


def test_a_rule_that_fails_shows_in_the_metrics(database: Database) -> None:
    detector = Detector([], DetectionSettings())
    registry = CollectorRegistry()
    delivery = Delivery(database, {}, [], instance="edge-1")
    registry.register(DaemonMetrics(Tally(), [], {}, delivery, Patience(), lambda: detector.faults.count))

    def failures() -> str:
        lines = generate_latest(registry).decode().splitlines()
        return next(line for line in lines if line.startswith("log_sentinel_rule_failures_total")).split()[1]

    assert failures() == "0.0"
    with detector.faults.of("mine"):
        raise ZeroDivisionError
    assert failures() == "1.0"
