"""Reads rule files: one TOML file is one rule, and every mistake in it is named.

A file that cannot be right is refused before it can do harm at night: unknown keys, a rule that looks at no column,
a factor that would divide by zero, a series with no counts. Loads no polars: `config check` runs this.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_sentinel import content
from log_sentinel.detection import written
from log_sentinel.detection.rule import WIDEST, Count, Counted, Kind, Of, Rule, Series
from log_sentinel.model.spike import Dimension, Severity, Who

if TYPE_CHECKING:
    from log_sentinel.detection.settings import DetectionSettings

WHERE_COLUMNS = ("source", "client", "ip", "network", "route", "cause")

Read = Callable[[object], Any]

KEYS: dict[str, Read] = {
    "description": written.text,
    "kind": partial(written.choice, Kind),
    "dimension": partial(written.choice, Dimension, apart_from=(Dimension.SELF,)),
    "count": partial(written.choice, Count),
    "window": partial(written.minutes, most=WIDEST),
    "at_least": written.count,
    "times_usual": written.factor,
    "usual_over": written.history,
    "statuses": written.statuses,
    "where": partial(written.filters, columns=WHERE_COLUMNS),
    "distinct": partial(written.per_column, columns=WHERE_COLUMNS, read=written.count),
    "largest": partial(written.per_column, columns=WHERE_COLUMNS, read=written.share),
    "largest_of_rise": partial(written.per_column, columns=WHERE_COLUMNS, read=written.share),
    "share": written.share,
    "traffic_at_most": written.factor,
    "yields_to": written.names,
    "who": partial(written.choices, Who),
    "of": partial(written.choice, Of),
    "for": partial(written.minutes, most=WIDEST),
    "keep_firing_for": partial(written.minutes, most=24 * 60),
    "severity": partial(written.choice, Severity, apart_from=(Severity.NOTICE,)),
    "labels": written.texts,
    "runbook": written.text,
    "series": lambda found: found,
}
# Keys that the rule has under the same name.
GIVEN = (
    "times_usual",
    "usual_over",
    "distinct",
    "largest",
    "largest_of_rise",
    "share",
    "traffic_at_most",
    "yields_to",
    "labels",
    "runbook",
)
NEEDED = ("description", "kind", "dimension", "window", "at_least", "severity")
NEEDED_BY = {
    Kind.THRESHOLD: (),
    Kind.RATIO: ("times_usual",),
    Kind.SPIKE: ("times_usual",),
    Kind.SILENCE: ("times_usual",),
}
# Keys that only some kinds read: written elsewhere they would promise what nobody does.
ONLY_OF = {
    "times_usual": (Kind.RATIO, Kind.SPIKE, Kind.SILENCE),
    "usual_over": (Kind.RATIO, Kind.SPIKE, Kind.SILENCE),
    "of": (Kind.SILENCE,),
    "count": (Kind.THRESHOLD, Kind.RATIO, Kind.SPIKE),
}
# Of whom it is known what became of their requests.
KNOWN_BY = (Dimension.CLIENT, Dimension.IP)
REQUESTS_BY = (Dimension.ALL, Dimension.ROUTE, Dimension.SOURCE)

SERIES_KEYS: dict[str, Read] = {
    "name": written.text,
    "denials": written.counts,
    "requests": written.counts,
    "usual": written.number,
    "usual_requests": written.number,
    "history": written.duration,
    "spread": partial(written.per_column, columns=WHERE_COLUMNS, read=written.count),
    "who": partial(written.choice, Who),
    "fires_at": written.number,
    "resolves_at": written.number,
}
SERIES_NEEDED = ("name", "denials")


@dataclass(frozen=True, slots=True)
class RuleMistake:
    """`where`: the file and the key in it. `problem`: what was found; what is allowed."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class BadRule(Exception):
    """Rule files that cannot be used; `mistakes` are all of them."""

    def __init__(self, mistakes: Iterable[RuleMistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def rule_files(settings: DetectionSettings, beside: Path) -> list[Path]:
    """The rule files that the settings name, sorted by name; relative globs start at the folder `beside`.

    Raises BadRule when a glob finds nothing: a rule that is not there watches nothing. It names the mistakes of the
    files that were found, too.
    """
    if settings.rules is None:
        return sorted(content.shipped("alerts").glob("*.toml"))
    files: dict[Path, None] = {}
    mistakes = []
    for glob in settings.rules:
        base, pattern = (Path("/"), glob.lstrip("/")) if glob.startswith("/") else (beside, glob)
        found = sorted(path for path in base.glob(pattern) if path.is_file())
        if not found:
            mistakes.append(
                RuleMistake("detection.rules", f'got "{glob}"; no file in {base} is called so. Correct the path.')
            )
        files.update(dict.fromkeys(found))
    if mistakes:
        # what is wrong in the files that there are is told with it
        try:
            load_rules(files)
        except BadRule as bad:
            mistakes += bad.mistakes
        raise BadRule(mistakes)
    return list(files)


def rules_in_force(settings: DetectionSettings, beside: Path) -> list[Rule]:
    """The rules of `rule_files`. Raises BadRule with every mistake of every file."""
    return load_rules(rule_files(settings, beside))


def load_rules(paths: Iterable[Path]) -> list[Rule]:
    """The rules of these files, in their order. Raises BadRule with every mistake of every file."""
    rules: list[Rule] = []
    sources: dict[str, Path] = {}
    mistakes: list[RuleMistake] = []
    for path in paths:
        try:
            rule = load_rule(path)
        except BadRule as bad:
            mistakes += bad.mistakes
            continue
        if any(rule.name == other.name for other in rules):
            mistakes.append(RuleMistake(str(path), f'a rule "{rule.name}" is loaded already. Rename one of the files.'))
        else:
            rules.append(rule)
            sources[rule.name] = path
    there = [*sources, *(path.stem for path in content.shipped("alerts").glob("*.toml"))]
    mistakes += [
        RuleMistake(
            f"{sources[rule.name]}, yields_to",
            f'got "{name}"; no rule is called so.{written.did_you_mean(name, there)}',
        )
        for rule in rules
        for name in rule.yields_to
        if name not in there
    ]
    if mistakes:
        raise BadRule(mistakes)
    return rules


def load_rule(path: Path) -> Rule:
    """The rule of one file. Raises BadRule with every mistake in it."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRule(
            [RuleMistake(str(path), f"cannot be read: {error.strerror}. Check the path and its mode.")]
        ) from error
    except UnicodeDecodeError as error:
        raise BadRule(
            [RuleMistake(str(path), f"byte {error.start} is not UTF-8; TOML is. Save it as UTF-8.")]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise BadRule([RuleMistake(str(path), f"is not TOML: {error}.")]) from error
    return read_rule(path.stem, found, str(path))


def read_rule(name: str, found: Mapping[str, object], where: str) -> Rule:
    """The rule that `found` (a parsed TOML document) describes. Raises BadRule with every mistake in it."""
    mistakes: list[RuleMistake] = []
    values = _values(found, KEYS, NEEDED, where, mistakes)
    kind: Kind | None = values.get("kind")
    if kind is not None:
        for key in NEEDED_BY[kind]:
            if key not in found:
                mistakes.append(RuleMistake(where, f'"{key}" is missing; a rule of kind "{kind}" needs it.'))
        for key in found:
            if kind not in ONLY_OF.get(key, (kind,)):
                allowed = ", ".join(ONLY_OF[key])
                mistakes.append(
                    RuleMistake(f"{where}, {key}", f'a rule of kind "{kind}" reads no such key; {allowed} do.')
                )
    by_requests: list[str] = [key for key in ("share", "traffic_at_most") if key in values]
    by_requests += ["of"] if values.get("of") is Of.REQUESTS else []
    if values.get("dimension") not in (*REQUESTS_BY, None):
        problem = f"requests are not counted by {values['dimension']}; by all, route or source they are."
        mistakes += [RuleMistake(f"{where}, {key}", problem) for key in by_requests]
    if "who" in values and values.get("dimension") not in (*KNOWN_BY, None):
        problem = f"whom it hurts is known by client and by ip, not by {values['dimension']}."
        mistakes.append(RuleMistake(f"{where}, who", problem))
    if values.get("for", 1) > max(values.get("window", WIDEST), 1):
        mistakes.append(
            RuleMistake(f"{where}, for", f"got {values['for']}m; no longer than the window, {values['window']}m.")
        )
    series = _all_series(values.get("series", []), where, mistakes)
    if mistakes:
        raise BadRule(mistakes)
    given: dict[str, Any] = {key: values[key] for key in GIVEN if key in values}
    if "keep_firing_for" in values:
        given["keep_firing_for"] = written.duration(f"{values['keep_firing_for']}m")
    return Rule(
        name=name,
        description=values["description"],
        kind=values["kind"],
        counted=Counted(
            values["dimension"],
            values.get("statuses", ()),
            values.get("where", ()),
            apart=values["kind"] is Kind.SPIKE,
            askers=values.get("count") is Count.ASKERS,
        ),
        window=values["window"],
        at_least=values["at_least"],
        severity=values["severity"],
        confirm=values.get("for", 1),
        of_requests=values.get("of") is Of.REQUESTS,
        of_whom=values.get("who", ()),
        series=series,
        **given,
    )


def _all_series(found: object, where: str, mistakes: list[RuleMistake]) -> tuple[Series, ...]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        mistakes.append(RuleMistake(f"{where}, series", "tests are written as [[series]] tables."))
        return ()
    read = []
    for number, one in enumerate(found, start=1):
        at = f"{where}, series {number}"
        before = len(mistakes)
        values = _values(one, SERIES_KEYS, SERIES_NEEDED, at, mistakes)
        length = len(values.get("denials", ()))
        for key in ("fires_at", "resolves_at"):
            if key in values:
                values[key] = int(values[key])
                if "denials" in values and values[key] >= length:
                    mistakes.append(
                        RuleMistake(f"{at}, {key}", f"got {values[key]}; the series has the minutes 0 to {length - 1}.")
                    )
        if len(mistakes) == before:
            read.append(Series(**values))
    return tuple(read)


def _values(
    found: Mapping[str, object], keys: dict[str, Read], needed: Iterable[str], where: str, mistakes: list[RuleMistake]
) -> dict[str, Any]:
    """What could be read of `found`; what could not is added to `mistakes`."""
    values = {}
    for key, value in found.items():
        if key not in keys:
            near = written.did_you_mean(key, list(keys)) or f" Known are {', '.join(keys)}."
            mistakes.append(RuleMistake(where, f'unknown key "{key}".{near}'))
            continue
        try:
            values[key] = keys[key](value)
        except ValueError as error:
            mistakes.append(RuleMistake(f"{where}, {key}", str(error)))
    mistakes.extend(
        RuleMistake(where, f'"{key}" is missing; every {"series" if keys is SERIES_KEYS else "rule"} has one.')
        for key in needed
        if key not in found
    )
    return values
