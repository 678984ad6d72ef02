"""The verdict on each denial: by whom, why, how sure, and what says so.

The rules come with the format's definition; the first whose conditions all hold speaks. No rule, no verdict: unknown
is an honest answer. Rules are tried on the distinct combinations of what they read, so that 100,000 denials cost no
more than their few hundred kinds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import EVIDENCE_PREFIX, JUDGED, VERDICT, empty
from log_sentinel.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from log_sentinel.parsing.definitions import Condition, Definition, VerdictRule

VALUE_LIMIT = 200
CONNECTION = EVIDENCE_PREFIX + "connection"


def judge(frame: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    """From DENIALS and evidence columns to JUDGED; the evidence columns are gone."""
    judged = _judged(frame, definition)
    if CONNECTION not in frame.columns:
        return judged
    # the number by which an entry of the error log is found; it decides nothing here
    number, rest = pl.col(CONNECTION), pl.col("evidence").str.head(-1)
    parts = [pl.when(rest == "[").then(rest).otherwise(rest + ", "), pl.lit('{"field": "connection", "value": "')]
    numbered = pl.concat_str(*parts, number, pl.lit('", "says": ""}]'))
    is_number = number.str.contains("^[0-9]{1,18}$")
    with_number = judged.with_columns(frame[CONNECTION]).with_columns(
        evidence=pl.when(is_number).then(numbered).otherwise("evidence")
    )
    return with_number.drop(CONNECTION)


def _judged(frame: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    rules = [CompiledRule(rule) for rule in definition.verdicts if reads(rule) <= set(frame.columns)]
    read = sorted(set().union(*(reads(rule.rule) for rule in rules)))
    if not read:
        kinds = pl.DataFrame([verdict_columns(Finding(), definition.rules_version)], schema=VERDICT)
        return frame.join(kinds, how="cross").select(list(JUDGED))
    as_text = [pl.col(name).cast(pl.String).alias(f"?{name}") for name in read]
    keyed = frame.with_columns(as_text)
    keys = [f"?{name}" for name in read]
    kinds = keyed.select(keys).unique()
    verdicts = [
        verdict_columns(finding(dict(zip(read, row, strict=True)), rules), definition.rules_version)
        for row in kinds.iter_rows()
    ]
    kinds = pl.concat([kinds, pl.DataFrame(verdicts, schema=VERDICT, orient="row")], how="horizontal")
    return keyed.join(kinds, on=keys, how="left", nulls_equal=True, maintain_order="left").select(list(JUDGED))


def judge_each(
    frame: pl.DataFrame, definitions: Mapping[str, Definition], evidence: Mapping[str, Collection[str]]
) -> pl.DataFrame:
    """As `judge`, for denials of several formats: each by the rules of the definition that its column `format` names.

    `evidence`: the evidence columns that each format has; those of the others say nothing about its lines.
    """
    parts = []
    for (name,), part in frame.group_by("format", maintain_order=True):
        foreign = {each for each in part.columns if each.startswith(EVIDENCE_PREFIX)} - set(evidence[str(name)])
        parts.append(judge(part.drop(foreign), definitions[str(name)]))
    return pl.concat(parts).sort("origin_offset") if parts else empty(JUDGED)


def finding(row: Mapping[str, str | None], rules: Sequence[CompiledRule]) -> Finding:
    """The verdict on one combination of what the rules read, all as text."""
    for rule in rules:
        if rule.holds(row):
            return rule.finding(row)
    return Finding()


def reads(rule: VerdictRule) -> set[str]:
    """The columns that a rule reads."""
    return set(rule.when) | {condition.same_as for condition in rule.when.values() if condition.same_as}


@dataclass(frozen=True, slots=True, init=False)
class CompiledRule:
    """A rule with its conditions as functions."""

    rule: VerdictRule
    conditions: tuple[tuple[str, Callable[[str | None, Mapping[str, str | None]], bool]], ...]

    def __init__(self, rule: VerdictRule) -> None:
        object.__setattr__(self, "rule", rule)
        object.__setattr__(self, "conditions", tuple((name, _test(condition)) for name, condition in rule.when.items()))

    def holds(self, row: Mapping[str, str | None]) -> bool:
        return all(test(row[name], row) for name, test in self.conditions)

    def finding(self, row: Mapping[str, str | None]) -> Finding:
        """The first evidence carries the rule's sentence; the others are what else it rests on."""
        rule = self.rule
        says = [rule.because, *[""] * len(rule.when)]
        evidence = tuple(
            Evidence(name.removeprefix(EVIDENCE_PREFIX), (row[name] or "absent")[:VALUE_LIMIT], sentence)
            for name, sentence in zip(rule.when, says, strict=False)
        )
        return Finding(rule.cause, rule.denied_by, rule.confidence, tuple(rule.alternatives.items()), evidence)


def _test(condition: Condition) -> Callable[[str | None, Mapping[str, str | None]], bool]:
    any_of, none_of = frozenset(condition.any_of), frozenset(condition.none_of)
    matches = re.compile(condition.matches) if condition.matches is not None else None

    def test(value: str | None, row: Mapping[str, str | None]) -> bool:
        if condition.present is not None and condition.present != (value is not None):
            return False
        if (any_of and value not in any_of) or value in none_of:
            return False
        if condition.same_as is not None and (value is None or value != row[condition.same_as]):
            return False
        return matches is None or (value is not None and matches.search(value) is not None)

    return test


def verdict_columns(found: Finding, rules_version: int) -> dict[str, object]:
    """The columns of VERDICT for one finding."""
    return {
        "denied_by": str(found.denied_by),
        "cause": str(found.cause),
        "cause_confidence": found.confidence,
        "cause_alternatives": json.dumps([[str(cause), share] for cause, share in found.alternatives]),
        "evidence": json.dumps(
            [{"field": each.field, "value": each.value, "says": each.says} for each in found.evidence]
        ),
        "rules_version": rules_version,
    }
