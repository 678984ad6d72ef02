from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.content import shipped
from log_sentinel.model.columns import COMPANIONS
from log_sentinel.parsing.companions import ErrorLogParser
from log_sentinel.parsing.definitions import BadDefinition
from log_sentinel.parsing.error_logs import load
from tests.parsing.builders import batch

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((shipped("parsers") / "error-logs").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_error_log_proves_its_samples(path: Path) -> None:
    definition = load(path)
    for sample in definition.samples:
        companions = ErrorLogParser(definition, "UTC").parse(batch(sample.line)).companions
        assert companions.height == bool(sample.companion), sample.line
        if sample.companion:
            row = companions.row(0, named=True)
            row["time"] = row["time"].strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            assert {str(name): value for name, value in sample.companion.items()} == {
                name: row[name] for name in sample.companion
            }


def nginx(*messages: str) -> str:
    return "".join(f"2026/11/24 03:33:33 [error] 1#1: *7 {message}\n" for message in messages)


def test_entries_have_their_offsets_and_local_times() -> None:
    known = ', client: 203.0.113.7, server: _, request: "GET /a?b HTTP/1.1", host: "x"'
    text = nginx("something else", "access forbidden by rule" + known)
    parsed = ErrorLogParser(load(FILES[1]), "Europe/Berlin").parse(batch(text, start=10))

    assert dict(parsed.companions.schema) == COMPANIONS
    assert parsed.companions["origin_offset"].to_list() == [10 + len(nginx("something else"))]
    assert str(parsed.companions["time"][0]) == "2026-11-24 02:33:33+00:00"
    assert parsed.companions["request"].to_list() == ["GET /a"]
    assert (parsed.denials.height, parsed.reject_counts, parsed.lines) == (0, {}, 2)


def test_hostile_entries_are_read_in_one_go() -> None:
    hostile = ", client: 6.6.6.6, server: x" * 5000 + '", request: "' * 5000
    text = (nginx("access forbidden by rule" + hostile) * 20).encode() + b"\0\xff\n"
    parsed = ErrorLogParser(load(FILES[1]), "UTC").parse(batch(text))

    assert set(parsed.companions["client"]) <= {None, "6.6.6.6"}


def test_an_entry_without_its_groups_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(FILES[0].read_text().replace("(?P<message>", "(?P<msg>"))

    with pytest.raises(BadDefinition, match="time and message are needed"):
        load(path)
