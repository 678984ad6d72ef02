"""Reads a file, an archive or a pipe once, from where it was left to its end: what `ingest` does with each path.

The same content is the same generation, under whatever name it comes: what was read before is not read again, whether
the log was rotated, packed or moved since, or comes through a pipe. A pipe has no name and no inode: it is known by
its head, and what it holds up to the checkpoint is passed over and proven by the bytes before that.

A last line without a newline counts. If more of it comes later, the rest is passed over and counted with the rejects.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import MAGIC_BYTES, FileReading, Stream, form_of, in_order, unpacked
from log_sentinel.sources.envelopes import Envelopes
from log_sentinel.sources.following import Following, Replaced
from log_sentinel.sources.opening import CannotRead, PlainFile, refuse_binary
from log_sentinel.sources.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from log_sentinel.model.lines import Checkpoint, Lines
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.source import Problem


class OncePass:
    """A source (sources.source.Source) over `path`, or over `stream` (packed or not) when `path` is "-".

    Raises CannotRead when there is nothing to read: missing, not allowed, a folder, binary. `size` and `position` are
    bytes as they lie on the disk or come through the pipe; `size` is None for a pipe.
    """

    def __init__(
        self,
        name: str,
        path: Path | str,
        checkpoints: Checkpoints,
        stream: BinaryIO | None = None,
        *,
        envelopes: Envelopes = Envelopes(),  # noqa: B008  # it never changes
    ) -> None:
        self.name = name
        self.path = str(path)
        self.size: int | None = None
        self._is_pipe = stream is not None
        self.caught_up = False
        self._checkpoints = checkpoints
        self._envelopes = envelopes
        self._problems = Problems()
        self._following: Following | None = None
        self._packed_read = 0
        self._content = self._open_file() if stream is None else self._open_pipe(stream)
        if not self._is_pipe:
            refuse_binary(self.path, self._content.head(generations.HEAD_BYTES))

    @property
    def position(self) -> int:
        if isinstance(self._content, Stream):
            return self._packed_read
        return 0 if self._following is None else self._following.at.offset

    # Source

    def read(self, limit: int) -> Lines | None:
        """Raises CannotRead when the content is not what it was, or cannot be told from what was read before."""
        if self._following is None:
            self._following = self._begin()
        if self._following is None:
            self.caught_up = True
            return None
        if self._is_shorter(self._following.at):
            self.caught_up = True
            return None
        try:
            lines = self._following.read(self._content, limit, last=True)
        except Replaced:
            raise CannotRead(
                self.path, "it was changed while it was read", "Ingest it again when it is whole."
            ) from None
        return self._end(self._following) if lines is None else lines

    def rewind(self) -> None:
        """Raises CannotRead for a pipe that would have to give again what was not committed."""
        self.caught_up = False
        if self._following is None:
            return
        stored = {row.generation: row for row in self._checkpoints.known(self.name)}
        at = stored.get(self._following.at.generation)
        if self._is_pipe and (at is None or not self._remembers(at)):
            raise CannotRead(self.path, "not all of it was stored, and a pipe cannot be read twice", "Run it again.")
        if at is None:
            self._following = None
        else:
            self._following.go_back(at)

    def behind(self) -> int:
        return 0 if self.size is None else max(0, self.size - self.position)

    def watched(self) -> tuple[Path, ...]:
        return ()

    def problems(self) -> tuple[Problem, ...]:
        return self._problems.all()

    def close(self) -> None:
        self._content.close()

    # what it reads

    def _open_file(self) -> Content:
        file = PlainFile.open(self.path)
        self.size = file.stat().st_size
        form = form_of(file.head(MAGIC_BYTES))
        if form is None:
            return file
        return Stream(
            self.path, file.key, lambda: unpacked(self._counted(in_order(FileReading(file))), form), file.close
        )

    def _open_pipe(self, stream: BinaryIO) -> Stream:
        return Stream(self.path, (0, 0), lambda: self._from_pipe(self._counted(in_order(_Pipe(stream)))))

    def _from_pipe(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        first = next(pieces, b"")
        while len(first) < MAGIC_BYTES and (more := next(pieces, b"")):
            first += more
        form, whole = form_of(first), chain((first,) if first else (), pieces)
        yield from whole if form is None else unpacked(whole, form)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        self._packed_read = 0
        for piece in pieces:
            self._packed_read += len(piece)
            yield piece

    # where it begins and ends

    def _begin(self) -> Following | None:
        row = generations.unread(self.name, self.path, self._content)
        if not self._content.head(1):
            self._problems.tell(self.path, "is empty", "Check whether the gateway writes to it.")
            return None
        known = self._known()
        return Following(self._checkpoints.begin(row) if known is None else known, self._envelopes)

    def _known(self) -> Checkpoint | None:
        """The generation whose content this is, moved to where that lies now; None when it was never read.

        A longer file than a known one that is still there begins alike and is another: both are read.
        """
        alike = [
            row
            for row in self._checkpoints.known(self.name)
            if (row.head_len or (row.device, row.inode) == self._content.key)
            and generations.same_head(row, self._content)
        ]
        if self._is_pipe and isinstance(self._content, Stream):
            return self._known_of_pipe(alike, self._content)
        device, inode = self._content.key
        for row in sorted(alike, key=lambda row: ((row.device, row.inode) != (device, inode), -row.offset)):
            if not generations.continues(row, self._content):
                continue
            if (row.device, row.inode) == (device, inode) or not self._lives_elsewhere(row):
                return replace(row, path=self.path, device=device, inode=inode)
            if not self._content.read_at(row.offset, 1):
                return row
        return None

    def _known_of_pipe(self, alike: list[Checkpoint], pipe: Stream) -> Checkpoint | None:
        """As `_known`. A pipe that ends before the checkpoint brings nothing new. Raises CannotRead when it differs."""
        proven = None
        for row in sorted(alike, key=lambda row: row.offset):
            if generations.continues(row, pipe) or (proven is None and self._is_shorter(row)):
                proven = row
        if alike and (proven is None or not (self._is_shorter(proven) or self._remembers(proven))):
            raise CannotRead(
                self.path,
                "it begins like something that was read before, then differs, and a pipe cannot be read twice",
                "Save it to a file and ingest that.",
            )
        return proven

    def _is_shorter(self, at: Checkpoint) -> bool:
        return isinstance(self._content, Stream) and self._content.ended and self._content.seen < at.offset

    def _remembers(self, at: Checkpoint) -> bool:
        return isinstance(self._content, Stream) and self._content.remembers(at.offset - at.tail_len)

    def _lives_elsewhere(self, row: Checkpoint) -> bool:
        try:
            content = PlainFile.open(row.path)
        except CannotRead:
            return False
        try:
            return content.key == (row.device, row.inode) and generations.continues(row, content)
        finally:
            content.close()

    def _end(self, following: Following) -> Lines | None:
        self.caught_up = True
        if not isinstance(self._content, Stream):
            return None
        if self._content.damage is not None:
            self._problems.tell(
                self.path,
                f"{self._content.damage}; it was read up to there",
                "Ingest it again when it is mended: lines that were read are not counted again.",
            )
            return None
        if following.at.state is GenerationState.FINISHED:
            return None
        self.caught_up = False
        return following.finish(GenerationState.FINISHED)


class _Pipe:
    """Gives what has come, and does not wait until a piece is full."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)

    def read(self, length: int) -> bytes:
        data: bytes = self._read(length)
        return data
