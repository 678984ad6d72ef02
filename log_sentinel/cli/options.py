"""Options that several commands have; they are called and explained the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from log_sentinel.cli import completing
from log_sentinel.cli.output import Shape


def _zone(name: str | None) -> str | None:
    from log_sentinel.config.zones import known_zone

    try:
        return name if name is None else known_zone("no such time zone; write it as in Europe/Berlin or UTC")(name)
    except ValueError as bad:
        raise typer.BadParameter(str(bad)) from None


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings file. [default: $LOG_SENTINEL_CONFIG, ./log-sentinel.toml, "
        "/etc/log-sentinel/log-sentinel.toml]",
        show_default=False,
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="The database, instead of database.url.", show_default=False),
]
Output = Annotated[Shape, typer.Option("--output", help="The shape of what is printed.")]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="The log's format; guessed when not named.",
        show_default=False,
        autocompletion=completing.format_names,
    ),
]
Directive = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        metavar="DIRECTIVE",
        help="A log_format directive (nginx, Apache, HAProxy, Envoy), instead of a format's name.",
        show_default=False,
    ),
]
ZoneName = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="ZONE",
        help="The time zone of times without an offset (error logs, HAProxy), as in Europe/Berlin; else the source's, "
        "or UTC.",
        callback=_zone,
        show_default=False,
    ),
]
