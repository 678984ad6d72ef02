"""`log-sentinel incidents`: what is the matter now, and what happened in each case."""

import getpass
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
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
    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.store.engine import Database

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
    """Show an incident's figures and what happened to it."""
    from log_sentinel.store import incidents

    loaded = opening.settings(config, db)
    with opening.database(loaded) as database:
        history = incidents.show(database, number)
        muted = _muting(database, loaded)(history.incident)
    if output is Shape.TABLE:
        rows = _figures(history.incident)
        show(("incident", str(number)), [*rows, ("muted", muted)] if muted else rows, output)
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
    number: Number,
    *,
    by: Who,
    lasting: Annotated[
        timedelta, typer.Option("--for", parser=duration, metavar="DURATION", help="How long, as in 1h or 24h.")
    ] = timedelta(hours=1),
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for those who ask later.")] = "",
    config: ConfigFile = None,
    db: DatabaseUrl = None,
) -> None:
    """Tell nobody of an incident, or of a new one of the same rule and key, for a time. The incident itself goes on."""
    from log_sentinel.daemon.people import silence

    with opening.database(opening.settings(config, db)) as database:
        made, of = silence(database, number, by, datetime.now(UTC), lasting, why)
    about = f"{of.matchers['dimension']} {of.matchers['key']}"
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


def _figures(incident: "Incident") -> list[tuple[str, object]]:
    return [(name, value) for name, value in asdict(incident).items() if value not in (None, {}) and name != "id"]
