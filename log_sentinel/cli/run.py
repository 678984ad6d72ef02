"""`log-sentinel run`: the daemon."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import exits, opening
from log_sentinel.cli.hiding import hidden
from log_sentinel.cli.options import ConfigFile, DatabaseUrl

if TYPE_CHECKING:
    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("run")(run)


# structlog and alembic draw with these where they find them: 10 MB for what a daemon does not draw
@hidden("rich", "pygments")
def run(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Logs or globs to watch, - for stdin, instead of the settings' sources."),
    ] = None,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    tell_the_past: Annotated[
        bool,
        typer.Option(
            "--tell-the-past",
            help="Alert also about what came and went while log-sentinel was down, not only about what still goes on.",
        ),
    ] = False,
) -> None:
    """Watch the logs, store what is denied, tell people. Runs until it is stopped (SIGTERM, Ctrl-C)."""
    from log_sentinel.cli import logs
    from log_sentinel.daemon.lifecycle import Asked, listening_to_signals

    def load() -> "Loaded[Settings]":
        loaded = _complete(_watching(opening.settings(config, db), paths or []))
        logs.set_up(loaded.settings.log, loaded.secrets)
        return loaded

    loaded, asked = load(), Asked()
    with listening_to_signals(asked):
        # after the signals are ours: this loads polars, which takes its second
        from log_sentinel.daemon import reload

        reload.run(loaded, load, asked, tell_the_past=tell_the_past)


def _watching(loaded: "Loaded[Settings]", paths: list[str]) -> "Loaded[Settings]":
    """The settings with `paths` for their sources, each named after its file; `-` is what comes through stdin."""
    from log_sentinel.sources.settings import FileSource, StdinSource

    if not paths:
        return loaded
    sources: dict[str, FileSource | StdinSource] = {}
    for path in paths:
        if path == "-":
            sources["stdin"] = StdinSource(type="stdin")
            continue
        stem = Path(path).stem.replace("*", "").strip("-_. ") or "log"
        taken = sum(name == stem or name.startswith(f"{stem}-") for name in sources)
        sources[f"{stem}-{taken + 1}" if taken else stem] = FileSource(path=str(Path(path).absolute()))
    return replace(loaded, settings=loaded.settings.model_copy(update={"sources": sources}))


def _complete(loaded: "Loaded[Settings]") -> "Loaded[Settings]":
    """The settings with something to watch (or Failed), and with the console to tell where no channel is set."""
    from log_sentinel.delivery.console.settings import ConsoleSettings

    if not loaded.settings.sources:
        raise exits.Failed(
            "there is nothing to watch. Name log files, as in `log-sentinel run /var/log/nginx/access.log`, "
            "or put [sources.NAME] into the settings (`log-sentinel config sample` shows how).",
            exits.BAD_SETTINGS,
        )
    if loaded.settings.channels:
        return loaded
    typer.echo("No channel is set: alerts are printed here.", err=True)
    return replace(loaded, settings=loaded.settings.model_copy(update={"channels": {"console": ConsoleSettings()}}))
