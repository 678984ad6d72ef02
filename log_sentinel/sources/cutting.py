"""Cuts bytes into whole lines. A line ends with b"\\n" alone: clients can write every other separator."""

from __future__ import annotations

BOM = b"\xef\xbb\xbf"


def noise(data: bytes, start: int, *, file_begins: bool) -> int:
    """How many bytes at `start`, where a line begins, belong to none: NULs, and a byte order mark if the file begins.

    A writer that does not append leaves a hole when its log is truncated under it, and so does a crash of the machine.
    """
    if file_begins and data.startswith(BOM, start):
        return len(BOM)
    if not data.startswith(b"\0", start):
        return 0
    return len(data) - start - len(data[start:].lstrip(b"\0"))


def whole_lines(data: bytes, start: int, longest: int) -> int:
    """Where the whole lines end that follow one another from `start`; `start` itself when the first is not whole.

    They end before a line of more than `longest` bytes (its newline not counted) and before one that begins with NUL.
    """
    end = start
    # one byte is found far quicker than two, and most logs hold no NUL at all
    hole = data.find(b"\n\0", start) if b"\0" in data else -1
    stop = len(data) if hole < 0 else hole + 1
    while end < stop:
        newline = data.rfind(b"\n", end, min(end + longest + 1, stop))
        if newline < 0:
            break
        end = newline + 1
    return end
