from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks.detection.incidents import KINDS, Labelled, labelled
from benchmarks.detection.interface import Told, detector_named
from benchmarks.detection.running import Bench, minutes
from benchmarks.detection.scoring import Score, interval
from benchmarks.detection.world import World

ROOT = Path(__file__).resolve().parents[2]


def an_incident(start: int = 100, end: int = 130) -> Labelled:
    one = Labelled(
        "client over its quota", "strong", start, end, 100.0, 0, {("client", "acme")}, lambda: ("acme", "a", "/r", 429)
    )
    one.rows(start, Random(1))
    return one


def scored(*told: tuple[int, Told]) -> dict[str, float]:
    score = Score([an_incident()], days=1)
    for minute, one in told:
        score.take(minute, one)
    return score.figures()


def test_an_incident_told_by_its_name_is_found() -> None:
    figures = scored((102, Told("opened", 1, "client", "acme")), (140, Told("resolved", 1, "client", "acme")))

    assert tuple(
        figures[name] for name in ("precision", "recall", "minutes to detect", "right name", "messages an incident")
    ) == (1, 1, 2, 1, 1)


def test_an_incident_told_by_a_part_of_it_is_found_under_the_wrong_name() -> None:
    figures = scored((102, Told("opened", 1, "route", "/r")))

    assert (figures["recall"], figures["right name"]) == (1, 0)


def test_a_name_that_is_put_right_later_is_right() -> None:
    assert (
        scored((102, Told("opened", 1, "route", "/r")), (110, Told("updated", 1, "client", "acme")))["right name"] == 1
    )


def test_what_is_told_of_nothing_is_a_false_alarm() -> None:
    figures = scored((50, Told("opened", 1, "client", "acme")), (102, Told("opened", 2, "client", "other")))

    assert (figures["recall"], figures["false alarms a week"]) == (0, 14)


def test_what_is_told_in_the_aftermath_is_a_second_message_and_no_false_alarm() -> None:
    figures = scored((102, Told("opened", 1, "client", "acme")), (150, Told("opened", 2, "client", "acme")))

    assert (figures["messages an incident"], figures["false alarms a week"]) == (2, 0)


def test_the_same_seed_is_the_same_world() -> None:
    def some(seed: str) -> Counter[object]:
        world = World("S", Random(seed), 2)
        return sum((Counter(world.rows(minute)) for minute in range(30)), Counter())

    assert some("a") == some("a") != some("b")


def test_incidents_of_every_kind_lie_after_the_warm_up() -> None:
    world = World("S", Random("w"), 3)
    incidents = labelled(world, Random("i"), 2, 1440)

    assert dict.fromkeys(KINDS, 2) == Counter(one.kind for one in incidents)
    assert all(one.start >= 1440 for one in incidents)


def test_gaps_in_the_log_are_empty_minutes() -> None:
    world = World("S", Random("w"), 2)
    world.gaps = [(3, 5)]
    empty = [
        minute
        for minute, denied, traffic in minutes(world, [])
        if denied.is_empty() and traffic.is_empty() and minute < 10
    ]

    assert empty == [3, 4]


def test_a_detector_is_named_by_module_and_factory() -> None:
    make = detector_named("benchmarks.detection.rivals:FixedNumber")
    score, _ = Bench("S", ["w"], days=1, each=0, cold=True).run([make()])

    assert score.figures()["false alarms a week"] > 0
    with pytest.raises(ValueError, match="a detector is named module:factory"):
        detector_named("benchmarks.detection.nothing:at_all")


def test_the_detector_of_the_readme_is_measured_from_a_folder_of_its_own(tmp_path: Path) -> None:
    readme = ROOT / "benchmarks" / "detection" / "README.md"
    (example,) = re.findall(r"^```python\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "yours.py").write_text(example)

    asked = ["--detector", "yours:Detector", "--days", "1", "--each", "0", "--cold"]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.detection", *asked],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert (0, "") == (ran.returncode, ran.stderr)
    assert "\nyours:Detector  (" in ran.stdout
    assert "false alarms a week" in ran.stdout


def test_none_seen_bounds_the_rate_at_three() -> None:
    assert interval(0) == (0.0, 3.0)


def test_ten_seen_are_about_five_to_eighteen() -> None:
    assert interval(10) == pytest.approx((4.78, 18.39), abs=0.05)
