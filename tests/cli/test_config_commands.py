import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from log_sentinel.config.load import load
from log_sentinel.config.places import Place
from log_sentinel.daemon.settings import Settings
from tests.cli.running import log_sentinel

CANARY = "canary-9f8e7d6c5b4a"
SECRETS = f"""
[database]
url = "postgresql+psycopg://me:{CANARY}@127.0.0.1:1/x"
[channels.ops]
type = "slack"
token = "xoxb-{CANARY}"
channel = "#alerts"
[channels.hook]
type = "webhook"
url = "http://127.0.0.1:1/{CANARY}"
hmac = "{CANARY}"
[channels.mail]
type = "email"
host = "127.0.0.1"
port = 1
tls = "none"
sender = "a@example.com"
to = ["b@example.com"]
[web]
listen = "127.0.0.1:1"
token = "{CANARY}"
"""


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "log-sentinel.toml"
    path.write_text(text, encoding="utf-8")
    return path


def sample(folder: Path) -> str:
    return log_sentinel("config", "sample", folder=folder).out


def test_the_sample_is_accepted_and_each_part_is_told_to_be_fine(tmp_path: Path) -> None:
    settings_file(tmp_path, sample(tmp_path))

    ran = log_sentinel("config", "check", "--output", "json", folder=tmp_path)

    assert (ran.code, ran.err) == (0, "")
    states = {finding["what"]: finding["state"] for finding in json.loads(ran.out)}
    assert states.pop("source edge") in ("fine", "note")
    assert states == dict.fromkeys(("settings", "formats", "rules", "channel here"), "fine")


