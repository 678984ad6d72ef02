"""Where a source stands whose bytes come once and lie in no file: what was pushed, sent or piped to us.

All of it is one generation that never ends, and its offsets count what was ever taken in. Nothing can be read again
from outside, so whoever gives lines out keeps them until they are committed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.sources.generations import digest

if TYPE_CHECKING:
    from log_sentinel.sources.checkpoints import Checkpoints

# Device and inode that no file has, nor a pipe that is read once (sources.once), which has zeros.
NO_FILE = (0, 1)

Skipped = tuple[tuple[int, str, bytes], ...]


class Standing:
    """The checkpoint of `source`, whose generation goes by the name of `place`. It runs ahead of what is committed."""

    def __init__(self, source: str, place: str, checkpoints: Checkpoints) -> None:
        self._source = source
        self._place = place
        self._checkpoints = checkpoints
        self._at: Checkpoint | None = None

    @property
    def at(self) -> Checkpoint:
        if self._at is None:
            known = [row for row in self._checkpoints.known(self._source) if row.path == self._place]
            self._at = known[-1] if known else self._checkpoints.begin(self._unread())
        return self._at

    def step(self, data: bytes, skipped: Skipped = (), entries: tuple[str, ...] = ()) -> Lines:
        """The next whole lines, `data`, which may be empty; offsets of `skipped` count from its beginning."""
        start = self.at.offset
        end = start + len(data)
        self._at = replace(self.at, offset=end, size_seen=max(end, self.at.size_seen))
        moved = tuple((start + offset, reason, sample) for offset, reason, sample in skipped)
        return Lines(self._source, data, Move(start, self._at), skipped=moved, entries=entries)

    def forget(self) -> None:
        """Goes back to what is committed; the database is asked for it when it is needed."""
        self._at = None

    def _unread(self) -> Checkpoint:
        nothing = digest(b"")
        return Checkpoint(0, self._source, self._place, *NO_FILE, 0, nothing, 0, 0, nothing, 0)
