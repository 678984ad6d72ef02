"""Follows files that a gateway appends to, by name or by glob, through every kind of rotation.

Assumes that lines are appended and that a rotated file keeps a name that rotation gives. Who else writes to it, when,
and how it is rotated is found out by looking: one stat a file at each poll is all it costs when nothing happens.

Positions in memory run ahead of what is committed. Nothing is let go of (a deleted file's descriptor, a generation)
before the step that ends it is committed, so that `rewind` can go back at any time.

Files that all begin alike for more than a head (generations.HEAD_BYTES) are told apart by what was read of them; one
that was copied and emptied, or changed its inode, before anything was read may then be taken for another.

What is lost, because it cannot be had: bytes written between the copying and the emptying by a `copytruncate`, and what
is deleted or overwritten before it was read. A generation that is known to end too early is stored as a gap.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.sources.first_look import is_first_look, take_note
from log_sentinel.sources.globbing import Globbing
from log_sentinel.sources.mounts import mounted
from log_sentinel.sources.newcomers import Newcomers
from log_sentinel.sources.opening import CannotRead, cannot_read
from log_sentinel.sources.predecessors import UNFINISHED
from log_sentinel.sources.register import Register
from log_sentinel.sources.rotated import all_names, live_names, packing
from log_sentinel.sources.succession import Succession
from log_sentinel.sources.unread import unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_sentinel.model.lines import Lines
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.known import Key
    from log_sentinel.sources.settings import FileSource
    from log_sentinel.sources.source import Problem


class FileTail:
    """A source (sources.source.Source) over the files that `settings.path` names. `clock` is monotonic, in seconds."""

    def __init__(
        self, name: str, settings: FileSource, checkpoints: Checkpoints, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.caught_up = False
        self._settings = settings
        self._checkpoints = checkpoints
        self._clock = clock
        self._poll_every = settings.poll_every.total_seconds()
        self._globbing = Globbing(settings.path, settings.exclude)
        self._mounts = mounted()
        self._start_over()

    def _start_over(self) -> None:
        self._register = Register(self.name, self._settings, self._checkpoints, self._clock, self._globbing.listed)
        self._newcomers = Newcomers(self._register)
        self._successions: dict[str | None, Succession] = {}
        self._begin_at: dict[str, tuple[Key, int]] = {}
        self._paths: list[str] | None = None
        self._rotated: dict[str, str | None] = {}
        self._turns: deque[Succession] = deque()
        self._polled_at: float | None = None

    # Source

    def read(self, limit: int) -> Lines | None:
        """Files with something new take turns, `limit` bytes each. All are looked at when the turns are over."""
        if not self._turns or self._polled_at is None or self._clock() - self._polled_at >= self._poll_every:
            self._poll()
        while self._turns:
            succession = self._turns.popleft()
            lines = succession.read(limit)
            if lines is not None:
                self._turns.append(succession)
                return lines
        self.caught_up = True
        return None

    def rewind(self) -> None:
        stored = self._register.reload()
        self._turns.clear()
        if all(one.is_known(stored) for one in self._successions.values()):
            for succession in self._successions.values():
                succession.rewind(stored)
        else:
            # another database, or an older one: nothing that is in memory holds
            self.close()
            self._start_over()

    def behind(self) -> int:
        successions, looked_at = list(self._successions.values()), self._polled_at
        if looked_at is not None and self._clock() - looked_at > 2 * self._poll_every:
            # the reading thread waits, for a database that is away or slow
            return sum(unread(one.path, list(one.files)) for one in successions)
        return sum(one.behind() for one in successions)

    def watched(self) -> tuple[Path, ...]:
        return self._globbing.folders()

    def problems(self) -> tuple[Problem, ...]:
        return self._register.problems.all()

    def close(self) -> None:
        for succession in self._successions.values():
            succession.close()

    # looking

    def _poll(self) -> None:
        paths = self._globbing.paths()
        if self._polled_at is None:
            try:
                paths = self._begin(paths)
            except CannotRead as why:
                self._register.problems.cannot_read(why)
                return
        self._polled_at = self._clock()
        for folder, trouble in self._globbing.unlisted().items():
            self._register.problems.cannot_read(cannot_read(str(folder), trouble))
        for succession in list(self._successions.values()):
            succession.look()
        if paths is not self._paths:
            self._sort(paths)
        for path, live in self._rotated.items():
            if (newcomer := self._newcomers.look(path)) is not None:
                self._succession(live).take_in(newcomer)
        self._note_commits()
        waiting = set(self._turns)
        self._turns.extend(one for one in self._successions.values() if one.due() and one not in waiting)

    def _begin(self, paths: list[str]) -> list[str]:
        """The first poll since the start: also names are looked after that have no file now but had one."""
        self._register.reload()
        if is_first_look(self._register, self._globbing):
            self._begin_at = take_note(self._register, self._globbing, paths)
        for path in self._mounts.intersection(paths):
            self._register.problems.tell(
                f"{path}, a mount",
                "this file is mounted by itself, so its rotation outside cannot be seen here",
                "Mount the folder it is in.",
            )
        return sorted({*paths, *self._names_of_unfinished()})

    def _names_of_unfinished(self) -> Iterable[str]:
        for row in self._register.rows():
            if row.state in UNFINISHED:
                names = (str(Path(row.path).with_name(name)) for name in all_names(row.path))
                yield from (name for name in names if self._globbing.names(name) and packing(name) is None)

    def _sort(self, paths: list[str]) -> None:
        """Tells the live files of a new listing from the rotated ones, and forgets the names that are gone."""
        self._paths = paths
        lives = {path: self._live_path(path) for path in paths}
        for path in [path for path, live in lives.items() if live == path]:
            self._succession(path)
        self._rotated = {path: live for path, live in lives.items() if live != path}
        for path, live in self._rotated.items():
            if path not in self._successions:
                continue
            # it was taken for a live file while the one it comes from was missing
            for held in reversed(self._successions.pop(path).hand_over()):
                self._succession(live).take_in(held)
        self._forget_names(paths)

    def _live_path(self, path: str) -> str | None:
        """The path that `path` is a rotated file of, itself if it is none; None for an archive of nothing we follow.

        The live file must be there or have been there: `app-1.log` is a rotated file only where there is an `app.log`.
        """
        for name in live_names(Path(path).name):
            live = str(Path(path).with_name(name))
            if live != path and self._globbing.names(live) and self._was_there(live):
                return live
        return None if packing(path) is not None else path

    def _was_there(self, path: str) -> bool:
        return path in self._successions or Path(path).exists() or self._register.has_lived(path)

    def _succession(self, path: str | None) -> Succession:
        """Of the live file `path`; all archives that are of none have one together."""
        found = self._successions.get(path)
        if found is None:
            found = Succession(path, self._register, self._begin_at.get(path or ""))
            self._successions[path] = found
            found.look()
        return found

    def _note_commits(self) -> None:
        waiting = [one for one in self._successions.values() if one.awaits_commit()]
        if waiting:
            stored = self._register.stored()
            for succession in waiting:
                succession.committed(stored)

    def _forget_names(self, paths: list[str]) -> None:
        for path in self._successions.keys() - set(paths):
            if path is not None and not self._successions[path].files:
                del self._successions[path]
                self._register.problems.solved(path)
