"""`log-sentinel backtest`: what rules would have told, on the stored history or on log files."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import exits, opening, replaying
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Directive, FormatName, Output
from log_sentinel.cli.output import Shape

if TYPE_CHECKING:
    from log_sentinel.backtest.comparison import Comparison
    from log_sentinel.backtest.history import History
    from log_sentinel.backtest.plot import Columns
    from log_sentinel.backtest.replay import Replay, Span
    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.detection.rule import Rule

IN_FORCE = "in force"
PICTURE_WIDTH = 72


def register(app: typer.Typer) -> None:
    app.command("backtest")(backtest)


def backtest(
    more_logs: replaying.MoreLogs = None,
    since: replaying.From = None,
    until: replaying.To = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help="A rule file, or a folder of them; may be given several times. [default: the rules in force]",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", metavar="FILE", help="Other rules to put beside them.", show_default=False),
    ] = None,
    logs: replaying.Logs = None,
    format_name: FormatName = None,
    directive: Directive = None,
    learn: replaying.Learn = replaying.LEARN,
    fail_over: Annotated[
        int | None,
        typer.Option("--fail-over", min=0, metavar="N", help="Exit code 1 when there are more incidents than this."),
    ] = None,
    fail_on_difference: Annotated[
        bool,
        typer.Option("--fail-on-difference", help="Exit code 1 when the two sets of rules find different incidents."),
    ] = False,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """Try rules on what was: which incidents there would have been, and how often people would have been told.

    Stores nothing and tells nobody.
    """
    if fail_on_difference and not against:
        raise typer.BadParameter(
            "needs --against: a difference is between two sets of rules", param_hint="--fail-on-difference"
        )
    from log_sentinel.backtest.comparison import compared
    from log_sentinel.cli import logs as logging
    from log_sentinel.cli import replays

    loaded = opening.settings(config, db)
    logging.set_up(loaded.settings.log.model_copy(update={"level": "warning"}), loaded.secrets)
    sets = _sets(loaded, rules, against)
    paths = [*(logs or []), *(more_logs or [])]
    with replaying.history(loaded, paths, format_name, directive) as past:
        span = replaying.span(past, since, until, learn, whole=bool(paths))
        made = [_replayed(name, found, loaded, past, span) for name, found in sets]
        columns = _columns(past, span)
    difference = compared(*made) if len(made) == 2 else None
    replays.show_all(made, difference, columns, loaded.settings, output)
    _judge(made, difference, fail_over, fail_on_difference=fail_on_difference)


def _sets(
    loaded: "Loaded[Settings]", rules: list[Path] | None, against: list[Path] | None
) -> "list[tuple[str, list[Rule]]]":
    from log_sentinel.detection.rules import rules_in_force

    first = (
        (_named(rules), replaying.rules(rules))
        if rules
        else (IN_FORCE, rules_in_force(loaded.settings.detection, loaded.folder))
    )
    return [first, (_named(against), replaying.rules(against))] if against else [first]


def _named(paths: list[Path]) -> str:
    return " ".join(map(str, paths))


def _replayed(name: str, rules: "list[Rule]", loaded: "Loaded[Settings]", past: "History", span: "Span") -> "Replay":
    from log_sentinel.backtest.replay import replayed

    minutes = int((span.end - span.first) / timedelta(minutes=1))
    with replaying.bar(f"rules {name}", minutes) as (done, _):

        def progress(minute: datetime) -> None:
            done(int((minute - span.first) / timedelta(minutes=1)))

        return replayed(name, rules, loaded.settings.detection, past, span, progress)


def _columns(past: "History", span: "Span") -> "Columns":
    from log_sentinel.backtest.plot import Columns
    from log_sentinel.backtest.replay import stretches

    columns = Columns(span, PICTURE_WIDTH)
    for since, until in stretches(span.first, span.end):
        columns.add(past.read(since, until)[0])
    return columns


def _judge(
    made: "list[Replay]", difference: "Comparison | None", fail_over: int | None, *, fail_on_difference: bool
) -> None:
    """Raises Failed when it is not as the options ask."""
    wrong = [
        f"rules {replay.name}: {len(replay.incidents)} incidents; at most {fail_over} are allowed by --fail-over."
        for replay in made
        if fail_over is not None and len(replay.incidents) > fail_over
    ]
    if fail_on_difference and difference is not None and difference.differs:
        wrong.append(
            f"the rules differ: {len(difference.only_first)} incidents only of {made[0].name}, "
            f"{len(difference.only_second)} only of {made[1].name}."
        )
    if wrong:
        raise exits.Failed("\n".join(wrong))
