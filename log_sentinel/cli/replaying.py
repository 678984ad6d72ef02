"""What `backtest` and `rules suggest` have in common: history, span and rules out of their options."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import exits, opening
from log_sentinel.cli.times import before, when
from log_sentinel.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from log_sentinel.backtest.history import History
    from log_sentinel.backtest.replay import Span
    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.detection.rule import Rule

From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="Where it begins: a time (UTC unless it names its zone), or how long before the end, as in 7d. "
        "[default: 7d; with log files, their first minute]",
        show_default=False,
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Where it ends. [default: the newest minute]", show_default=False),
]
Logs = Annotated[
    list[str] | None,
    typer.Option(
        "--logs",
        metavar="PATH",
        help="A log file (plain, .gz, .zst, - for stdin) instead of the stored history.",
        show_default=False,
    ),
]
MoreLogs = Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Further log files, as --logs.")]
Learn = Annotated[
    str, typer.Option("--learn", metavar="DURATION", help="How much history before it teaches what is usual.")
]
LEARN = "7d"
STORED_SPAN = timedelta(days=7)


@contextmanager
def history(
    loaded: Loaded[Settings], paths: Sequence[str], format_name: str | None, directive: str | None
) -> Iterator[History]:
    """The history of the log files at `paths`, of the database without any. Raises NoHistory."""
    from log_sentinel.backtest.history import StoredHistory, whole_since
    from log_sentinel.backtest.logs import read_logs

    if paths:
        with bar("reading", None) as (_, said):
            lines = 0

            def read(path: str, more: int) -> None:
                nonlocal lines
                lines += more
                said(f"{path}: {lines:,} lines")

            yield read_logs(
                loaded, paths, sys.stdin.buffer, format_name=format_name, directive=directive, progress=read
            )
        return
    with opening.database(loaded) as database:
        yield StoredHistory(database, whole_since(datetime.now(UTC), loaded.settings.retention.denied_minutes))


def span(past: History, since: str | None, until: str | None, learn: str, *, whole: bool) -> Span:
    """What the options say of the time in `past`. `whole`: all of it when they say nothing.

    Says on stderr when there is less than was asked for.
    """
    from log_sentinel.backtest.replay import Span

    end = past.end if until is None else before(past.end, when(until))
    if end > past.end:
        _note(f"the history ends at {past.end:%Y-%m-%d %H:%M} UTC")
        end = past.end
    asked = before(end, (end - past.first if whole else STORED_SPAN) if since is None else when(since))
    first = max(asked, past.first)
    if first >= end:
        raise exits.Failed(
            f"there is no history between {asked:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} UTC; it goes from "
            f"{past.first:%Y-%m-%d %H:%M} to {past.end:%Y-%m-%d %H:%M}. Choose other times with --from and --to."
        )
    if since is not None and first > asked:
        _note(f"the history begins at {first:%Y-%m-%d %H:%M} UTC")
    taught = when(learn)
    if not isinstance(taught, timedelta):
        raise typer.BadParameter('a duration is needed, as in "7d"', param_hint="--learn")
    return Span(first, end, min(taught, first - past.first))


def rules(paths: Sequence[Path]) -> list[Rule]:
    """The rules of these files; of a folder, of all TOML files in it. Raises BadRule, Failed."""
    from log_sentinel.detection.rules import load_rules

    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not found:
            raise exits.Failed(f"{path}: there is no TOML file in it. Name a rule file, or a folder with some.")
        files += found
    return load_rules(files)


@contextmanager
def bar(what: str, total: int | None) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """Progress on stderr, where a terminal shows it: how far it is (of `total`), and what to say of it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield (lambda _: None), (lambda _: None)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield (
            lambda completed: shown.update(task, completed=completed),
            lambda said: shown.update(task, description=visible(said)),
        )


def _note(text: str) -> None:
    print(f"{text}.", file=sys.stderr)
