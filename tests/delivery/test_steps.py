"""What to do next: the five places in the order that fits, with commands that run and in which no log has a say."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from log_sentinel.content import shipped
from log_sentinel.delivery.message.matters import matter_of
from log_sentinel.delivery.message.phrases import clock
from log_sentinel.delivery.message.steps import FIRST, ORDER, Check, steps_for
from log_sentinel.model.finding import Cause
from log_sentinel.model.spike import Dimension
from log_sentinel.store.migrating import upgrade
from tests.delivery.happenings import incident
from tests.delivery.stories import MATTERS

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

COMMANDS = tomllib.loads((shipped("alerts") / "templates" / "steps.toml").read_text("utf-8"))
GATEWAYS = [None, *(name for name in COMMANDS if name != "any")]


def said(cause: str, gateway: str | None = None) -> list[str]:
    return [str(step.words) for step in steps_for(incident(finding={"cause": cause}), gateway)]


@pytest.mark.parametrize("cause", list(Cause))
def test_all_five_places_are_looked_at_in_the_order_that_fits(cause: Cause) -> None:
    assert set(Check) == set(ORDER[cause])
    assert len(said(cause)) == 6
    first = {"rate_limit": "Rate limits", "ip_restriction": "IP filters", "unknown": "Logs"}.get(cause, "")
    assert said(cause)[0].startswith(first)


def test_a_command_is_that_of_the_gateway() -> None:
    commands = [str(step.command) for step in steps_for(incident(), "kong")]
    assert "curl -s $KONG_ADMIN/consumers/acme-prod/acls" in commands
    assert "nginx -T 2>/dev/null | grep -nE 'limit_(req|conn)'" in [
        str(step.command) for step in steps_for(incident(), "nginx")
    ]


@pytest.mark.parametrize("name", MATTERS)
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_no_step_is_told_twice_and_every_command_is_whole(name: str, gateway: str | None) -> None:
    steps = steps_for(MATTERS[name].incident, gateway)
    words = [str(step.words) for step in steps]
    commands = [str(step.command) for step in steps if step.command is not None]
    assert len(words) == len(set(words))
    assert len(commands) == len(set(commands))
    assert not [one for one in commands if re.search(r"[{`…]|://", one.replace("/v1/orders/{id}", ""))]


@pytest.mark.parametrize("name", MATTERS)
def test_every_query_runs(database: Database, name: str) -> None:
    upgrade(database)
    commands = [str(step.command) for step in steps_for(MATTERS[name].incident) if step.command is not None]
    queries = [shlex.split(one)[2] for one in commands if one.startswith("log-sentinel sql ")]
    with database.read() as connection:
        assert [[]] * len(queries) == [list(connection.execute(text(query))) for query in queries]
    assert name in ("denials-silent", "log-silent") or queries


MEANS_SOMETHING = ["a'b", 'a"b', "a$b", "a b", "$(id)", "`id`", "a\nb", "a\\b", "a;b", "a|b", "a&b", "é", "*", "!x"]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("dimension", [Dimension.CLIENT, Dimension.IP, Dimension.ROUTE, Dimension.SOURCE])
def test_a_name_that_could_mean_something_to_a_shell_or_to_sql_is_in_no_command(
    gateway: str | None, dimension: Dimension
) -> None:
    for key in MEANS_SOMETHING:
        marked = f"canary{key}"
        evidence = {name: [[marked, 3]] for name in ("ips", "clients", "routes")}
        steps = steps_for(incident(key=marked, dimension=dimension, evidence=evidence), gateway)
        assert [step for step in steps if step.command and "canary" in step.command] == []


def test_a_name_that_reads_like_an_option_is_in_no_command_line() -> None:
    commands = [str(step.command) for step in steps_for(incident(key="-rf"), "kong")]
    assert [one for one in commands if "/-rf" in one] == []


@pytest.mark.parametrize("name", [name for name in MATTERS if "silent" not in name])
def test_what_is_no_mere_spike_has_a_first_step_of_its_own(name: str) -> None:
    incident = MATTERS[name].incident
    words = FIRST[matter_of(incident)][0].replace("{began}", clock(incident.since, beside=incident.last_seen_at))
    assert words == str(steps_for(incident)[0].words)
