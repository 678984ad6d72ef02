"""`log-sentinel parse`: what the parser makes of a file; nothing is stored."""

import itertools
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, Directive, FormatName, ZoneName
from log_sentinel.cli.output import Shape, show
from log_sentinel.cli.starting import starting
from log_sentinel.cli.visible import visible

if TYPE_CHECKING:
    from log_sentinel.daemon.events import Looked

IN_TABLE = ("time", "status", "method", "route", "client", "ip", "denied_by", "cause", "cause_confidence")
Row = dict[str, object]


def register(app: typer.Typer) -> None:
    app.command("parse")(parse)


def parse(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file (plain, .gz, .zst), or - for stdin.")],
    format_name: FormatName = None,
    directive: Directive = None,
    zone: ZoneName = None,
    everything: Annotated[bool, typer.Option("--all", help="Every request, not only the denied ones.")] = False,
    config: ConfigFile = None,
    output: Annotated[
        Shape, typer.Option("--output", help="jsonl: every column; table: the chief ones.")
    ] = Shape.JSONL,
) -> None:
    """Show the events of a log file as they would be stored. Lines nobody can read go to stderr, with the reason."""
    with starting():
        from log_sentinel.cli import logs
        from log_sentinel.daemon.events import events

    if output not in {Shape.JSONL, Shape.TABLE}:
        raise typer.BadParameter("jsonl or table", param_hint="--output")
    loaded = opening.settings(config)
    logs.set_up(loaded.settings.log.model_copy(update={"level": "warning"}), loaded.secrets)
    batches = events(
        loaded, path, sys.stdin.buffer, format_name=format_name, directive=directive, zone=zone, everything=everything
    )
    rows = itertools.chain.from_iterable(_rows(batch) for batch in batches)
    first = next(rows, None)
    if first is not None:
        columns = tuple(first) if output is Shape.JSONL else IN_TABLE
        show(columns, ([row[name] for name in columns] for row in itertools.chain([first], rows)), output)


def _rows(batch: "Looked") -> Iterator[Row]:
    """The events of a batch; its rejects are said on the way."""
    for line, reason, sample in batch.rejects:
        print(f"line {line}: {reason}: {visible(sample)}", file=sys.stderr)
    yield from batch.frame.iter_rows(named=True)
