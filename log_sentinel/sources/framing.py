"""Lines and messages out of a stream of bytes that comes in pieces, in bounded memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 6587, section 3.4.1: MSG-LEN SP SYSLOG-MSG. A message begins with its priority; else it is a line that begins so.
COUNTED = re.compile(rb"([1-9]\d{0,8}) <", re.ASCII)
MAYBE_COUNTED = re.compile(rb"[1-9]\d{0,8} ?", re.ASCII)
SAMPLE_BYTES = 200

# A message, and whether it is whole; of one that is too long its first bytes.
Message = tuple[bytes, bool]


class Framing:
    """Cuts what one sender sends at its newlines, and with `counts` after as many bytes as a message says it has.

    A message of more than `longest` bytes is passed over in constant memory.
    """

    def __init__(self, longest: int, *, counts: bool = False) -> None:
        self._longest = longest
        self._counts = counts
        self._rest = b""
        # bytes still to be passed over: a number, or up to the next newline
        self._passing = 0
        self._passing_line = False

    def take(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` ends."""
        data = self._rest + data
        at = 0
        while at < len(data):
            if self._passing:
                passed = min(self._passing, len(data) - at)
                self._passing -= passed
                at += passed
                continue
            if self._counts and (found := COUNTED.match(data, at)):
                begins, length = found.end() - 1, int(found[1])
                if length > self._longest:
                    yield data[begins : begins + min(SAMPLE_BYTES, length)], False
                    self._passing, at = length, begins
                    continue
                if begins + length > len(data):
                    break
                yield data[begins : begins + length], True
                at = begins + length
                continue
            if self._counts and MAYBE_COUNTED.fullmatch(data, at):
                break
            newline = data.find(b"\n", at)
            if newline < 0:
                if len(data) - at <= self._longest:
                    break
                if not self._passing_line:
                    yield data[at : at + SAMPLE_BYTES], False
                self._passing_line, at = True, len(data)
                continue
            if self._passing_line:
                self._passing_line = False
            elif newline - at > self._longest:
                yield data[at : at + SAMPLE_BYTES], False
            else:
                yield data[at:newline], True
            at = newline + 1
        self._rest = data[at:]

    def end(self) -> Iterator[Message]:
        """What is left when the sender has gone: a last line without a newline is one."""
        rest, self._rest = self._rest, b""
        if rest and not self._passing_line:
            yield rest, not (self._counts and COUNTED.match(rest))
