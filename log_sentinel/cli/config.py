"""`log-sentinel config`: is the settings file right, what would one look like, what do the settings come to?"""

from importlib import resources

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Output
from log_sentinel.cli.output import Shape, show


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Check, show or begin the settings.")
    group.command("check")(check)
    group.command("sample")(sample)
    group.command("show")(print_settings)
    app.add_typer(group, name="config")


def check(config: ConfigFile = None, output: Output = Shape.TABLE) -> None:
    """Check settings, rules and log formats; name every mistake and say what is fine.

    Nothing is started, connected to or sent: `channels test` does that for a channel. Exit code 78 with mistakes.
    """
    from log_sentinel.cli import checking

    loaded = opening.settings(config)
    findings = checking.findings(loaded)
    show(("state", "what", "says"), [(finding.state, finding.what, finding.says) for finding in findings], output)
    checking.refuse(findings)


def sample() -> None:
    """Print a commented settings file to begin with: log-sentinel config sample > log-sentinel.toml"""
    print(resources.files("log_sentinel.cli").joinpath("sample.toml").read_text(encoding="utf-8"), end="")


def print_settings(config: ConfigFile = None, db: DatabaseUrl = None, output: Output = Shape.TABLE) -> None:
    """Print every setting with its value and the file or variable it is from; secrets are masked."""
    from log_sentinel.cli.showing import shown

    show(("setting", "value", "from"), shown(opening.settings(config, db)), output)
