"""`log-sentinel incidents`: what is the matter now, and what happened in each case."""

import getpass
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Output
from log_sentinel.cli.output import Shape, document, show, text
from log_sentinel.cli.visible import visible
from log_sentinel.config import durations

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.delivery.message.composing import Background
    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.store.engine import Database
    from log_sentinel.store.incidents import History

LISTED = (
    "id",
    "state",
    "severity",
    "rule",
    "dimension",
    "key",
    "since",
    "last_seen_at",
    "observed",
    "expected",
    "total",
    "muted",
)
STANDS = (
    "state", "severity", "rule", "labels", "since", "opened_at", "last_seen_at", "resolved_at", "acknowledged_by",
    "acknowledged_at", "parent",
)  # fmt: skip
WIDTH = 100
TOLD = ("at", "kind", "who", "observed", "total")
SILENCED = ("id", "matchers", "starts_at", "ends_at", "who", "why")

Number = Annotated[int, typer.Argument(metavar="ID", help="The incident's number.")]
Who = Annotated[
    str,
    typer.Option("--by", metavar="NAME", help="Who does it.", default_factory=getpass.getuser, show_default="you"),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        rich_markup_mode=None, no_args_is_help=True, help="List incidents, tell their stories, take them on."
    )
    group.command("list")(list_incidents)
    group.command("show")(show_incident)
    group.command("ack")(acknowledge_incident)
    group.command("resolve")(resolve_incident)
    group.command("silence")(silence_incident)
    group.command("silences")(list_silences)
    group.command("unsilence")(unsilence)
    app.add_typer(group, name="incidents")


