"""What somebody types in the first five minutes, much of it wrong: a sentence each time, and never a traceback."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.numbered_log import NumberedLog
from tests.end_to_end.running import PROGRAM, environment, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An access log of the last hour, and nothing else: no settings, no database."""
    NumberedLog(tmp_path / "access.log", seed=9, began=datetime.now(UTC) - timedelta(hours=1)).write(2000)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("run", 78, "nothing to watch"),
        ("sql 'select 1'", 1, "nothing was stored yet"),
        ("formats detect nope.log", 1, "nope.log"),
        ("incidents list", 1, "nothing was stored yet"),
        ("incidents show 7", 1, "nothing was stored yet"),
        ("channels test ops", 1, "ops: no such channel"),
        ("healthcheck", 1, "no answer"),
        ("db current", 1, "nothing was stored yet"),
        ("config check --config nope.toml", 78, "nope.toml: no such file"),
        ("ingest nope.log", 1, "nope.log"),
        ("ingest .", 1, "a directory"),
        ("parse nope.log", 1, "nope.log"),
        ("channels list", 0, ""),
        ("rules list", 0, "client-spike"),
        ("formats list", 0, "nginx-combined"),
        ("rnu", 2, "No such command"),
        ("ingest", 2, "Missing argument"),
    ],
)
def test_a_first_step_ends_in_a_sentence(words: str, code: int, says: str, folder: Path) -> None:
    ran = run(*words.replace("'select 1'", "select_1").split(), cwd=folder)
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said, said
    assert (code, True) == (ran.returncode, says in said), said


def test_the_readme_s_questions_have_answers(folder: Path) -> None:
    assert run("ingest", "access.log", cwd=folder).returncode == 0
    top = "select client, cause, count(*) as denials from denials group by client, cause order by denials desc limit 5"
    for query in (top, "select * from denial_ratio_by_route"):
        answered = run("sql", query, "--output", "csv", cwd=folder)
        assert answered.returncode == 0, answered.stderr
        assert len(answered.stdout.splitlines()) > 1


def test_output_that_nobody_reads_to_its_end_is_no_error_to_talk_about(folder: Path) -> None:
    """`log-sentinel parse access.log | head -1`"""
    with subprocess.Popen(
        [PROGRAM, "parse", "access.log"],
        cwd=folder,
        env=environment(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parsing:
        assert parsing.stdout is not None
        assert parsing.stderr is not None
        assert parsing.stdout.readline().startswith("{")
        parsing.stdout.close()
        assert "Traceback" not in parsing.stderr.read()
