"""`log-sentinel channels`: where alerts go, and whether they arrive."""

from typing import Annotated

import typer

from log_sentinel.cli import completing, opening
from log_sentinel.cli.exits import Failed
from log_sentinel.cli.options import ConfigFile, Output
from log_sentinel.cli.output import Shape, show
from log_sentinel.cli.visible import visible
from log_sentinel.config.mistakes import nearest


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List and try the channels alerts go to.")
    group.command("list")(list_channels)
    group.command("test")(send_test)
    app.add_typer(group, name="channels")


def list_channels(config: ConfigFile = None, output: Output = Shape.TABLE) -> None:
    """List the channels of the settings and which happenings each is told of."""
    from log_sentinel.delivery.settings import Route

    settings = opening.settings(config).settings
    everything = [Route(to=list(settings.channels))] if settings.channels else []
    show(
        ("channel", "type", "recipients", "told_of"),
        [
            (
                name,
                channel.type,
                ", ".join(channel.recipients()),
                "; ".join(_matches(route.match) for route in settings.routing or everything if name in route.to)
                or "none",
            )
            for name, channel in settings.channels.items()
        ],
        output,
    )


def send_test(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A channel of the settings.", autocompletion=completing.channel_names),
    ],
    config: ConfigFile = None,
) -> None:
    """Send a test message through a channel and say what came of it. Exit code 1 when it did not arrive."""
    from log_sentinel.delivery.trying import try_channel

    settings = opening.settings(config).settings
    channels = settings.channels
    if name not in channels:
        meant = nearest(name, channels)
        question = f' Did you mean "{meant}"?' if meant else ""
        raise Failed(f"{name}: no such channel; there are {', '.join(channels) or 'none'}.{question}")
    result = try_channel(name, channels[name], instance=settings.instance)
    if not result.ok:
        raise Failed(f"channel {name}: {result.said}")
    print(visible(f"{name}: {result.said}"))


def _matches(match: dict[str, str]) -> str:
    return " and ".join(f"{key} = {value}" for key, value in match.items()) or "everything"
