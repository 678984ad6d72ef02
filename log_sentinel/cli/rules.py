"""`log-sentinel rules`: which alert rules there are, and whether they do what their own tests say."""

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, Output
from log_sentinel.cli.output import Shape, show


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List and prove the alert rules.")
    group.command("list")(list_rules)
    group.command("test")(run_series)
    app.add_typer(group, name="rules")


def list_rules(config: ConfigFile = None, output: Output = Shape.TABLE) -> None:
    """List the rules that the settings name; without any, the shipped ones."""
    from log_sentinel.detection.rules import load_rules, rule_files

    loaded = opening.settings(config)
    rules = load_rules(rule_files(loaded.settings.detection, loaded.folder))
    show(
        ("rule", "kind", "dimension", "severity", "series", "description"),
        [
            (rule.name, rule.kind, rule.counted.dimension, rule.severity, len(rule.series), rule.description)
            for rule in rules
        ],
        output,
    )


def run_series(config: ConfigFile = None, output: Output = Shape.TABLE) -> None:
    """Run each rule over the series in its file; they say what must happen. Exit code 1 if one comes out otherwise."""
    from log_sentinel.detection.rules import load_rules, rule_files
    from log_sentinel.detection.trial import try_rules

    loaded = opening.settings(config)
    outcomes = try_rules(load_rules(rule_files(loaded.settings.detection, loaded.folder)))
    show(
        ("rule", "series", "outcome"),
        [(outcome.rule, outcome.series, outcome.problem or "as written") for outcome in outcomes],
        output,
    )
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)
