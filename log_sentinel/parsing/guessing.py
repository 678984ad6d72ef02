"""Which format a log is in, judged by its first lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.parsing.compiling import compiled
from log_sentinel.parsing.options import ParseOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.parsing.parser import Parser

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


@dataclass(frozen=True, slots=True)
class Guess:
    """`confidence` is the share of the lines that the format reads, 0..1. The runner-up is another format, if any
    reads a line."""

    name: str
    confidence: float
    runner_up: str | None
    runner_up_confidence: float


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
    scores = [_score(compiled(definition, ParseOptions()), batch, len(lines)) for definition in definitions]
    ranked = sorted((score for score in scores if score[0] > 0), reverse=True)
    if not ranked:
        return None
    confidence, _, _, name = ranked[0]
    second, _, _, runner_up = ranked[1] if len(ranked) > 1 else (0.0, 0.0, 0, None)
    return Guess(name, confidence, runner_up, second)


def _score(parser: Parser, batch: Lines, lines: int) -> tuple[float, float, int, str]:
    """The share of lines read, then how much was read of each, then how narrow the format is, then the name."""
    frame = parser.events(batch).frame
    told = [name for name in frame.columns if name in TELLING or name.startswith(EVIDENCE_PREFIX)]
    values = sum(frame.height - frame[name].null_count() for name in told)
    share, told_of_each = round(frame["origin_offset"].n_unique() / lines, 4), values / max(frame.height, 1)
    return share, told_of_each, -len(parser.definition.log_format), parser.definition.name


def _batch(data: bytes) -> Lines:
    return Lines("", data, Move(0, Checkpoint(0, "", "", 0, 0, 0, "", len(data), 0, "", len(data))))
