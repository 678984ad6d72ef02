"""docs/rules.md against the rules: every key, kind and dimension is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from log_sentinel.detection.rule import Kind
from log_sentinel.detection.rules import KEYS, SERIES_KEYS
from log_sentinel.model.spike import Dimension, Severity

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text()


def named(heading: str) -> set[str]:
    """What stands in the first cells of the table below `heading`."""
    section = PAGE.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_key_of_a_rule_is_named() -> None:
    assert set(KEYS) == named("Keys")


def test_every_key_of_a_series_is_named() -> None:
    assert set(SERIES_KEYS) == named("Series")


def test_every_kind_is_named() -> None:
    assert set(Kind) == named("Kinds")


@pytest.mark.parametrize("word", [*Dimension, *Severity])
def test_every_dimension_and_severity_is_named(word: str) -> None:
    assert f"`{word}`" in PAGE
