"""Which file is which: the identity of a generation, one file's life under whatever name.

A name changes hands at every rotation, and an inode is used again as soon as its file is gone. So neither is proof. A
file continues a generation when both of these hold:

- the hash of its head is the generation's. The head grows with the file up to HEAD_BYTES and ends with a whole line
  until then, so that a file is known from its first line on;
- the hash of the TAIL_BYTES before the offset is the generation's. Two files may begin alike (a banner, the header of
  a CSV); and a file that was emptied and written anew may be as long as before.

Device and inode only say where to look first.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Protocol

from log_sentinel.model.lines import Checkpoint

HEAD_BYTES = 1024
TAIL_BYTES = 256
# Where the last line of a file of this size began is worth looking for: `start = "end"` stands at a line's start.
LAST_LINE_BYTES = 1 << 16
NO_GENERATION = 0


class Content(Protocol):
    """Bytes that can be read by offset: an open file, or a stream that remembers a little of what it gave."""

    @property
    def key(self) -> tuple[int, int]:
        """Device and inode; (0, 0) where there are none."""

    def head(self, length: int) -> bytes: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; fewer only at the end."""

    def close(self) -> None: ...


def digest(data: bytes) -> str:
    """Hex BLAKE2b-128, as checkpoints hold it."""
    return blake2b(data, digest_size=16).hexdigest()


EMPTY = digest(b"")


def head_of(content: Content) -> bytes:
    """The head to hash: HEAD_BYTES, or the whole lines that are there. Half a line says too little."""
    head = content.head(HEAD_BYTES)
    return head if len(head) == HEAD_BYTES else head[: head.rfind(b"\n") + 1]


def unread(source: str, path: str, content: Content) -> Checkpoint:
    """A generation, yet without an id, of which nothing was read."""
    device, inode = content.key
    head = head_of(content)
    return Checkpoint(NO_GENERATION, source, path, device, inode, len(head), digest(head), 0, 0, EMPTY, 0)


def moved(at: Checkpoint, content: Content, offset: int, before: bytes, size: int) -> Checkpoint:
    """`at`, read on to `offset`. `before` ends with the bytes just before it; `size` is how many there are to read."""
    tail = before[-TAIL_BYTES:]
    head_len, head_hash = at.head_len, at.head_hash
    if head_len < HEAD_BYTES:
        head = head_of(content)
        if len(head) > head_len:
            head_len, head_hash = len(head), digest(head)
    return replace(
        at,
        head_len=head_len,
        head_hash=head_hash,
        offset=offset,
        tail_len=len(tail),
        tail_hash=digest(tail),
        size_seen=max(size, offset),
    )


def stood_at(at: Checkpoint, content: Content, offset: int, size: int) -> Checkpoint:
    """`at` as if it had been read to `offset`."""
    start = max(0, offset - TAIL_BYTES)
    return moved(at, content, offset, content.read_at(start, offset - start), size)


def all_of_archive(at: Checkpoint) -> Checkpoint:
    """`at` as of an archive that is not wanted. It is not unpacked for this: that no tail is known says so."""
    return replace(at, offset=at.head_len, tail_len=0, tail_hash=EMPTY)


def goes_on(at: Checkpoint, content: Content) -> bool:
    """Whether `content`, which continues `at`, holds more than was read."""
    return (at.tail_len > 0 or at.offset == 0) and len(content.read_at(at.offset, 1)) > 0


def last_line_start(content: Content, size: int) -> int:
    """Where to start in a file of `size` bytes to read none of its whole lines; `size` when none ends nearby."""
    start = max(0, size - LAST_LINE_BYTES)
    ends = content.read_at(start, size - start).rfind(b"\n")
    return size if ends < 0 < start else start + ends + 1


def same_head(at: Checkpoint, content: Content) -> bool:
    return digest(content.head(at.head_len)) == at.head_hash


def continues(at: Checkpoint, content: Content) -> bool:
    """Whether `content` proves to hold what was read of `at`, and so can be read on from its offset."""
    if not same_head(at, content):
        return False
    return at.tail_len == 0 or digest(content.read_at(at.offset - at.tail_len, at.tail_len)) == at.tail_hash


def begins_with(original: Content, content: Content, size: int) -> bool:
    """Whether the first `size` bytes of `original` are, as far as head and tail tell, those of `content`."""
    start = max(0, size - TAIL_BYTES)
    head = min(size, HEAD_BYTES)
    return original.head(head) == content.head(head) and original.read_at(start, size - start) == content.read_at(
        start, size - start
    )
