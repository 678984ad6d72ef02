"""What people do to incidents, by a command or by a button: the same either way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from log_sentinel.delivery.presses import SILENCES, Action, Answer
from log_sentinel.incidents.people import acknowledged, resolved
from log_sentinel.incidents.states import NoSuchStep
from log_sentinel.model.silence import Silence
from log_sentinel.store import incidents, silences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from log_sentinel.delivery.presses import Press
    from log_sentinel.model.incident import Happening
    from log_sentinel.store.engine import Database

NOT_AN_INCIDENT = "not an incident"


def acknowledge(database: Database, number: int, who: str, now: datetime) -> Happening:
    """`who` looks after incident `number`. Raises NoSuchIncident, NoSuchStep."""
    return incidents.change(database, number, lambda incident: acknowledged(incident, who, now), now)


def resolve(database: Database, number: int, who: str, now: datetime, reason: str = "") -> Happening:
    """`who` calls incident `number` over, for a `reason`. Raises NoSuchIncident, NoSuchStep."""
    return incidents.change(database, number, lambda incident: resolved(incident, who, now, reason), now)


def silence(
    database: Database, number: int, who: str, now: datetime, lasting: timedelta, why: str = ""
) -> tuple[int, Silence]:
    """Nobody is told of incident `number`, or of a new one of its rule and key, for so long. Gives the silence and its
    number. Raises NoSuchIncident.
    """
    incident = incidents.show(database, number).incident
    matchers = {"rule": incident.rule, "dimension": str(incident.dimension), "key": incident.key}
    return silence_all(database, matchers, who, now, lasting, why)


def silence_all(
    database: Database, matchers: Mapping[str, str], who: str, now: datetime, lasting: timedelta, why: str = ""
) -> tuple[int, Silence]:
    """The same for all incidents, those to come too, that are as `matchers` say (`model.silence`)."""
    made = Silence(matchers, now, now + lasting, who, why)
    return silences.add(database, made, now), made


def act(database: Database, press: Press, now: datetime) -> Answer:
    """Does what a press asks for; gives what came of it. Raises StoreError."""
    do = {
        Action.ACKNOWLEDGE: partial(acknowledge, database, press.incident, press.who, now),
        Action.NOT_AN_INCIDENT: partial(resolve, database, press.incident, press.who, now, NOT_AN_INCIDENT),
    }
    try:
        if press.action in SILENCES:
            _, made = silence(database, press.incident, press.who, now, SILENCES[press.action], "pressed in Slack")
            return Answer(f"{press.who} silenced this until {made.ends_at:%Y-%m-%d %H:%M} UTC.", to_all=True)
        do[press.action]()
    except NoSuchStep as why:
        return Answer(f"Too late: it is {why.state} already." if why.state else str(why))
    except incidents.NoSuchIncident as why:
        return Answer(str(why))
    return Answer("")  # the thread tells it to everybody
