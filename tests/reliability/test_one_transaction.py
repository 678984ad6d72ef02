"""Whatever fails while a commit is stored, the checkpoint is where it was, and the same lines are stored once later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.store import bulk
from log_sentinel.store.appending import append
from log_sentinel.store.engine import DatabaseUnavailable
from log_sentinel.store.generations import StoredCheckpoints
from tests.store.commits import LINE_BYTES, Log, denial, parsed
from tests.store.in_step import lines_in_step

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

LINES = 20


@pytest.mark.parametrize("step", ["insert", "add"])
def test_a_failure_behind_the_checkpoints_move_undoes_the_move(
    step: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(database)
    commit = log.commit(parsed([denial(number) for number in range(LINES)]), to=LINES * LINE_BYTES)
    broken: list[str] = []

    def fail(*_: object) -> None:
        broken.append(step)
        raise DatabaseUnavailable("", "the line was cut")

    with monkeypatch.context() as patch:
        patch.setattr(bulk, step, fail)
        with pytest.raises(DatabaseUnavailable):
            append(database, commit)
    assert broken == [step]
    assert StoredCheckpoints(database, "edge-1").known("edge")[0].offset == 0
    assert lines_in_step(database) == 0
    append(database, commit)
    assert lines_in_step(database) == LINES
