"""One generation, read on from its checkpoint: from the file itself, from a copy of it, or from an archive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState, Lines, Move
from log_sentinel.sources.archives import Stream
from log_sentinel.sources.cutting import BOM, noise, whole_lines
from log_sentinel.sources.envelopes import MOST_HELD, Envelopes
from log_sentinel.sources.generations import HEAD_BYTES, TAIL_BYTES, digest, moved, same_head, stood_at
from log_sentinel.sources.opening import PlainFile, refuse_binary

if TYPE_CHECKING:
    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.envelopes import Opened

SCAN_BYTES = 1 << 20
SAMPLE_BYTES = 200
REST_OF_A_LINE = "rest of a line that was taken before it was whole"

Content = PlainFile | Stream
Skipped = tuple[tuple[int, str, bytes], ...]


def too_long(longest: int) -> str:
    return f"line longer than {longest} bytes"


class Replaced(Exception):
    """The file no longer holds what was read of it: it was emptied or written anew under the same name."""


class Following:
    """Reads `at`'s generation. `at` runs ahead of what is committed.

    Lines are taken out of their `envelopes`. One of more than `envelopes.longest` bytes is passed over in constant
    memory.
    """

    def __init__(self, at: Checkpoint, envelopes: Envelopes) -> None:
        self.at = at
        self._envelopes = envelopes
        self._longest = envelopes.longest
        self._scanned = 0

    def go_back(self, at: Checkpoint) -> None:
        self.at, self._scanned = at, 0

    def read(self, content: Content, limit: int, *, last: bool = False) -> Lines | None:
        """The next whole lines, `limit` bytes at most (a single line may be longer); None at the end of `content`.

        A partial last line is left for later; with `last`, when nothing more will be written, it is a line too.
        Raises Replaced, and CannotRead when the disk fails or the file turns out to be no text.
        """
        at = self.at
        if at.offset == 0:
            if not same_head(at, content):
                raise Replaced
            refuse_binary(content.path, content.head(HEAD_BYTES))
        start, wanted = at.tail_len, limit
        while True:
            # the proof and the data come from one call, so that nothing is rewritten between them
            data = content.read_at(at.offset - start, start + wanted)
            if len(data) < start or digest(data[:start]) != at.tail_hash:
                raise Replaced
            if not _line_begins(data[:start]):
                return self._pass_rest_of_line(content, data, last=last)
            if passed := noise(data, start, file_begins=at.offset == 0):
                return self._pass_noise(content, data, passed)
            end = whole_lines(data, start, self._longest)
            if end > start:
                at_end = len(data) < start + wanted
                step = self._taken_out(content, data, end, last=last and at_end)
                if step is not None or at_end:
                    return step
                # the last piece of the first line lies behind what was read
                wanted *= 2
                continue
            if len(data) - start > self._longest:
                return self._pass_line(content, too_long(self._longest), data[start : start + SAMPLE_BYTES], last=last)
            if len(data) < start + wanted:
                whole = last and not _damaged(content) and len(data) > start
                return self._taken_out(content, data, len(data), last=True) if whole else None
            wanted = self._longest + 1

    def finish(self, state: GenerationState) -> Lines:
        """The step that ends the generation where it stands."""
        return self._lines(b"", replace(self.at, state=state))

    def end_with(self, content: Content) -> Lines:
        """The step that ends the generation with the end of `content`, a copy that may end before what was read.

        The offset may go back: it says where the copy ends, and the copy is to be known again. Nothing is read from it.
        """
        size, head = content.length(), content.head(self.at.head_len)
        to = replace(self.at, head_len=len(head), head_hash=digest(head), state=GenerationState.FINISHED)
        return self._lines(b"", stood_at(to, content, size, size))

    def _taken_out(self, content: Content, data: bytes, end: int, *, last: bool) -> Lines | None:
        """The step with the lines of `data` up to `end`; None when the first of them is still open.

        With `last` nothing is waited for, nor where as much is held as may be or no line can follow.
        """
        start = self.at.tail_len
        kind = self._envelopes.around(data, start)
        if kind is None:
            return self._step(content, data, end)
        whole = last or end - start >= MOST_HELD or len(data) - end > self._longest or data.startswith(b"\0", end)
        opened = self._envelopes.opened(kind, data[start:end], self.at.offset, whole=whole)
        return self._step(content, data, start + opened.length, opened) if opened.length else None

    def _step(self, content: Content, data: bytes, end: int, opened: Opened | None = None) -> Lines:
        """Takes the lines of `data`, which begins with the tail, up to `end`: as they lie there, or as `opened`."""
        start = self.at.tail_len
        base = self.at.offset - start
        to = moved(self.at, content, base + end, data[max(0, end - TAIL_BYTES) : end], base + len(data))
        if opened is None:
            return self._lines(data[start:end], to)
        return self._lines(opened.data, to, opened.skipped, opened.offsets)

    def _pass_noise(self, content: Content, data: bytes, passed: int) -> Lines:
        offset = self.at.offset + passed
        if passed == len(data) - self.at.tail_len and isinstance(content, PlainFile):
            offset = content.data_from(offset)
        return self._pass_to(content, offset)

    def _pass_rest_of_line(self, content: Content, data: bytes, *, last: bool) -> Lines | None:
        start = self.at.tail_len
        if len(data) == start:
            return None
        return self._pass_line(content, REST_OF_A_LINE, data[start : start + SAMPLE_BYTES], last=last)

    def _pass_line(self, content: Content, reason: str, sample: bytes, *, last: bool) -> Lines | None:
        """Passes over the line at hand piece by piece, however long it is; None while its end is not written."""
        sample = sample.partition(b"\n")[0]
        begins = self.at.offset
        at = begins + self._scanned
        while piece := content.read_at(at, SCAN_BYTES):
            newline = piece.find(b"\n")
            if newline >= 0:
                return self._pass_to(content, at + newline + 1, ((begins, reason, sample),))
            at += len(piece)
        if last and not _damaged(content):
            return self._pass_to(content, at, ((begins, reason, sample),))
        self._scanned = at - begins
        return None

    def _pass_to(self, content: Content, offset: int, skipped: Skipped = ()) -> Lines:
        return self._lines(b"", stood_at(self.at, content, offset, offset), skipped)

    def _lines(
        self, data: bytes, to: Checkpoint, skipped: Skipped = (), offsets: tuple[int, ...] | None = None
    ) -> Lines:
        lines = Lines(to.source, data, Move(self.at.offset, to), offsets, skipped)
        self.at, self._scanned = to, 0
        return lines


def _line_begins(before: bytes) -> bool:
    """Whether a line begins after these bytes, which end with NULs or a byte order mark where no line ended."""
    return not before or before[-1] in b"\n\0" or before == BOM


def _damaged(content: Content) -> bool:
    return isinstance(content, Stream) and content.damage is not None
