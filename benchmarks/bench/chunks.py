"""A log cut into batches of whole lines, as a source would hand them on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from log_sentinel.model.lines import Checkpoint, Lines, Move

CHUNK_BYTES = 4 << 20
START = Checkpoint(
    generation=1,
    source="bench",
    path="",
    device=0,
    inode=0,
    head_len=0,
    head_hash="",
    offset=0,
    tail_len=0,
    tail_hash="",
    size_seen=0,
)


def batch(data: bytes, offset: int = 0) -> Lines:
    """These whole lines, `offset` bytes into a file that exists in the bench alone."""
    return Lines(source="bench", data=data, move=Move(offset, replace(START, offset=offset + len(data))))


def chunks(path: Path, size: int = CHUNK_BYTES) -> Iterator[Lines]:
    """Batches of about `size` bytes, in order; a last line without newline is left out."""
    offset = 0
    rest = b""
    with path.open("rb", buffering=0) as log:
        while read := log.read(size):
            cut = read.rfind(b"\n") + 1
            data = rest + read[:cut]
            rest = read[cut:] if cut else rest + read
            if cut:
                yield batch(data, offset)
                offset += len(data)
