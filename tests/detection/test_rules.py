from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from log_sentinel import content
from log_sentinel.detection.rule import Kind
from log_sentinel.detection.rules import BadRule, load_rules, read_rule, rule_files
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.model.spike import Dimension, Severity

GOOD: dict[str, object] = {
    "description": "A client is denied too much.",
    "kind": "ratio",
    "dimension": "client",
    "window": "5m",
    "at_least": 30,
    "times_usual": 4,
    "severity": "warning",
}


def mistakes(**changed: object) -> list[str]:
    found = {key: value for key, value in (GOOD | changed).items() if value is not None}
    with pytest.raises(BadRule) as bad:
        read_rule("mine", found, "mine.toml")
    return [str(mistake) for mistake in bad.value.mistakes]


def test_a_rule_is_read_as_it_is_written() -> None:
    rule = read_rule("mine", GOOD | {"for": "3m", "keep_firing_for": "15m", "statuses": [429, 403]}, "mine.toml")

    assert (rule.kind, rule.counted.dimension, rule.counted.statuses) == (Kind.RATIO, Dimension.CLIENT, (403, 429))
    assert (5, 30, 4.0, 3, timedelta(minutes=15)) == (
        rule.window,
        rule.at_least,
        rule.times_usual,
        rule.confirm,
        rule.keep_firing_for,
    )
    assert rule.severity == Severity.WARNING


