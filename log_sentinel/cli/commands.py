"""Which commands there are and which module has them.

A module is imported when its command is asked for. `--help` imports them all, so none of them may import polars,
SQLAlchemy or anything else that is slow before its command runs. Each has `register(app: typer.Typer) -> None`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_group

from log_sentinel import __version__

if TYPE_CHECKING:
    from typer.core import TyperGroup

MODULES = {
    "run": "run",
    "ingest": "ingest",
    "parse": "parse",
    "formats": "formats",
    "sql": "sql",
    "incidents": "incidents",
    "rules": "rules",
    "backtest": "backtest",
    "channels": "channels",
    "config": "config",
    "db": "db",
    "doctor": "doctor",
    "healthcheck": "healthcheck",
}

EPILOG = "Exit codes: 0 done, 1 failed, 2 used wrongly, 75 try again later, 78 bad settings."


class Commands(Mapping[str, Any]):
    """The commands by name; each is made when it is looked up."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules = dict(modules)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            app = typer.Typer(rich_markup_mode=None)
            import_module(f"log_sentinel.cli.{self._modules[name]}").register(app)
            self._made[name] = get_group(app).commands[name]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def program() -> TyperGroup:
    """The whole command line, ready to be called."""
    app = typer.Typer(name="log-sentinel", epilog=EPILOG, rich_markup_mode=None, no_args_is_help=True)

    @app.callback()
    def _start(
        version: Annotated[  # acted on by its callback, before any command
            bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
        ] = False,
    ) -> None:
        """Watches an API gateway's access logs and tells you who is being denied, why, and what would put it right."""

    group: TyperGroup = typer.main.get_command(app)  # type: ignore[assignment]  # an app with a callback makes a group
    group.commands = Commands(MODULES)  # type: ignore[assignment]  # nothing is added to a group that is complete
    return group


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit
