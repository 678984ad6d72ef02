"""The verdict on each denial: by whom, why, how sure, and what says so.

The rules come with the format's definition; the first whose conditions all hold speaks. No rule, no verdict: unknown
is an honest answer. Rules are tried once on each distinct combination of what they read, so that 100,000 denials cost
little more than their few hundred kinds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import DENIALS, EVIDENCE_PREFIX, JUDGED, VERDICT, empty
from log_sentinel.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from log_sentinel.parsing.definitions import Condition, Definition, VerdictRule

VALUE_LIMIT = 200
# A candidate whose own line says this is a denial. No rule says it of one for its status: a 503 alone is no limit.
LIMITED = pl.col("cause") == "rate_limit"
CONNECTION = EVIDENCE_PREFIX + "connection"
NUMBER = re.compile("[0-9]{1,18}")


class Judge:
    """A definition's rules over denials. What they said of a combination is remembered; threads may share one."""

    REMEMBERED = 20_000

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._benches: dict[tuple[str, ...], _Bench] = {}

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """From DENIALS and evidence columns to JUDGED; the evidence columns are gone."""
        if frame.is_empty():
            return empty(JUDGED)
        columns = tuple(frame.columns)
        bench = self._benches.get(columns)
        if bench is None or len(bench.said) > self.REMEMBERED:
            bench = self._benches[columns] = _Bench.for_columns(columns, self._definition)
        kinds = zip(*(frame[name].cast(pl.String) for name in bench.reads), strict=True)
        verdicts = [bench.verdict(kind) for kind in kinds] if bench.reads else [bench.verdict(())] * frame.height
        made = dict(zip(VERDICT, zip(*verdicts, strict=True), strict=True))
        if CONNECTION in columns:
            made["evidence"] = tuple(map(_with_connection, made["evidence"], frame[CONNECTION]))
        given = [frame[name] for name in DENIALS]
        return pl.DataFrame([*given, *(pl.Series(name, made[name], dtype) for name, dtype in VERDICT.items())])


@dataclass(frozen=True, slots=True)
class _Bench:
    """The rules that frames of some columns can be judged by, and which of the columns they read.

    Lengths, agents and durations differ from row to row, and what the rules ask of them does not: which rule holds is
    remembered by the answers (`kinds`), and what it says by the values that it rests on. The first combinations of
    values are remembered whole, for logs that repeat themselves.
    """

    rules: tuple[CompiledRule, ...]
    reads: tuple[str, ...]
    kinds: tuple[Callable[[str | None], object], ...]
    rests_on: tuple[tuple[int, ...], ...]
    rules_version: int
    chosen: dict[tuple[object, ...], int]
    said: dict[tuple[object, ...], tuple[object, ...]]
    seen: dict[tuple[str | None, ...], tuple[object, ...]]

    @classmethod
    def for_columns(cls, columns: Collection[str], definition: Definition) -> _Bench:
        rules = [rule for rule in definition.verdicts if reads(rule) <= set(columns)]
        read = tuple(sorted(set[str]().union(*map(reads, rules))))
        kinds = tuple(_Kinds.of(name, rules) for name in read)
        rests_on = (*(tuple(map(read.index, rule.when)) for rule in rules), ())
        return cls(tuple(map(CompiledRule, rules)), read, kinds, rests_on, definition.rules_version, {}, {}, {})

    def verdict(self, values: tuple[str | None, ...]) -> tuple[object, ...]:
        """The columns of VERDICT for rows that have these texts where `reads` says."""
        known = self.seen.get(values)
        if known is None:
            known = self._judged(values)
            if len(self.seen) < Judge.REMEMBERED:
                self.seen[values] = known
        return known

    def _judged(self, values: tuple[str | None, ...]) -> tuple[object, ...]:
        kind = tuple([of(value) for of, value in zip(self.kinds, values, strict=True)])
        number = self.chosen.get(kind)
        if number is None:
            row = dict(zip(self.reads, values, strict=True))
            holding = (number for number, rule in enumerate(self.rules) if rule.holds(row))
            number = self.chosen[kind] = next(holding, len(self.rules))
        key = (number, *[values[place] for place in self.rests_on[number]])
        known = self.said.get(key)
        if known is None:
            found = finding(dict(zip(self.reads, values, strict=True)), self.rules[number : number + 1])
            known = self.said[key] = tuple(verdict_columns(found, self.rules_version).values())
        return known


class _Kinds:
    """What rules ask of one column, answered once for each value."""

    def __init__(self, tests: Sequence[Callable[[str | None, Mapping[str, str | None]], bool]]) -> None:
        self._tests = tests
        self._known: dict[str | None, object] = {}

    @classmethod
    def of(cls, name: str, rules: Sequence[VerdictRule]) -> Callable[[str | None], object]:
        """The value's own self where rules compare it with another column."""
        asked = [condition for rule in rules for where, condition in rule.when.items() if where == name]
        compared = {condition.same_as for rule in rules for condition in rule.when.values()}
        if name in compared or any(condition.same_as for condition in asked):
            return lambda value: value
        return cls([_test(condition) for condition in asked])

    def __call__(self, value: str | None) -> object:
        kind = self._known.get(value)
        if kind is None:
            if len(self._known) > Judge.REMEMBERED:
                self._known.clear()
            kind = self._known[value] = tuple(test(value, {}) for test in self._tests)
        return kind


def judge(frame: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    """What a `Judge` makes of one frame."""
    return Judge(definition).of(frame)


def _with_connection(evidence: object, number: str | None) -> str:
    """`evidence` and the number by which an entry of the error log is found; it decided nothing here."""
    said = str(evidence)
    if number is None or NUMBER.fullmatch(number) is None:
        return said
    before = said[:-1] if said == "[]" else f"{said[:-1]}, "
    return f'{before}{{"field": "connection", "value": "{number}", "says": ""}}]'


def judge_each(
    frame: pl.DataFrame, judges: Mapping[str, Judge], evidence: Mapping[str, Collection[str]]
) -> pl.DataFrame:
    """JUDGED rows of denials of several formats: each judged by that of `judges` that its column `format` names.

    `evidence`: the evidence columns that each format has; those of the others say nothing about its lines.
    """
    parts = []
    for (name,), part in frame.group_by("format", maintain_order=True):
        foreign = {each for each in part.columns if each.startswith(EVIDENCE_PREFIX)} - set(evidence[str(name)])
        parts.append(judges[str(name)].of(part.drop(foreign)))
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
