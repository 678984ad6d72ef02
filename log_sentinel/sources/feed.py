"""Whole lines that came once, held in memory until they are committed: there is nowhere to read them again.

Who takes lines in asks for room first; without it the sender waits, or the kernel drops what it cannot keep.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from log_sentinel.sources.framing import SAMPLE_BYTES
from log_sentinel.sources.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from log_sentinel.model.lines import Lines
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.framing import Message
    from log_sentinel.sources.standing import Skipped

MOST_HELD = 8 << 20


class Block(NamedTuple):
    """Whole lines; offsets of `skipped` count from the beginning of `data`."""

    data: bytes
    skipped: Skipped = ()


def block_of(messages: Iterable[Message], longest: int) -> Block:
    """Messages as lines; blank ones are none, and those that are not whole (longer than `longest`) are skipped."""
    lines: list[bytes] = []
    skipped: list[tuple[int, str, bytes]] = []
    length = 0
    for message, is_whole in messages:
        if not is_whole:
            skipped.append((length, f"line longer than {longest} bytes, or cut off", message[:SAMPLE_BYTES]))
        elif message:
            lines.append(message)
            length += len(message) + 1
    return Block(b"".join(line + b"\n" for line in lines), tuple(skipped))


class Feed:
    """Lines of the source `name`. Taken in by one thread, given out by another, committed by a third."""

    def __init__(self, name: str, place: str, checkpoints: Checkpoints, held: Iterable[Block] = ()) -> None:
        self._standing = Standing(name, place, checkpoints)
        self._lock = threading.Lock()
        self._waiting = deque(held)
        # what was given out and is not committed: the offset behind it, and what it was
        self._given: deque[tuple[int, Block]] = deque()

    @property
    def held(self) -> int:
        """Bytes that are not committed."""
        with self._lock:
            return sum(len(one.data) for one in self._waiting) + sum(len(one.data) for _, one in self._given)

    @property
    def has_room(self) -> bool:
        return self.held < MOST_HELD

    def add(self, block: Block) -> bool:
        """Whether there is anything in it."""
        if not block.data and not block.skipped:
            return False
        with self._lock:
            self._waiting.append(block)
        return True

    def read(self, limit: int) -> Lines | None:
        """The next lines, `limit` bytes or somewhat more; None when there are none."""
        data: list[bytes] = []
        skipped: list[tuple[int, str, bytes]] = []
        length = 0
        with self._lock:
            while self._waiting and length < limit:
                block = self._waiting.popleft()
                skipped += ((length + offset, reason, sample) for offset, reason, sample in block.skipped)
                data.append(block.data)
                length += len(block.data)
        if not data:
            return None
        whole = Block(b"".join(data), tuple(skipped))
        try:
            lines = self._standing.step(*whole)
        except BaseException:
            with self._lock:
                self._waiting.appendleft(whole)
            raise
        with self._lock:
            self._given.append((lines.move.to.offset, whole))
        return lines

    def committed(self) -> None:
        """What was given out first is."""
        with self._lock:
            self._given.popleft()

    def rewind(self) -> None:
        """What is not committed is given out again. Whether a commit was made that nobody heard of, the offset says."""
        self._standing.forget()
        stored = self._standing.at.offset
        with self._lock:
            self._waiting.extendleft(block for end, block in reversed(self._given) if end > stored)
            self._given.clear()

    def left(self) -> list[Block]:
        """Everything that is not known to be committed, to be taken up by another."""
        with self._lock:
            return [*(block for _, block in self._given), *self._waiting]


class Fed:
    """What all sources (sources.source.Source) over a feed do alike: there is no file to go back to, or to watch."""

    def __init__(self, name: str, feed: Feed) -> None:
        self.name = name
        self.caught_up = True
        self._feed = feed

    def read(self, limit: int) -> Lines | None:
        return self._feed.read(limit)

    def committed(self) -> None:
        self._feed.committed()

    def rewind(self) -> None:
        self._feed.rewind()

    def behind(self) -> int:
        return self._feed.held

    def watched(self) -> tuple[Path, ...]:
        return ()
