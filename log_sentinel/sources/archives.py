"""Compressed logs and pipes: bytes that only come in order.

A `Stream` looks like a file that is read by offset, as long as the offsets go up; it remembers a little of what it
gave, because a checkpoint is proven by the bytes before it. Offsets are those of the decompressed bytes.

A damaged archive gives what can be unpacked before the damage, then ends; `damage` says what was wrong.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from log_sentinel.sources.generations import HEAD_BYTES, TAIL_BYTES
from log_sentinel.sources.opening import PlainFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_BYTES = 1 << 18
MAGICS = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz"}
MAGIC_BYTES = max(map(len, MAGICS))


class Readable(Protocol):
    def read(self, length: int, /) -> bytes: ...


class Damaged(Exception):
    """The archive ends in the middle, or is none from some point on."""


class _Unpacker(Protocol):
    """One member of an archive. `feed` gives at most PIECE_BYTES and keeps the rest; b"" asks for more input."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def feed(self, data: bytes) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data

    def feed(self, data: bytes) -> bytes:
        try:
            return self._unpacker.decompress(self._unpacker.unconsumed_tail + data, PIECE_BYTES)
        except zlib.error as why:
            raise Damaged(str(why)) from None


class _OtherUnpacker(Protocol):
    """What bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Other:
    def __init__(self, unpacker: _OtherUnpacker, error: type[Exception]) -> None:
        self._unpacker = unpacker
        self._error = error

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data

    def feed(self, data: bytes) -> bytes:
        if not data and self._unpacker.needs_input:
            return b""
        try:
            return self._unpacker.decompress(data, PIECE_BYTES)
        except self._error as why:
            raise Damaged(str(why)) from None


def _zstd() -> _Unpacker:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return _Other(zstd.ZstdDecompressor(), zstd.ZstdError)


UNPACKERS: dict[str, Callable[[], _Unpacker]] = {
    ".gz": _Gzip,
    ".zst": _zstd,
    ".bz2": lambda: _Other(bz2.BZ2Decompressor(), OSError),
    ".xz": lambda: _Other(lzma.LZMADecompressor(), lzma.LZMAError),
}


def form_of(head: bytes) -> str | None:
    """How bytes that begin with `head` are packed (a key of UNPACKERS); None: not in a way we know."""
    return next((form for magic, form in MAGICS.items() if head.startswith(magic)), None)


def in_order(raw: Readable) -> Iterator[bytes]:
    while data := raw.read(PIECE_BYTES):
        yield data


def unpacked(packed: Iterator[bytes], form: str) -> Iterator[bytes]:
    """What is in `packed`, pieces of an archive of this form (a key of UNPACKERS).

    Several members one after the other are one stream, as `cat a.gz b.gz` makes them. Raises Damaged at the damage.
    """
    data, members = next(packed, b""), 0
    while data:
        unpacker = UNPACKERS[form]()
        try:
            yield from _member(unpacker, data, packed)
        except Damaged as why:
            raise Damaged(
                f"what follows its end is no archive ({why})" if members else f"it is damaged ({why})"
            ) from None
        members += 1
        # what pads an archive to a block's length is no member
        data = unpacker.unused_data.lstrip(b"\0")
        while not data and (more := next(packed, b"")):
            data = more.lstrip(b"\0")


def _member(unpacker: _Unpacker, data: bytes, packed: Iterator[bytes]) -> Iterator[bytes]:
    while not unpacker.eof:
        piece = unpacker.feed(data)
        data = b""
        if piece:
            yield piece
        elif not unpacker.eof and not (data := next(packed, b"")):
            raise Damaged("it ends in the middle")


class Stream:
    """Bytes in order, read by offset. `begin` starts them from the beginning, again when a read goes back too far.

    `key` is device and inode of the file they come from. `damage` is what ended them too early.
    """

    def __init__(
        self,
        path: str,
        key: tuple[int, int],
        begin: Callable[[], Iterator[bytes]],
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.key = key
        self.damage: str | None = None
        self.ended = False
        self._begin = begin
        self._let_go = let_go
        self._pieces = begin()
        self._first = b""
        self._window = bytearray()
        self._start = 0

    @property
    def seen(self) -> int:
        """How many bytes have come so far."""
        return self._start + len(self._window)

    def head(self, length: int) -> bytes:
        self._fill(min(length, HEAD_BYTES))
        return self._first[:length]

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < self._start:
            self._restart()
        # TAIL_BYTES stay before the offset: the next proof asks for them
        while not self.ended and self.seen < offset:
            self._forget(self.seen - TAIL_BYTES)
            self._more()
        self._forget(offset - TAIL_BYTES)
        self._fill(offset + length)
        at = offset - self._start
        return bytes(self._window[at : at + length])

    def length(self) -> int:
        """How many bytes there are in all; reads them."""
        while not self.ended:
            self._forget(self.seen - TAIL_BYTES)
            self._more()
        return self.seen

    def remembers(self, offset: int) -> bool:
        """Whether reading from `offset` on does not mean to start again."""
        return offset >= self._start

    def close(self) -> None:
        self._window.clear()
        self._let_go()

    def _restart(self) -> None:
        self._window.clear()
        self._pieces = self._begin()
        self._start = 0
        self.ended = False

    def _fill(self, upto: int) -> None:
        while not self.ended and self.seen < upto:
            self._more()

    def _forget(self, before: int) -> None:
        drop = min(before - self._start, len(self._window))
        if drop > 0:
            del self._window[:drop]
            self._start += drop

    def _more(self) -> None:
        try:
            piece = next(self._pieces, b"")
        except Damaged as why:
            piece, self.damage = b"", str(why)
        if self.seen == len(self._first):
            self._first = (self._first + piece)[:HEAD_BYTES]
        self._window += piece
        self.ended = not piece


class FileReading:
    """A file as something to read on from, independent of others that read it."""

    def __init__(self, file: PlainFile) -> None:
        self._file = file
        self._at = 0

    def read(self, length: int) -> bytes:
        data = self._file.read_at(self._at, length)
        self._at += len(data)
        return data


def unpacked_file(path: str, form: str) -> Stream:
    """What is in the archive `path`. Raises CannotRead when it cannot be opened."""
    file = PlainFile.open(path)
    return Stream(path, file.key, lambda: unpacked(in_order(FileReading(file)), form), file.close)