def test_a_rule_yields_only_to_rules_that_there_are(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    text = (content.shipped("alerts") / "route-attacked.toml").read_text()
    mine.write_text(text)
    assert "route-denies-everybody" in load_rules([mine])[0].yields_to
    mine.write_text(text.replace("denies-everybody", "denies-everyone"))
    with pytest.raises(BadRule) as bad:
        load_rules([mine])
    told = (
        f'{mine}, yields_to: got "route-denies-everyone"; no rule is called so. Did you mean "route-denies-everybody"?'
    )
    assert [told] == [str(mistake) for mistake in bad.value.mistakes]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tresh": 3, "at_least": None}, 'mine.toml: unknown key "tresh". Known are'),
        ({"at_leest": 3}, 'mine.toml: unknown key "at_leest". Did you mean "at_least"?'),
        ({"dimension": None}, 'mine.toml: "dimension" is missing; every rule has one.'),
        (
            {"dimension": "cleint"},
            (
                'mine.toml, dimension: got "cleint"; one of all, client, ip, network, route, route_client, source. '
                'Did you mean "client"?'
            ),
        ),
        ({"times_usual": None}, 'mine.toml: "times_usual" is missing; a rule of kind "ratio" needs it.'),
        (
            {"times_usual": 0},
            "mine.toml, times_usual: got 0; a number above 1, for the usual itself must not alarm.",
        ),
        ({"usual_over": "0s"}, 'mine.toml, usual_over: got "0s"; from 1h to 30d.'),
        ({"window": "0m"}, 'mine.toml, window: got "0m"; whole minutes from 1m to 60m.'),
        ({"window": "90s"}, 'mine.toml, window: got "90s"; whole minutes from 1m to 60m.'),
        (
            {"window": "soon"},
            (
                'mine.toml, window: got "soon"; a duration is a number and a unit (ms, s, m, h, d, w), '
                'as in "10s", "5m", "24h" or "90d".'
            ),
        ),
        ({"for": "10m"}, "mine.toml, for: got 10m; no longer than the window, 5m."),
        ({"at_least": 0}, "mine.toml, at_least: got 0; a whole number from 1 on."),
        ({"at_least": True}, "mine.toml, at_least: got True; a whole number from 1 on."),
        ({"statuses": [4000]}, "mine.toml, statuses: got 4000; a status is 100 to 599."),
        ({"statuses": 403}, "mine.toml, statuses: got 403; a list of statuses, as in [403, 429]."),
        (
            {"where": {"rout": "/login"}},
            (
                'mine.toml, where: got "rout"; a column is one of source, client, ip, network, route, cause. '
                'Did you mean "route"?'
            ),
        ),
        ({"where": {"route": 7}}, "mine.toml, where: route is 7; a text or a list of texts is needed."),
        (
            {"kind": "threshold"},
            'mine.toml, times_usual: a rule of kind "threshold" reads no such key; ratio, spike, silence do.',
        ),
        ({"share": 0, "dimension": "route"}, "mine.toml, share: got 0; a share above 0 and up to 1."),
        ({"largest": {"ip": 0}}, "mine.toml, largest: ip: got 0; a share above 0 and up to 1."),
        (
            {"distinct": {"rout": 20}},
            (
                'mine.toml, distinct: got "rout"; a column is one of source, client, ip, network, route, cause. '
                'Did you mean "route"?'
            ),
        ),
        (
            {"who": "newcommer"},
            'mine.toml, who: got "newcommer"; one of customer, newcomer, stranger. Did you mean "newcomer"?',
        ),
        (
            {"who": "newcomer", "dimension": "route"},
            "mine.toml, who: whom it hurts is known by client and by ip, not by route.",
        ),
        ({"labels": {"team": 7}}, "mine.toml, labels: got {'team': 7}; a table of texts, as in { team = \"edge\" }."),
        ({"series": [{"name": "x"}]}, 'mine.toml, series 1: "denials" is missing; every series has one.'),
        (
            {"series": [{"name": "x", "denials": "2y4"}]},
            'mine.toml, series 1, denials: got "2y4"; counts minute by minute, as in "2x10 40x5 2x30" or [2, 2, 40].',
        ),
        (
            {"series": [{"name": "x", "denials": "2x10", "fires_at": 10}]},
            "mine.toml, series 1, fires_at: got 10; the series has the minutes 0 to 9.",
        ),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(changed: dict[str, object], message: str) -> None:
    assert [message] == [found[: len(message)] for found in mistakes(**changed)][:1]


def test_every_mistake_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('description = "x"\nkind = "ratoi"\ndimension = 3\n')
    (tmp_path / "b.toml").write_text("not toml")
    (tmp_path / "c.toml").write_bytes(b"\xff")

    with pytest.raises(BadRule) as bad:
        load_rules([*sorted(tmp_path.glob("*.toml")), tmp_path / "gone.toml"])

    said = str(bad.value)
    for part in (
        '"ratio"?',
        "a.toml, dimension: got 3",
        "b.toml: is not TOML",
        "c.toml: byte 0",
        "gone.toml: cannot be",
    ):
        assert part in said


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    shipped = content.shipped("alerts") / "client-spike.toml"
    copy = tmp_path / "client-spike.toml"
    copy.write_bytes(shipped.read_bytes())

    with pytest.raises(BadRule, match='a rule "client-spike" is loaded already'):
        load_rules([shipped, copy])


def test_rule_files_are_looked_for_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    mine = tmp_path / "alerts" / "mine.toml"
    mine.write_text("")

    assert [mine] == rule_files(DetectionSettings(rules=("alerts/*.toml",)), tmp_path)
    assert [mine] == rule_files(DetectionSettings(rules=(str(mine),)), Path("/"))


def test_a_glob_that_finds_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadRule, match=r'detection\.rules: got "no/\*\.toml"; no file in .* is called so'):
        rule_files(DetectionSettings(rules=("no/*.toml",)), tmp_path)


def test_a_glob_that_finds_nothing_hides_no_mistake_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('kind = "ratoi"')

    with pytest.raises(BadRule) as bad:
        rule_files(DetectionSettings(rules=("no/*.toml", "mine.toml")), tmp_path)

    assert "no file in" in str(bad.value)
    assert '"ratio"?' in str(bad.value)


def test_denials_that_cannot_be_read_are_one_mistake() -> None:
    assert len(mistakes(series=[{"name": "x", "denials": "2xx", "fires_at": 3}])) == 1


def test_without_a_setting_the_shipped_rules_are_used(tmp_path: Path) -> None:
    names = {rule.name for rule in load_rules(rule_files(DetectionSettings(), tmp_path))}

    assert names >= {"client-spike", "ip-spike", "route-spike"}


def test_reading_rules_loads_no_polars() -> None:
    code = "import sys, log_sentinel.detection.rules; sys.exit('polars' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
