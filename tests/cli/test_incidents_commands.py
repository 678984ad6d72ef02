import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import incidents
from log_sentinel.store.engine import open_database
from log_sentinel.store.settings import DatabaseSettings
from tests.cli.running import Ran, log_sentinel

NOW = datetime.now(UTC).replace(microsecond=0)


def incident(key: str, state: IncidentState = IncidentState.OPEN, age: timedelta = timedelta(minutes=5)) -> Incident:
    began = NOW - age
    return Incident(
        rule="client-spike",
        dimension=Dimension.CLIENT,
        key=key,
        severity=Severity.WARNING,
        state=state,
        since=began,
        opened_at=began,
        last_seen_at=began,
        observed=42,
        expected=1.5,
        window_minutes=5,
        peak=42,
        total=42,
        resolved_at=began if state is IncidentState.RESOLVED else None,
    )


@dataclass(frozen=True)
class Called:
    """`log-sentinel incidents` in a folder, on a database."""

    folder: Path
    url: str

    def run(self, *words: str) -> Ran:
        return log_sentinel("incidents", *words, "--db", self.url, folder=self.folder)

    def listed(self, *words: str) -> list[str]:
        return [row["key"] for row in json.loads(self.run("list", *words, "--output", "json").out)]


@pytest.fixture
def incidents_command(database_url: str, tmp_path: Path) -> Called:
    """Its database knows an open incident (1), a resolved one (2) and one of a client with an evil name."""
    database = open_database(DatabaseSettings(url=SecretStr(database_url)))
    after = [
        incident("acme"),
        incident("globex", IncidentState.RESOLVED, timedelta(days=3)),
        incident("\x1b[31mevil", age=timedelta(days=2)),
    ]
    with database.write() as connection:
        happenings = [Happening(HappeningKind.OPENED, one.opened_at, one) for one in after]
        incidents.record(connection, [], after, happenings, NOW)
    database.close()
    return Called(tmp_path, database_url)


def test_what_is_not_resolved_is_listed_the_newest_first(incidents_command: Called) -> None:
    assert incidents_command.listed() == ["acme", "\x1b[31mevil"]
    assert incidents_command.listed("--all") == ["acme", "\x1b[31mevil", "globex"]
    assert incidents_command.listed("--all", "--since", "1h") == ["acme"]
    assert incidents_command.listed("--all", "--limit", "2") == ["acme", "\x1b[31mevil"]


def test_a_name_from_the_log_acts_on_no_terminal(incidents_command: Called) -> None:
    ran = incidents_command.run("list")

    assert "\x1b" not in ran.out
    assert "\\x1b[31mevil" in ran.out


def test_a_time_that_is_none_is_wrong_use(incidents_command: Called) -> None:
    ran = incidents_command.run("list", "--since", "yesterday")

    assert ran.code == 2
    assert "a duration is a number and a unit" in ran.err


def test_an_incident_is_shown_with_its_story(incidents_command: Called) -> None:
    table, document = incidents_command.run("show", "1"), incidents_command.run("show", "1", "--output", "json")

    assert all(word in table.out for word in ("acme", "client-spike", "opened", "detection"))
    assert "Client acme was denied 42 times in the last 5 minutes, usually 1.5" in table.out
    assert "evidence" not in table.out
    shown = json.loads(document.out)
    assert (shown["key"], shown["observed"]) == ("acme", 42)
    assert [happening["kind"] for happening in shown["happenings"]] == ["opened"]


def test_a_number_there_is_not_is_said(incidents_command: Called) -> None:
    ran = incidents_command.run("show", "77")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "incident 77: there is none. `log-sentinel incidents list` shows them.\n"


def test_people_take_an_incident_on_and_call_it_over(incidents_command: Called) -> None:
    taken = incidents_command.run("ack", "1", "--by", "ada")
    over = incidents_command.run("resolve", "1", "--by", "ada")
    story = json.loads(incidents_command.run("show", "1", "--output", "json").out)

    assert (taken.out, over.out) == ("incident 1: acknowledged by ada\n", "incident 1: resolved by ada\n")
    assert [(one["kind"], one["who"]) for one in story["happenings"]] == [
        ("opened", "detection"),
        ("acknowledged", "ada"),
        ("resolved", "ada"),
    ]


def test_what_is_over_cannot_be_taken_on(incidents_command: Called) -> None:
    ran = incidents_command.run("ack", "2")

    assert ran.code == 1
    assert "resolved cannot be acknowledged" in ran.err
    assert "Traceback" not in ran.err


def test_incidents_are_silenced_by_what_they_have_in_common(incidents_command: Called) -> None:
    silenced = incidents_command.run("silence", "--match", "dimension=client", "--match", "severity=warning")
    assert silenced.out.startswith("silence 1: nobody is told of dimension client, severity warning until ")

    (row,) = json.loads(incidents_command.run("silences", "--output", "json").out)
    assert row["matchers"] == {"dimension": "client", "severity": "warning"}
    rows = json.loads(incidents_command.run("list", "--output", "json").out)
    assert [row["muted"].partition(" until ")[0] for row in rows] == ["silence 1", "silence 1"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "an incident's number, or what it must match: one of them"),
        (("1", "--match", "rule=scanner"), "an incident's number, or what it must match: one of them"),
        (("--match", "rule"), 'got "rule"; NAME=VALUE, the name one of rule, dimension, key, severity, kind'),
        (("--match", "tema=x"), 'got "tema=x"; NAME=VALUE, the name one of rule, dimension, key, severity, kind'),
        (("--match", "severity=bad"), "severity: one of notice, info, warning, critical is allowed"),
    ],
    ids=lambda found: " ".join(found) if isinstance(found, tuple) else "",
)
def test_a_silence_that_would_match_nothing_is_not_made(
    incidents_command: Called, words: tuple[str, ...], says: str
) -> None:
    ran = incidents_command.run("silence", *words)

    assert (ran.code, ran.out) == (2, "")
    assert says in " ".join(ran.err.split())


def test_a_silenced_incident_is_listed_among_the_silences_until_it_is_unsilenced(incidents_command: Called) -> None:
    silenced = incidents_command.run("silence", "1", "--for", "24h", "--by", "ada", "--why", "load test")
    assert silenced.code == 0
    about = "rule client-spike, dimension client, key acme"
    assert silenced.out.startswith(f"silence 1: nobody is told of {about} until ")

    (row,) = json.loads(incidents_command.run("silences", "--output", "json").out)
    assert row["matchers"] == {"rule": "client-spike", "dimension": "client", "key": "acme"}
    assert (row["who"], row["why"]) == ("ada", "load test")

    assert incidents_command.run("unsilence", "1").code == 0
    assert json.loads(incidents_command.run("silences", "--output", "json").out) == []


def test_ending_a_silence_that_is_not_there_is_said(incidents_command: Called) -> None:
    ran = incidents_command.run("unsilence", "7")

    assert (ran.code, ran.err) == (1, "silence 7: there is none, or it has ended.\n")


def test_what_mutes_an_incident_is_said_where_it_is_listed_and_shown(incidents_command: Called) -> None:
    (incidents_command.folder / "log-sentinel.toml").write_text(
        '[maintenance.deploy]\nsince = "00:00"\nuntil = "00:00"\nmatch = { key = "acme" }\n'
    )

    rows = json.loads(incidents_command.run("list", "--all", "--output", "json").out)
    muted = {row["key"]: (row["muted"] or "").partition(" until ")[0] for row in rows}
    shown = incidents_command.run("show", "1").out

    assert ("maintenance deploy", "") == (muted["acme"], muted["globex"])
    assert "maintenance deploy until " in shown
