"""What goes into the database in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_sentinel.model.lines import Move
    from log_sentinel.model.parsed import ParsedLines


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """The judged lines of one source's generation and the move they make.

    `parsed.denials` and `parsed.candidates` carry the JUDGED columns: the diagnosis has been over them.
    `entries` names what a sender pushed (request ids or hashes), so that its retry adds nothing; files have none.
    `explains` is the source whose requests the companion lines of an error log are about.
    """

    source: str
    parsed: ParsedLines
    move: Move
    entries: tuple[str, ...] = ()
    explains: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Batches that enter the store together, whole or not at all: rows, counts and checkpoints."""

    instance: str
    batches: tuple[SourceBatch, ...]
