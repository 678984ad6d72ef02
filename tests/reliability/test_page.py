"""docs/reliability.md names a test, or a reason, for every fault; and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
ROW = re.compile(r"^\| ([FT]\d\d(?:, [FT]\d\d)*) \| (.+?) \| (.+) \|$", re.MULTILINE)


def test_every_fault_of_files_processes_and_stores_has_its_row() -> None:
    rows = {number for row in ROW.finditer(PAGE) for number in row[1].split(", ")}
    faults = {f"F{number:02}" for number in range(1, 60)}
    assert rows == faults | {"T01", "T04", "T05", "T13", "T14", "T22"}


def test_every_test_that_the_page_names_exists() -> None:
    named = {name for row in ROW.finditer(PAGE) for name in re.findall(r"`([\w/]+\.py)`", row[3])}
    assert sorted(name for name in named if not (ROOT / "tests" / name).is_file()) == []
