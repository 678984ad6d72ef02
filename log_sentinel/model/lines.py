"""Whole log lines on their way from a source to a parser, and the checkpoint they move."""

from dataclasses import dataclass
from enum import StrEnum


class GenerationState(StrEnum):
    """Where a file's life stands.

    active: read and expected to grow. draining: renamed or deleted, read to its end and then some, in case its writer
    has not let go. finished: read to its end, nothing more is expected. gap: ended before it was read to its end and no
    copy was found; the bytes between `offset` and `size_seen` are lost.
    """

    ACTIVE = "active"
    DRAINING = "draining"
    FINISHED = "finished"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one generation (one file's life, under whatever name) has been read: a row of `generations`.

    Offsets count bytes of the decompressed stream. `head_hash` is over the first `head_len` bytes (it grows with the
    file up to HEAD_BYTES); `tail_hash` is over the `tail_len` bytes just before `offset`. Hashes are hex BLAKE2b-128.
    """

    generation: int
    source: str
    path: str
    device: int
    inode: int
    head_len: int
    head_hash: str
    offset: int
    tail_len: int
    tail_hash: str
    size_seen: int
    state: GenerationState = GenerationState.ACTIVE


@dataclass(frozen=True, slots=True)
class Move:
    """What one batch of lines does to a generation's checkpoint: from the offset `start` to the state `to`.

    The store refuses the batch when the stored offset is not `start`: somebody else read on, or a commit was repeated.
    """

    start: int
    to: Checkpoint


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of one generation, with their newlines; the last may lack its own if the generation is finished.

    `offsets` holds each line's first byte in the generation where `data` is no copy of the file (an envelope was taken
    off, an over-long line was left out); None means the lines lie one after the other from `move.start`.
    `skipped` are lines that were never cut out: (offset, reason, first bytes), counted with the rejects.
    `entries` names the lines that a sender pushed, so that its retry adds nothing; files have none.
    """

    source: str
    data: bytes
    move: Move
    offsets: tuple[int, ...] | None = None
    skipped: tuple[tuple[int, str, bytes], ...] = ()
    entries: tuple[str, ...] = ()
