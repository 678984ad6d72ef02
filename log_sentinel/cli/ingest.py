"""`log-sentinel ingest`: one pass over files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import exits, opening
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Directive, FormatName, Output, ZoneName
from log_sentinel.cli.output import Shape, show
from log_sentinel.cli.starting import starting
from log_sentinel.cli.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.once import Progress
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.daemon.tally import Tally
    from log_sentinel.sources.once import OncePass
    from log_sentinel.store.engine import Database


def register(app: typer.Typer) -> None:
    app.command("ingest")(ingest)


def ingest(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files (plain, .gz, .zst), or - for stdin.")],
    format_name: FormatName = None,
    directive: Directive = None,
    zone: ZoneName = None,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """Read whole files into the database once. Doing it again adds nothing. Error logs among them, in any order, tell
    why the requests of the others were denied.
    """
    with starting():
        from log_sentinel.cli import logs
        from log_sentinel.cli.heads import head
        from log_sentinel.daemon.once import NoFormat, Pass
        from log_sentinel.daemon.pairing import WhoseErrorLog
        from log_sentinel.daemon.tally import Tally
        from log_sentinel.sources.opening import CannotRead

        loaded = opening.settings(config, db)
        logs.set_up(loaded.settings.log.model_copy(update={"level": "warning"}), loaded.secrets)
    tally, failed = Tally(), []
    with opening.database(loaded, create=True) as database, _prepared(database, loaded), _bars() as bars:
        progress = _progress(bars, tally)
        one_pass = Pass(
            database,
            loaded,
            tally,
            paths,
            head,
            format_name=format_name,
            directive=directive,
            zone=zone,
            progress=progress,
        )
        for path in paths:
            try:
                failed += one_pass.over(path, sys.stdin.buffer)
            except (OSError, CannotRead, NoFormat, WhoseErrorLog) as why:
                failed.append(exits.sentence(why))
    _summary(tally, output, error_logs=one_pass.has_error_logs)
    if failed:
        raise exits.Failed("\n".join(failed))


@contextmanager
def _prepared(database: "Database", loaded: "Loaded[Settings]") -> Iterator[None]:
    """The tables are there, and on SQLite the database is ours alone: a running daemon keeps us out (Owned)."""
    from log_sentinel.store.migrating import upgrade
    from log_sentinel.store.owner import own

    ownership = own(database, loaded.settings.instance) if database.is_sqlite else None
    try:
        database.take_checkpointing()
        upgrade(database)
        yield
    finally:
        if ownership is not None:
            ownership.release()


def _bars() -> "AbstractContextManager[Bars | None]":
    """Bars on stderr where a terminal shows them: bytes, lines, rate, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeRemainingColumn(),
        console=console,
    )


def _progress(bars: "Bars | None", tally: "Tally") -> "Progress":
    @contextmanager
    def over(path: str, source: "OncePass") -> Iterator[Callable[[], None]]:
        if bars is None:
            yield lambda: None
            return
        before = tally.lines
        task = bars.add_task(visible(path), total=source.size, lines=0)
        yield lambda: bars.update(task, completed=source.position, lines=tally.lines - before)

    return over


def _summary(tally: "Tally", output: Shape, *, error_logs: bool) -> None:
    rejects = tally.rejects
    rows: list[tuple[str, int]] = [
        ("lines", tally.lines),
        ("denials", tally.denials + tally.promoted),
        *([("explained by an error log", tally.explained)] if error_logs else []),
        ("candidates", max(0, sum(one.candidates for one in tally.sources.values()) - tally.promoted)),
        ("rejects", rejects.total()),
        *((f"rejects: {reason}", n) for reason, n in rejects.most_common()),
    ]
    show(("what", "n"), rows, output)
