"""`log-sentinel rules`: which alert rules there are, whether they do what their own tests say, what others could be."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from log_sentinel.cli import opening, replaying
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Directive, FormatName, Output
from log_sentinel.cli.output import Shape, show
from log_sentinel.detection.rule import WIDEST, Kind
from log_sentinel.model.spike import Dimension, Severity

# Of these a threshold is of denials.
SUGGESTED = (Kind.THRESHOLD, Kind.RATIO, Kind.SPIKE)


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List and prove the alert rules.")
    group.command("list")(list_rules)
    group.command("test")(run_series)
    group.command("suggest")(suggest)
    app.add_typer(group, name="rules")


def list_rules(config: ConfigFile = None, output: Output = Shape.TABLE) -> None:
    """List the rules that the settings name; without any, the shipped ones."""
    from log_sentinel.detection.rules import rules_in_force

    loaded = opening.settings(config)
    rules = rules_in_force(loaded.settings.detection, loaded.folder)
    show(
        ("rule", "kind", "dimension", "severity", "series", "description"),
        [
            (rule.name, rule.kind, rule.counted.dimension, rule.severity, len(rule.series), rule.description)
            for rule in rules
        ],
        output,
    )


def run_series(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Rule files, or folders of them. [default: the rules in force]",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
    output: Output = Shape.TABLE,
) -> None:
    """Run each rule over the series in its file; they say what must happen. Exit code 1 if one comes out otherwise."""
    from log_sentinel.detection.rules import rules_in_force
    from log_sentinel.detection.trial import try_rules

    if files:
        rules = replaying.rules(files)
    else:
        loaded = opening.settings(config)
        rules = rules_in_force(loaded.settings.detection, loaded.folder)
    outcomes = try_rules(rules)
    tried = [(outcome.rule, outcome.series, outcome.problem or "as written") for outcome in outcomes]
    untried = [(rule.name, None, "has no series; nothing was tried") for rule in rules if not rule.series]
    show(("rule", "series", "outcome"), [*tried, *untried], output)
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)


def suggest(
    dimension: Annotated[Dimension, typer.Argument(metavar="DIMENSION", help="What is counted, as in client or ip.")],
    more_logs: replaying.MoreLogs = None,
    kind: Annotated[Kind, typer.Option("--kind", help="threshold, ratio or spike.")] = Kind.SPIKE,
    window: Annotated[
        int, typer.Option("--window", min=1, max=WIDEST, metavar="MINUTES", help="The minutes that are added up.")
    ] = 5,
    times_usual: Annotated[
        float,
        typer.Option("--times-usual", min=1.1, metavar="N", help="For ratio and spike: how many times the usual."),
    ] = 3.0,
    statuses: Annotated[
        list[int] | None,
        typer.Option(
            "--status", min=100, max=599, metavar="CODE", help="Only these denied statuses.", show_default=False
        ),
    ] = None,
    a_week: Annotated[
        float, typer.Option("--a-week", min=0, metavar="N", help="How often a week it may have fired at most.")
    ] = 1.0,
    since: replaying.From = None,
    until: replaying.To = None,
    logs: replaying.Logs = None,
    format_name: FormatName = None,
    directive: Directive = None,
    learn: replaying.Learn = replaying.LEARN,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
) -> None:
    """Print a rule file whose threshold comes from the past, and how often it would have fired.

    Tries many thresholds on the history and takes the smallest that would not have fired too often.
    """
    if dimension is Dimension.SELF:
        raise typer.BadParameter("one of " + ", ".join(one for one in Dimension if one is not dimension))
    if kind not in SUGGESTED:
        raise typer.BadParameter(f"one of {', '.join(SUGGESTED)}", param_hint="--kind")
    from log_sentinel.backtest.suggest import suggested
    from log_sentinel.cli import logs as logging
    from log_sentinel.cli.suggesting import rule_file
    from log_sentinel.detection.rule import Counted, Rule

    loaded = opening.settings(config, db)
    logging.set_up(loaded.settings.log.model_copy(update={"level": "warning"}), loaded.secrets)
    wanted = Rule(
        name=f"{dimension}-suggested",
        description=f"More denials of one {dimension} than it is worth to hear of, by what was.",
        kind=kind,
        counted=Counted(dimension, tuple(sorted(statuses or ())), apart=kind is Kind.SPIKE),
        window=window,
        at_least=1,
        severity=Severity.WARNING,
        times_usual=1.0 if kind is Kind.THRESHOLD else times_usual,
        confirm=min(3, window),
    )
    paths = [*(logs or []), *(more_logs or [])]
    with replaying.history(loaded, paths, format_name, directive) as past:
        span = replaying.span(past, since, until, learn, whole=bool(paths))
        with replaying.bar("trying thresholds", int((span.end - span.first) / timedelta(minutes=1))) as (done, _):

            def progress(minute: datetime) -> None:
                done(int((minute - span.first) / timedelta(minutes=1)))

            found = suggested(wanted, a_week, loaded.settings.detection, past, span, progress)
    print(rule_file(found), end="")