def test_every_line_of_the_sample_may_be_switched_on(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=\[|[a-z_]+ = )", "", sample(tmp_path), flags=re.MULTILINE)
    text = text.replace('format = "nginx-combined"\n', "")  # a source has this or log_format
    text = re.sub(r'"/run/secrets/.*"', f'"{tmp_path}/secret"', text)
    (tmp_path / "secret").write_text(f"https://example.com/{CANARY}")
    path = settings_file(tmp_path, text)

    loaded = load(Settings, path, {})

    assert loaded.settings.web.token is not None
    assert set(loaded.settings.channels) == {"here", "ops", "simple", "mail", "hook", "pager"}


def test_the_sample_shows_every_key_there_is_and_its_default(tmp_path: Path) -> None:
    shown = re.sub(r"^#(?=\[|[a-z_]+ = )", "", sample(tmp_path), flags=re.MULTILINE)
    keys = set(re.findall(r"^([a-z_]+) = ", shown, flags=re.MULTILINE))
    sections: list[type[BaseModel]] = [Settings, *_sections(Settings)]
    for section in sections:
        for key, place in Place((section,)).keys({}).items():
            wanted = {f"{key}_file"} if place.is_secret else {key}
            assert _held(place) or wanted & keys or {key} & keys, f"{section.__name__}.{key}"

    written = tomllib.loads(shown.replace('format = "nginx-combined"\n', ""))
    for name in ("denials", "detection", "retention", "log"):
        given = Settings.model_validate({name: {k: v for k, v in written[name].items() if k != "rules"}})
        assert getattr(given, name) == getattr(Settings(), name)


def _sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    return [section for field in model.model_fields.values() for section in _held(Place.of(field.annotation))]


def _held(place: Place) -> tuple[type[BaseModel], ...]:
    """The sections at a place, or in the table or list there."""
    return place.sections or place.child("any", {}).sections or place.child(0, []).sections


def test_check_names_what_only_several_parts_together_can_be_wrong_about(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.toml").write_text('description = "x"\nkind = "treshold"\n')
    path = settings_file(
        tmp_path,
        """
[sources.edge]
path = "/var/log/nginx/access.log"
format = "nginx-combind"
[sources.other]
path = "x.log"
log_format = "no variables"
[detection]
rules = ["rules/*.toml", "none/*.toml"]
[channels.ops]
type = "console"
fallback = "mial"
[channels.mail]
type = "console"
[[routing]]
to = ["opps"]
""",
    )

    ran = log_sentinel("config", "check", folder=tmp_path)

    assert ran.code == 78
    assert f'{path.name}, sources.edge.format: got "nginx-combind"; one of ' in ran.err
    assert 'Did you mean "nginx-combined"?' in ran.err
    assert f"{path.name}, sources.other.log_format: " in ran.err
    assert f'{path.name}, routing.0.to: got "opps"; one of the channels: ops, mail. Did you mean "ops"?' in ran.err
    fallback = 'channels.ops.fallback: got "mial"; another of the channels: mail. Did you mean "mail"?'
    assert f"{path.name}, {fallback}" in ran.err
    assert "none/*.toml" in ran.err
    assert "Traceback" not in ran.err


def test_bad_settings_are_told_by_every_command_with_code_78(tmp_path: Path) -> None:
    settings_file(tmp_path, '[web]\nlisten = "9"\ncolour = "red"\n')

    for words in (["config", "check"], ["config", "show"], ["rules", "list"], ["healthcheck"], ["db", "current"]):
        ran = log_sentinel(*words, folder=tmp_path)
        assert (ran.code, ran.out) == (78, "")
        assert len(ran.err.splitlines()) == 2


def test_show_says_of_each_value_where_it_is_from(tmp_path: Path) -> None:
    settings_file(tmp_path, '[log]\nlevel = "debug"\n[channels.x]\ntype = "console"')

    ran = log_sentinel(
        "config",
        "show",
        "--db",
        "sqlite:///there.db",
        "--output",
        "json",
        folder=tmp_path,
        LOG_SENTINEL__INSTANCE="edge-7",
    )

    rows = {row["setting"]: (row["value"], row["from"]) for row in json.loads(ran.out)}
    assert rows["log.level"] == ('"debug"', "log-sentinel.toml")
    assert rows["log.format"] == ('"auto"', "default")
    assert rows["instance"] == ('"edge-7"', "LOG_SENTINEL__INSTANCE")
    assert rows["database.url"] == ('"sqlite:///there.db"', "--db")
    assert rows["detection.every"] == ('"10s"', "default")


@pytest.mark.parametrize(
    "words",
    [
        ["config", "show"],
        ["config", "show", "--output", "json"],
        ["config", "check"],
        ["channels", "list"],
        ["channels", "test", "hook"],
        ["channels", "test", "mail"],
        ["db", "current"],
        ["db", "upgrade"],
        ["incidents", "list"],
        ["healthcheck"],
        ["rules", "list"],
        ["formats", "list"],
    ],
    ids=" ".join,
)
def test_no_command_prints_a_secret(words: list[str], tmp_path: Path) -> None:
    settings_file(tmp_path, SECRETS)

    ran = log_sentinel(*words, folder=tmp_path)

    assert "Traceback" not in ran.err
    assert CANARY not in ran.out + ran.err


def test_show_keeps_what_is_no_secret_of_a_database_url(tmp_path: Path) -> None:
    settings_file(tmp_path, SECRETS)

    out = log_sentinel("config", "show", folder=tmp_path).out

    assert "postgresql+psycopg://me:***@127.0.0.1:1/x" in out


def test_a_secret_in_a_broken_file_is_not_told_with_the_mistake(tmp_path: Path) -> None:
    settings_file(tmp_path, SECRETS + f'tokn = "{CANARY}"\n[channels.odd]\ntype = "slack"\ntoken = ["{CANARY}"]\n')

    ran = log_sentinel("config", "check", folder=tmp_path)

    assert ran.code == 78
    assert CANARY not in ran.out + ran.err


def test_a_file_with_secrets_that_everybody_can_read_is_worth_a_note(tmp_path: Path) -> None:
    path = settings_file(tmp_path, SECRETS)
    path.chmod(0o644)
    open_to_all = log_sentinel("config", "check", folder=tmp_path)
    path.chmod(0o640)
    closed = log_sentinel("config", "check", folder=tmp_path)

    assert "every user of this machine can read the secrets in it" in open_to_all.out
    assert "every user" not in closed.out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("times_usual = 0", "mine.toml, times_usual: got 0; a number above 1, for the usual itself must not alarm."),
        ('usual_over = "0s"', 'mine.toml, usual_over: got "0s"; from 1h to 30d.'),
        ('dimension = "cleint"', 'mine.toml, dimension: got "cleint"; one of '),
        ('where = { clinet = "acme" }', 'mine.toml, where: got "clinet"; a column is one of '),
        ("distinct = { rout = 20 }", 'mine.toml, distinct: got "rout"; a column is one of '),
    ],
)
def test_a_rule_that_divides_by_zero_or_names_no_column_is_a_bad_setting(tmp_path: Path, line: str, said: str) -> None:
    rule = {
        "description": '"Mine."', "kind": '"ratio"', "dimension": '"client"', "window": '"5m"', "at_least": "10",
        "times_usual": "3", "severity": '"warning"',
    }  # fmt: skip
    key, _, value = line.partition(" = ")
    text = "".join(f"{name} = {given}\n" for name, given in (rule | {key: value}).items())
    (tmp_path / "mine.toml").write_text(text)
    (tmp_path / "log-sentinel.toml").write_text('[detection]\nrules = ["mine.toml"]\n')

    checked = log_sentinel("config", "check", folder=tmp_path)
    tried = log_sentinel("backtest", "--rules", "mine.toml", folder=tmp_path)

    assert [(78, True), (78, True)] == [(ran.code, said in ran.err) for ran in (checked, tried)]


def test_maintenance_windows_are_checked_with_what_they_match(tmp_path: Path) -> None:
    window = '[maintenance.deploy]\nsince = "22:00"\nuntil = "{until}"\nmatch = {{ {match} = "x" }}\n'
    settings = tmp_path / "log-sentinel.toml"
    settings.write_text(window.format(until="23:00", match="key"))
    fine = log_sentinel("config", "check", folder=tmp_path)
    settings.write_text(window.format(until="23:00", match="ruel"))
    unknown = log_sentinel("config", "check", folder=tmp_path)
    settings.write_text(window.format(until="later", match="key"))
    wrong = log_sentinel("config", "check", folder=tmp_path)

    assert (0, 78, 78) == (fine.code, unknown.code, wrong.code)
    assert "22:00:00 to 23:00:00 by the clock of UTC, every day: key x" in fine.out
    assert 'maintenance.deploy.match: got "ruel"; rule, dimension, key, severity' in unknown.err
    assert unknown.err.endswith('Did you mean "rule"?\n')
    assert 'maintenance.deploy.until: got "later"; a time of day, as in "22:00", or a date and time' in wrong.err
