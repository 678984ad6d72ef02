"""The first and the last bytes of logs, which tell a format and how well it is read."""

from __future__ import annotations

import sys
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

# Enough for a few hundred lines of any format; a guess looks at the first 200.
HEAD_BYTES = 1 << 20


def head(path: str) -> bytes:
    """The first lines of a log, unpacked and out of a container's envelopes; of a damaged archive what is before the
    damage. `-` is stdin.

    Raises OSError when it cannot be read.
    """
    if path == "-":
        return _taken_out(_unpacked(sys.stdin.buffer))
    with Path(path).open("rb") as file:
        return _taken_out(_unpacked(file))


def tail(path: Path, length: int) -> bytes:
    """The last whole lines of a file, `length` bytes at most; b"" when it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - length, 0))
            data = file.read(length)
    except OSError:
        return b""
    whole = data.partition(b"\n")[2] if size > length else data
    return whole[: whole.rfind(b"\n") + 1]


def _taken_out(data: bytes) -> bytes:
    from log_sentinel.sources.envelopes import Envelopes

    kind = Envelopes().around(data)
    return data if kind is None else Envelopes().opened(kind, data, 0, whole=True).data


def _unpacked(stream: BinaryIO) -> bytes:
    from log_sentinel.sources.archives import MAGIC_BYTES, Damaged, form_of, in_order, unpacked

    magic = stream.read(MAGIC_BYTES)
    form, pieces = form_of(magic), chain([magic], in_order(stream))
    first = b""
    with suppress(Damaged):
        for piece in unpacked(pieces, form) if form else pieces:
            first += piece
            if len(first) >= HEAD_BYTES:
                break
    return first[:HEAD_BYTES]
