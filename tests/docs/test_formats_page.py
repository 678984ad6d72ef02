"""docs/formats.md against the definitions: every key and input is named, and the example proves itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from log_sentinel.parsing.definitions import Condition, Definition, Sample, VerdictRule, parsed
from log_sentinel.parsing.readings import DURATIONS, INPUTS, TIMES

if TYPE_CHECKING:
    from pydantic import BaseModel

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()
DEFINITIONS = re.findall(r"(?ms)^```toml definition\n(.*?)^```$", PAGE)


def named(heading: str) -> set[str]:
    """What stands in the first cells of the table below `heading`."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n##")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(("heading", "model"), [("Keys", Definition), ("`verdict`", VerdictRule), ("`sample`", Sample)])
def test_every_key_is_named(heading: str, model: type[BaseModel]) -> None:
    assert {field.alias or name for name, field in model.model_fields.items()} == named(heading)


def test_every_input_is_named() -> None:
    assert set(INPUTS) == named("`columns`")


@pytest.mark.parametrize("word", [*TIMES, *DURATIONS, *Condition.model_fields])
def test_every_unit_and_condition_is_named(word: str) -> None:
    assert re.search(rf"\b{word}\b", PAGE)


def test_every_shipped_format_is_named() -> None:
    from log_sentinel.content import shipped
    from log_sentinel.parsing.definitions import load_folders

    for name in load_folders([shipped("parsers")]):
        assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("text", DEFINITIONS)
def test_the_definition_on_the_page_proves_itself(text: str) -> None:
    from log_sentinel.parsing.samples import prove

    assert prove(parsed(text.encode(), "docs/formats.md")) == []
