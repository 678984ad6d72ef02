"""Which format a log is in, judged by its first lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from log_sentinel.model.columns import DENIALS, EVIDENCE_PREFIX
from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.parsing.compiling import compiled
from log_sentinel.parsing.options import ParseOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from log_sentinel.parsing.definitions import Definition

LINES = 200
# Between formats that read the same lines, the one that tells more of them wins.
TELLING = (
    "ip",
    "path",
    "method",
    "response_bytes",
    "user_agent",
    "duration_ms",
    "upstream_status",
    "request_id",
    "route",
)
# what a format makes of a line; its own name and its gateway's say nothing of the line
SAID = [name for name in DENIALS if name not in ("format", "gateway", "time_is")]


@dataclass(frozen=True, slots=True)
class Guess:
    """`confidence` is the share of the lines that the format reads, 0..1; the runner-up is the next best.

    `mixed_with` reads most of the lines that the format does not: the file holds both. `alike` read the same out of the
    same lines, so that nothing tells which of them it is; none of them is the runner-up.
    """

    name: str
    confidence: float
    runner_up: str | None
    runner_up_confidence: float
    mixed_with: str | None = None
    alike: tuple[str, ...] = ()


class _Score(NamedTuple):
    """What decides, in its order. `whole`: the share of lines whose host has no port at its end, which a format that
    takes them apart reads better. `signs`: the lines with what no other format writes. Of formats that read the same,
    the one that allows less is the narrower."""

    lines: int
    told: float
    whole: float
    signs: int
    narrowness: int
    evidence: float
    name: str
    offsets: frozenset[int]
    frame: pl.DataFrame


def guess(head: bytes, definitions: Iterable[Definition]) -> Guess | None:
    """The format of a log that begins with `head`; its last line may be cut. None when no format reads any of its
    lines."""
    lines = head.split(b"\n")
    if len(lines) > 1 and lines[-1]:
        del lines[-1]
    lines = [line for line in lines if line.strip(b" \t\r\0")][:LINES]
    if not lines:
        return None
    batch = _batch(b"\n".join(lines))
    scores = sorted((_score(definition, batch) for definition in definitions), key=lambda each: each[:7], reverse=True)
    if not scores or not scores[0].lines:
        return None
    best, others = scores[0], [score for score in scores[1:] if score.lines]
    alike = [score.name for score in others if score.frame.equals(best.frame)]
    others = [score for score in others if score.name not in alike]
    second = others[0] if others else None
    beside = max(others, key=lambda each: len(each.offsets - best.offsets), default=None)
    left = len(lines) - best.lines
    mixed = beside is not None and left > 0 and 2 * len(beside.offsets - best.offsets) >= left
    return Guess(
        best.name,
        round(best.lines / len(lines), 4),
        second.name if second else None,
        round(second.lines / len(lines), 4) if second else 0.0,
        beside.name if beside is not None and mixed else None,
        tuple(alike),
    )


def _score(definition: Definition, batch: Lines) -> _Score:
    frame = compiled(definition, ParseOptions()).events(batch).frame
    offsets = frozenset(frame["origin_offset"].to_list())
    evidence = [name for name in frame.columns if name.startswith(EVIDENCE_PREFIX)]
    return _Score(
        len(offsets),
        _told(frame, TELLING),
        1 - frame.filter(pl.col("host").str.contains(r":[0-9]{1,5}$")).height / max(frame.height, 1),
        _signs(definition, batch.data),
        -len(definition.log_format),
        _told(frame, evidence),
        definition.name,
        offsets,
        frame.select(SAID),
    )


def _signs(definition: Definition, data: bytes) -> int:
    if definition.signs is None:
        return 0
    sign = re.compile(definition.signs).search
    return sum(sign(line) is not None for line in data.decode("utf-8", "replace").split("\n"))


def _told(frame: pl.DataFrame, columns: Sequence[str]) -> float:
    return sum(frame.height - frame[name].null_count() for name in columns) / max(frame.height, 1)


def _batch(data: bytes) -> Lines:
    return Lines("", data, Move(0, Checkpoint(0, "", "", 0, 0, 0, "", len(data), 0, "", len(data))))
