"""One live name, and the generations that followed one another under it.

What is read, oldest first: the rest of generations that have lost the name (renamed, deleted, copied away and emptied),
those that came and went while nobody looked, and at last the file that has the name now. A younger one is not read
before every older one has been read to its end once.

What can happen to the name between two looks:

- another file has it (rename and create, a switched symbolic link): the old one is read on through its open file;
- nothing has it (deleted, or renamed and not yet made anew): the same;
- its file was emptied and written anew (copytruncate): seen when it is read next, because the bytes before the offset
  are others. The old generation is finished from the copy, if one is found.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.held import Held, Role
from log_sentinel.sources.in_turn import InTurn
from log_sentinel.sources.opening import CannotRead, PlainFile, cannot_read
from log_sentinel.sources.predecessors import with_predecessors

if TYPE_CHECKING:
    from log_sentinel.sources.known import Key
    from log_sentinel.sources.register import Register


# A renamed file without a successor may be what its writer goes on with. At last it is left alone all the same.
NO_SUCCESSOR = 60


class Succession(InTurn):
    """Looks after the file called `path`, or, when that is None, after archives of various origin.

    `begin_at`: device, inode and size of a file of which only what comes later is wanted.
    """

    def __init__(self, path: str | None, register: Register, begin_at: tuple[Key, int] | None = None) -> None:
        super().__init__(path or "", register, begin_at)
        # the file whose predecessors were searched last; None: there was none under the name
        self._searched: Key | str | None = "never"

    def look(self) -> None:
        """Takes note of what happened to the name and to the files. One stat for each when nothing did."""
        now = self._register.clock()
        self._search_again()
        if self._is_as_it_was(now):
            return
        for held in self.files:
            held.unpark()
        self._seek_moved()
        for held in list(self.files):
            if held.role is Role.LEFT:
                self._look_at_left(held, now)
        if self.path:
            self._look_at_path(now)
        self._let_go()

    def _is_as_it_was(self, now: float) -> bool:
        """The short way for what nearly every look finds: one file, under its name."""
        if len(self.files) != 1 or self.files[0].role is not Role.LIVE or self.files[0].parked:
            return False
        live = self.files[0]
        try:
            found = os.stat(self.path)  # noqa: PTH116 - a Path for each of thousands of files costs more than the stat
        except OSError:
            return False
        if (found.st_dev, found.st_ino) != live.key:
            return False
        self._see(live, found, now)
        return True

    def _look_at_path(self, now: float) -> None:
        try:
            found = Path(self.path).stat()
        except OSError as why:
            self._look_at_trouble(cannot_read(self.path, why))
        else:
            self._look_at_name(found, now)

    def _look_at_trouble(self, trouble: CannotRead) -> None:
        if not trouble.gone:
            # nobody can tell whether the file is still there: its generation stays as it is
            self._register.problems.cannot_read(trouble)
            return
        if (live := self._live()) is not None:
            self._leave(live)
        if self._searched is not None:
            self._searched = None
            self.files += self._before()
        if self.path == self._register.settings.path:
            # what a glob does not name any more is not missing
            self._register.problems.cannot_read(trouble)

    def _look_at_name(self, found: os.stat_result, now: float) -> None:
        key, live = (found.st_dev, found.st_ino), self._live()
        if live is not None and live.key == key:
            self._see(live, found, now)
            return
        if live is not None:
            self._leave(live)
        if (holder := self._register.holder(key)) is not None:
            self._register.problems.solved(self.path)
            self._came_back(holder)
        else:
            self._take_up(now)

    def _leave(self, live: Held) -> None:
        if live.content is None:
            # its file was closed for others: it is looked for under the names of rotated files
            self._drop(live)
            self._searched = "never"
            return
        live.role = Role.LEFT
        live.due, live.passed = True, False
        live.changed_at = self._register.clock()
        self._look_at_left(live, live.changed_at)

    def _see(self, held: Held, found: os.stat_result, now: float) -> None:
        """Takes note of how the file stands; if it changed, whether it still holds what was read of it."""
        try:
            if held.saw(found, now):
                content = held.content or self._register.reopen(held)
                if not generations.continues(held.at, content):
                    self._replaced(held)
        except CannotRead as why:
            self._register.problems.cannot_read(why)

    def _look_at_left(self, held: Held, now: float) -> None:
        try:
            found = held.content.stat() if isinstance(held.content, PlainFile) else Path(held.path).stat()
        except (CannotRead, OSError):
            return  # it is looked for at the next look
        self._see(held, found, now)
        if held not in self.files:
            return
        if held.ended and held.size > held.at.offset:
            held.take_up_again(GenerationState.DRAINING)
            self._register.problems.happened(
                f"{self.path}, rotated away",
                "its old file is still being written",
                "The gateway did not reopen its log. nginx wants `nginx -s reopen` after the rotation, Kong's file-log "
                "`reopen = true`.",
            )
        silent = now - held.changed_at
        over = held.deleted or self._succeeded(held) or silent >= NO_SUCCESSOR * self._register.hold_rotated
        if not held.ended and over and silent >= self._register.hold_rotated:
            held.ending = held.due = True

    def _succeeded(self, held: Held) -> bool:
        """Whether a younger file is written to: then this one's writer has let go of it."""
        return any(younger.size > 0 for younger in self.files[self.files.index(held) + 1 :])

    def _seek_moved(self) -> None:
        """Looks under other names for files that were closed for others, and then moved."""
        moved = [held for held in self.files if held.has_moved()]
        for held in moved:
            self._drop(held)
        if moved:
            self._searched = "never"
            live = self._live()
            self.files[0:0] = self._before(current=None if live is None else live.at)

    def _take_up(self, now: float) -> None:
        """Takes up the file that has the name now, and before it what is still to be read of those that had it."""
        try:
            content = self._register.open(self.path)
        except CannotRead as why:
            self._register.problems.cannot_read(why)
            return
        self._register.problems.solved(self.path)
        try:
            before, row = with_predecessors(self._register, self.path, content)
        except CannotRead as why:
            content.close()
            self._register.problems.cannot_read(why)
            return
        self._searched = content.key
        self.files += before
        if row is None:
            row = self._begin(content, self.path)
        device, inode = content.key
        row = replace(row, path=self.path, device=device, inode=inode, state=GenerationState.ACTIVE)
        live = self._register.take(Role.LIVE, row, content)
        if isinstance(content, PlainFile):
            live.saw(content.stat(), now)
            live.proven_size = live.size
        self.files.append(live)

    def _came_back(self, holder: Held) -> None:
        """The file that has the name is held already: as that of another name, or it had this one before."""
        if holder in self.files:
            self.files.remove(holder)
            self.files.append(holder)
            holder.role, holder.path = Role.LIVE, self.path
            holder.take_up_again(GenerationState.ACTIVE)
