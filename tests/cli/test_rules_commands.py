import json
from pathlib import Path

from tests.cli.running import log_sentinel

MINE = """
description = "Mine."
kind = "threshold"
dimension = "client"
window = "5m"
at_least = 10
severity = "warning"

[[series]]
name = "ten at once"
denials = "0x5 10 0x10"
fires_at = {fires_at}
"""


def with_rule(folder: Path, text: str) -> None:
    (folder / "mine.toml").write_text(text)
    (folder / "log-sentinel.toml").write_text('[detection]\nrules = ["mine.toml"]\n')


def test_the_shipped_rules_are_listed(tmp_path: Path) -> None:
    listed = log_sentinel("rules", "list", "--output", "json", folder=tmp_path)

    assert {"client-spike", "ip-spike", "route-spike"} <= {rule["rule"] for rule in json.loads(listed.out)}


def test_a_rule_that_does_not_do_what_its_series_says_fails(tmp_path: Path) -> None:
    with_rule(tmp_path, MINE.format(fires_at=5))
    right = log_sentinel("rules", "test", "--output", "json", folder=tmp_path)
    with_rule(tmp_path, MINE.format(fires_at=9))
    wrong = log_sentinel("rules", "test", folder=tmp_path)

    assert (right.code, wrong.code) == (0, 1)
    assert [row["outcome"] for row in json.loads(right.out)] == ["as written"]
    assert "fires at minute 5; expected at minute 9" in wrong.out


def test_rule_files_are_tried_before_any_settings_name_them(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE.format(fires_at=9))
    (tmp_path / "untried.toml").write_text(MINE.partition("[[series]]")[0])
    wrong = log_sentinel("rules", "test", "mine.toml", "untried.toml", "--output", "json", folder=tmp_path)

    assert 1 == wrong.code
    assert {
        "mine": "fires at minute 5; expected at minute 9",
        "untried": "has no series; nothing was tried",
    } == {row["rule"]: row["outcome"] for row in json.loads(wrong.out)}
    assert (
        log_sentinel("rules", "test", ".", folder=tmp_path).out
        == log_sentinel("rules", "test", "mine.toml", "untried.toml", folder=tmp_path).out
    )


def test_a_rule_that_cannot_be_read_is_a_bad_setting(tmp_path: Path) -> None:
    with_rule(tmp_path, MINE.format(fires_at=5) + 'tresh = 1\nat_least = "many"')

    ran = log_sentinel("rules", "list", folder=tmp_path)

    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("mine.toml")


def test_no_rule_of_log_sentinel_itself_is_suggested(tmp_path: Path) -> None:
    ran = log_sentinel("rules", "suggest", "self", folder=tmp_path)

    assert (ran.code, ran.out) == (2, "")
    assert "one of all, client, ip, network, route, route_client, source" in ran.err
