import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from log_sentinel.store.engine import open_database
from log_sentinel.store.settings import DatabaseSettings
from tests.backtest import histories
from tests.cli.running import Ran, log_sentinel

RULE = """
description = "A client is denied much"
kind = "threshold"
dimension = "client"
window = "5m"
at_least = {at_least}
severity = "warning"
"""
LINE = '192.0.2.1 - acme [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /orders HTTP/1.1" {status} 10 "-" "curl/8"\n'
BEGAN = datetime(2026, 3, 3, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Called:
    """`log-sentinel backtest` in a folder with the rules low.toml (30) and high.toml (3000)."""

    folder: Path
    url: str

    def run(self, *words: str) -> Ran:
        return log_sentinel("backtest", "--db", self.url, *words, folder=self.folder)


@pytest.fixture
def backtest(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Called:
    """Its database has an hour of one denial a minute, and within it ten minutes of fifty, an hour ago."""
    from pydantic import SecretStr

    (tmp_path / "low.toml").write_text(RULE.format(at_least=30))
    (tmp_path / "high.toml").write_text(RULE.format(at_least=3000))
    start = (datetime.now(UTC) - timedelta(hours=2)).replace(second=0, microsecond=0)
    monkeypatch.setattr(histories, "START", start)
    database = open_database(DatabaseSettings(url=SecretStr(database_url)))
    story = histories.both(histories.told_in(range(60), 1), histories.told_in(range(20, 30), 50))
    histories.store(database, story, range(60))
    database.close()
    return Called(tmp_path, database_url)


def test_it_shows_a_picture_the_rules_and_the_incidents(backtest: Called) -> None:
    ran = backtest.run("--rules", "low.toml")

    assert (0, "") == (ran.code, ran.err)
    assert "(1h), with no history before it" in ran.out
    assert "denials  " + "▂" * 20 + "█" * 10 + "▂" * 30 in ran.out
    assert "low.toml: 1 incidents, told in 3 messages at most: 3 to console." in ran.out
    assert "acme" in ran.out.partition("Incidents:")[2]


def test_two_rule_files_are_put_side_by_side(backtest: Called) -> None:
    ran = backtest.run("--rules", "low.toml", "--against", "high.toml", "--output", "json")

    found = json.loads(ran.out)
    assert [("low.toml", 1), ("high.toml", 0)] == [(run["rules"], run["incidents"]) for run in found["runs"]]
    assert ["acme"] == [one["key"] for one in found["difference"]["only_first"]]
    assert [] == found["difference"]["only_second"]
    shown = backtest.run("--rules", "low.toml", "--against", "high.toml").out
    assert "0 incidents are found by both." in shown
    assert "Only low.toml:" in shown


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--rules", "low.toml", "--fail-over", "1"), 0, ""),
        (
            ("--rules", "low.toml", "--fail-over", "0"),
            1,
            "rules low.toml: 1 incidents; at most 0 are allowed by --fail-over.\n",
        ),
        (
            ("--rules", "low.toml", "--against", "high.toml", "--fail-on-difference"),
            1,
            "the rules differ: 1 incidents only of low.toml, 0 only of high.toml.\n",
        ),
        (("--rules", "low.toml", "--against", "low.toml", "--fail-on-difference"), 0, ""),
    ],
)
def test_the_exit_code_judges_for_ci(backtest: Called, words: tuple[str, ...], code: int, said: str) -> None:
    ran = backtest.run(*words)

    assert (code, said) == (ran.code, ran.err)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "noon"), 2, '"noon" is no time; write it as in 2026-11-24'),
        (("--from", "2001-01-01", "--to", "2001-01-02"), 1, "there is no history between 2001-01-01 00:00"),
        (("--rules", "gone.toml"), 78, "gone.toml: cannot be read"),
        (("--fail-on-difference",), 2, "needs --against"),
        (("--logs", "gone.log"), 1, "gone.log"),
    ],
)
def test_what_cannot_be_done_is_said(backtest: Called, words: tuple[str, ...], code: int, said: str) -> None:
    ran = backtest.run(*words)

    assert (code, True) == (ran.code, said in " ".join(ran.err.split()))
    assert "Traceback" not in ran.err


def test_log_files_are_read_instead_of_the_database(tmp_path: Path) -> None:
    (tmp_path / "low.toml").write_text(RULE.format(at_least=30))
    lines = [
        LINE.format(at=BEGAN + timedelta(minutes=minute, seconds=n), status=403 if 20 <= minute < 30 else 200)
        for minute in range(60)
        for n in range(20)
    ]
    (tmp_path / "access.log").write_text("".join(lines[600:]))
    (tmp_path / "access.log.1").write_text("".join(lines[:600]))

    ran = log_sentinel(
        "backtest", "--rules", "low.toml", "--output", "json", "--logs", "access.log", "access.log.1", folder=tmp_path
    )

    found = json.loads(ran.out)
    assert ("2026-03-03T12:00:00.000Z", "2026-03-03T13:00:00.000Z") == (found["from"], found["to"])
    assert [("acme", 100)] == [(one["key"], one["most_denials"]) for one in found["runs"][0]["listed"]]
    assert not list(tmp_path.glob("*.db"))


def test_an_empty_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("")

    ran = log_sentinel("backtest", "--logs", "access.log", folder=tmp_path)

    assert (1, "the log files: there is no request in them that could be read.\n") == (ran.code, ran.err)


def test_a_threshold_is_suggested_as_a_rule_file(backtest: Called) -> None:
    ran = log_sentinel(
        "rules", "suggest", "client", "--kind", "threshold", "--db", backtest.url, folder=backtest.folder
    )

    assert (0, "") == (ran.code, ran.err)
    assert 'kind = "threshold"\ndimension = "client"' in ran.out
    refused = log_sentinel("rules", "suggest", "client", "--kind", "silence", folder=backtest.folder)
    assert (2, True) == (refused.code, "one of threshold, ratio, spike" in " ".join(refused.err.split()))
