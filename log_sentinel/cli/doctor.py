"""`log-sentinel doctor`: one page on how everything is, and what to do where it is not well."""

from datetime import UTC, datetime

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Output
from log_sentinel.cli.output import Shape, show


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(config: ConfigFile = None, db: DatabaseUrl = None, output: Output = Shape.TABLE) -> None:
    """Examine settings, daemon, database, sources and channels; say what is wrong with each and what to do about it.

    Changes nothing and sends nothing. Exit code 1 if something is wrong.
    """
    from log_sentinel.cli import checking, examining
    from log_sentinel.daemon.findings.finding import State

    loaded = opening.settings(config, db)
    findings = [*checking.findings(loaded), *examining.findings(loaded, datetime.now(UTC))]
    show(
        ("state", "what", "says", "todo"),
        [(finding.state, finding.what, finding.says, finding.todo) for finding in findings],
        output,
    )
    if any(finding.state is State.WRONG for finding in findings):
        raise typer.Exit(1)