def duration(text: str) -> timedelta:
    """A duration as the command line has it."""
    try:
        return durations.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def list_incidents(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    since: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="DURATION", help="Only those seen within it, as in 24h."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most, the newest first.")] = 100,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """List the incidents that are not resolved, the newest first."""
    from log_sentinel.model.incident import IncidentState
    from log_sentinel.store import incidents

    states = [state for state in IncidentState if everything or state is not IncidentState.RESOLVED]
    seen_since = datetime.now(UTC) - since if since else None
    loaded = opening.settings(config, db)
    with opening.database(loaded) as database:
        found = incidents.listing(database, states=states, since=seen_since, limit=limit)
        muted = _muting(database, loaded)
    rows = [[*(getattr(incident, column) for column in LISTED[:-1]), muted(incident)] for incident in found]
    show(LISTED, rows, output)


def show_incident(
    number: Number,
    *,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """Show what an alert would say of an incident now, and what happened to it."""
    from log_sentinel.daemon.background import around
    from log_sentinel.store import incidents

    loaded = opening.settings(config, db)
    with opening.database(loaded) as database:
        history = incidents.show(database, number)
        muted = _muting(database, loaded)(history.incident)
        background = around(database, history.incident)
    if output is Shape.TABLE:
        _tell_story(history, background, muted)
    happenings = [
        (told.at, told.kind, told.who, told.incident.observed, told.incident.total) for told in history.happenings
    ]
    if output is Shape.JSON:
        told = [dict(zip(TOLD, happening, strict=True)) for happening in happenings]
        document(asdict(history.incident) | {"muted": muted, "happenings": told})
        return
    show(TOLD, happenings, output)


def acknowledge_incident(number: Number, *, by: Who, config: ConfigFile = None, db: DatabaseUrl = None) -> None:
    """Say that somebody looks after an incident; the channels are told who."""
    from log_sentinel.daemon.people import acknowledge

    with opening.database(opening.settings(config, db)) as database:
        _tell(acknowledge(database, number, by, datetime.now(UTC)))


def resolve_incident(
    number: Number,
    *,
    by: Who,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help='Why, as in "not an incident"; it is told and kept.')
    ] = "",
    config: ConfigFile = None,
    db: DatabaseUrl = None,
) -> None:
    """Say that an incident is over. What of it goes on is not told again; a new one is."""
    from log_sentinel.daemon.people import resolve

    with opening.database(opening.settings(config, db)) as database:
        _tell(resolve(database, number, by, datetime.now(UTC), reason))


def silence_incident(
    number: Annotated[int | None, typer.Argument(metavar="ID", help="The incident's number.")] = None,
    *,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            metavar="NAME=VALUE",
            help="Instead of an incident's number, what must be equal: rule, dimension, key, severity, or a label of "
            "the rule; may be given several times.",
            show_default=False,
        ),
    ] = None,
    by: Who,
    lasting: Annotated[
        timedelta,
        typer.Option(
            "--for", parser=duration, metavar="DURATION", help="How long, as in 1h or 24h.", show_default="1h"
        ),
    ] = timedelta(hours=1),
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for those who ask later.")] = "",
    config: ConfigFile = None,
    db: DatabaseUrl = None,
) -> None:
    """Tell nobody of an incident, or of a new one of the same rule and key, for a time. The incident itself goes on.

    With --match, of every incident that is so.
    """
    from log_sentinel.daemon.people import silence, silence_all

    if (number is None) is (not match):
        raise typer.BadParameter("an incident's number, or what it must match: one of them", param_hint="--match")
    loaded, now = opening.settings(config, db), datetime.now(UTC)
    matchers = _matchers(match or [], loaded)
    with opening.database(loaded) as database:
        if number is None:
            made, of = silence_all(database, matchers, by, now, lasting, why)
        else:
            made, of = silence(database, number, by, now, lasting, why)
    about = ", ".join(f"{name} {value}" for name, value in of.matchers.items())
    print(visible(f"silence {made}: nobody is told of {about} until {text(of.ends_at)}"))


def list_silences(*, config: ConfigFile = None, db: DatabaseUrl = None, output: Output = Shape.TABLE) -> None:
    """List the silences in force."""
    from log_sentinel.store import silences

    with opening.database(opening.settings(config, db)) as database:
        found = silences.in_force(database, datetime.now(UTC))
    show(SILENCED, [[getattr(one, column) for column in SILENCED] for one in found], output)


def unsilence(
    number: Annotated[int, typer.Argument(metavar="SILENCE", help="The silence's number.")],
    *,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
) -> None:
    """End a silence before its time."""
    from log_sentinel.store import silences

    with opening.database(opening.settings(config, db)) as database:
        silences.end(database, number, datetime.now(UTC))
    print(f"silence {number}: ended")


def _matchers(written: list[str], loaded: "Loaded[Settings]") -> dict[str, str]:
    """What a silence must match. Raises BadParameter for what no incident has."""
    from log_sentinel.detection.rules import rules_in_force
    from log_sentinel.incidents.maintenance import fit_values
    from log_sentinel.incidents.silences import matchable

    if not written:
        return {}
    rules = rules_in_force(loaded.settings.detection, loaded.folder)
    known = matchable(rules)
    matchers = {}
    for one in written:
        name, is_one, value = one.partition("=")
        if not is_one or name not in known:
            raise typer.BadParameter(
                f'got "{visible(one)}"; NAME=VALUE, the name one of {", ".join(known)}', param_hint="--match"
            )
        matchers[name] = value
    try:
        return fit_values(matchers)
    except ValueError as why:
        raise typer.BadParameter(str(why), param_hint="--match") from None


def _muting(database: "Database", loaded: "Loaded[Settings]") -> "Callable[[Incident], str | None]":
    """By what an incident is muted at present; None where it is not, or is over."""
    from log_sentinel.incidents.maintenance import under_way
    from log_sentinel.incidents.silences import silencing
    from log_sentinel.model.incident import IncidentState
    from log_sentinel.store import silences

    now = datetime.now(UTC)
    in_force = [*silences.in_force(database, now), *under_way(loaded.settings.maintenance, now)]

    def muted(incident: "Incident") -> str | None:
        found = None if incident.state is IncidentState.RESOLVED else silencing(incident, in_force, now)
        if found is None:
            return None
        name = found.who if found.id is None else f"silence {found.id}"
        return f"{name} until {text(found.ends_at)}"

    return muted


def _tell(happening: "Happening") -> None:
    print(visible(f"incident {happening.incident.id}: {happening.kind} by {happening.who}"))


def _tell_story(history: "History", background: "Background", muted: str | None) -> None:
    """What an alert says, and what it leaves out: how the incident stands."""
    from log_sentinel.delivery.message.composing import as_it_stands

    incident = history.incident
    last = history.happenings[-1] if history.happenings else None
    m = as_it_stands(incident, last, background, instance="", now=datetime.now(UTC))
    print(visible(f"#{incident.id} {incident.severity} {incident.state}: {m.title}"), end="\n\n")
    print(fill(visible(str(m.summary)), WIDTH))
    stands = {name: getattr(incident, name) for name in STANDS}
    facts = {name.replace("_", " "): text(value) for name, value in stands.items() if value not in (None, {})}
    told = {figure.label: str(figure.value) for figure in m.figures}
    cause = {"Probable cause": str(m.verdict.title)} if m.verdict else {}
    rows = cause | told | facts | ({"muted": muted} if muted else {})
    print("", *(visible(f"{name:17}{value}") for name, value in rows.items()), "", sep="\n")
