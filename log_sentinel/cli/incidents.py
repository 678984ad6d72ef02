"""`log-sentinel incidents`: what is the matter now, and what happened in each case."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Output
from log_sentinel.cli.output import Shape, document, show
from log_sentinel.config import durations

if TYPE_CHECKING:
    from log_sentinel.model.incident import Incident

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
)
TOLD = ("at", "kind", "who", "observed", "total")


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List incidents and tell their stories.")
    group.command("list")(list_incidents)
    group.command("show")(show_incident)
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
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 100,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """List the incidents that are not resolved, the newest first."""
    from log_sentinel.model.incident import IncidentState
    from log_sentinel.store import incidents

    states = [state for state in IncidentState if everything or state is not IncidentState.RESOLVED]
    seen_since = datetime.now(UTC) - since if since else None
    with opening.database(opening.settings(config, db)) as database:
        found = incidents.listing(database, states=states, since=seen_since, limit=limit)
    show(LISTED, [[getattr(incident, column) for column in LISTED] for incident in found], output)


def show_incident(
    number: Annotated[int, typer.Argument(metavar="ID", help="The incident's number.")],
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """Show an incident's figures and what happened to it."""
    from log_sentinel.store import incidents

    with opening.database(opening.settings(config, db)) as database:
        history = incidents.show(database, number)
    if output is Shape.TABLE:
        show(("incident", str(number)), _figures(history.incident), output)
    happenings = [
        (told.at, told.kind, told.who, told.incident.observed, told.incident.total) for told in history.happenings
    ]
    if output is Shape.JSON:
        told = [dict(zip(TOLD, happening, strict=True)) for happening in happenings]
        document(asdict(history.incident) | {"happenings": told})
        return
    show(TOLD, happenings, output)


def _figures(incident: "Incident") -> list[tuple[str, object]]:
    return [(name, value) for name, value in asdict(incident).items() if value not in (None, {}) and name != "id"]
