"""Files with the names of rotated ones that a glob names too, as `app.log*` does.

Most of them are known by another name: renamed, copied or packed from a file that is followed. Only what is not is
read. A copy is told from a new file by what is in it, as long as its original can be compared with it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import Stream
from log_sentinel.sources.held import Held, Role
from log_sentinel.sources.opening import CannotRead
from log_sentinel.sources.recognising import any_emptied, copied_from, recognise
from log_sentinel.sources.rotated import packing

if TYPE_CHECKING:
    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.register import Register

Stamp = tuple[int, int, int, int]


class Newcomers:
    def __init__(self, register: Register) -> None:
        self._register = register
        # what each path was when it was decided on, or seen first
        self._settled: dict[str, Stamp] = {}
        self._first_seen: dict[str, tuple[Stamp, float]] = {}

    def look(self, path: str) -> Held | None:
        """What is to be read under `path`; None when it is known, or cannot be told yet."""
        try:
            found = Path(path).stat()
        except OSError:
            return None
        stamp = (found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns)
        if self._settled.get(path) == stamp or not found.st_size:
            return None
        if self._register.holder((found.st_dev, found.st_ino)) is not None:
            return None
        packed = packing(path)
        if packed is not None and Path(path.removesuffix(packed)).exists():
            return None  # it is still being packed
        try:
            content = self._register.open(path)
            return self._decide(path, stamp, content)
        except CannotRead as why:
            self._register.problems.cannot_read(why)
            return None

    def _decide(self, path: str, stamp: Stamp, content: Content) -> Held | None:
        row = recognise(self._register, content, path)
        # a row without a head knows its inode alone, which may be another file's by now
        if row is not None and row.head_len:
            done = row.state in (GenerationState.FINISHED, GenerationState.GAP)
            if done and not generations.goes_on(row, content):
                self._register.is_now(row, path, content)
                self._settle(path, stamp, content)
                return None
            return self._hold(path, content, row)
        if self._too_early(path, stamp, content):
            content.close()
            return None
        if copied_from(self._register, content, path) is not None:
            self._settle(path, stamp, content)
            return None
        return self._hold(path, content, row)

    def _too_early(self, path: str, stamp: Stamp, content: Content) -> bool:
        """An archive may still be written; and a copy cannot be told while its original has just been emptied."""
        known = self._first_seen.get(path)
        if known is None or known[0] != stamp:
            known = self._first_seen[path] = (stamp, self._register.clock())
        if isinstance(content, Stream) and self._register.clock() - known[1] < self._register.hold_rotated:
            return True
        return any_emptied(self._register, path)

    def _settle(self, path: str, stamp: Stamp, content: Content) -> None:
        content.close()
        self._settled[path] = stamp
        self._first_seen.pop(path, None)

    def _hold(self, path: str, content: Content, row: Checkpoint | None) -> Held:
        self._first_seen.pop(path, None)
        if row is None:
            row = self._register.begin(generations.unread(self._register.source, path, content))
        device, inode = content.key
        row = replace(row, path=path, device=device, inode=inode)
        return self._register.take(Role.COPY if isinstance(content, Stream) else Role.LEFT, row, content)
