"""Generations that are read one after the other, the oldest first, each to its end before the next."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import Stream
from log_sentinel.sources.following import Replaced
from log_sentinel.sources.held import Held, Role
from log_sentinel.sources.opening import CannotRead, OutOfDescriptors, PlainFile
from log_sentinel.sources.predecessors import predecessors

if TYPE_CHECKING:
    from log_sentinel.model.lines import Checkpoint, Lines
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.known import Key
    from log_sentinel.sources.register import Register


class InTurn:
    """Generations that have had the name `path`, in `files`. Whatever is older than one of them is read before it."""

    def __init__(self, path: str, register: Register, begin_at: tuple[Key, int] | None) -> None:
        self.path = path
        self.files: list[Held] = []
        self._register = register
        self._begin_at = begin_at
        self._owed = False

    def due(self) -> bool:
        return any(held.due for held in self.files)

    def behind(self) -> int:
        return sum(held.behind() for held in self.files)

    def hand_over(self) -> list[Held]:
        """Its generations, for another to read."""
        files, self.files = self.files, []
        for held in files:
            held.role = Role.LEFT if held.role is Role.LIVE else held.role
        return files

    def take_in(self, older: Held) -> None:
        """Has `older`, a rotated file, read before the others."""
        self.files.insert(0, older)

    def read(self, limit: int) -> Lines | None:
        for held in list(self.files):
            if held.is_unknown() and self._get_to_know(held):
                return self.read(limit)
            try:
                lines = self._read_from(held, limit)
            except Replaced:
                self._replaced(held)
                return self.read(limit)
            except CannotRead as why:
                # what is younger need not wait for it
                held.park()
                held.passed = held.passed or not isinstance(why, OutOfDescriptors)
                self._register.problems.cannot_read(why)
                continue
            if lines is not None:
                self._register.was_read(held)
                return lines
            if not held.passed:
                return None
        return None

    def _get_to_know(self, held: Held) -> bool:
        """The first look into a file that was empty: its head is stored before anything is read.

        True if it was filled, copied away and emptied before, so that there is something older to read.
        """
        found = self._before(current=held.at)
        place = self.files.index(held)
        self.files[place:place] = found
        if not found:
            with suppress(CannotRead):
                self._register.name(held, held.content or self._register.reopen(held))
        return bool(found)

    def _read_from(self, held: Held, limit: int) -> Lines | None:
        if not held.due:
            return None
        if held.role is not Role.LOST:
            content = held.content or self._register.reopen(held)
            at_end = held.covered and not generations.continues(held.at, content)
            lines = None if at_end else held.following.read(content, limit, last=held.ending)
            held.proven_size, held.reopened = max(held.proven_size, held.size), False
            if lines is not None:
                held.passed = False
                return lines
        held.due = False
        held.passed = held.role is not Role.LIVE
        return self._last_step(held) if held.ending and not held.ended else None

    def _last_step(self, held: Held) -> Lines:
        held.ended = True
        content = held.content
        if held.role is Role.LOST and held.at.size_seen > held.at.offset:
            held.ends_as = GenerationState.GAP
        if isinstance(content, Stream) and content.damage is not None:
            held.ends_as = GenerationState.GAP
            self._register.problems.happened(
                held.path,
                f"{content.damage}; it was read up to there",
                "Ingest the file once more when it is mended: lines that were read are not counted again.",
            )
        if held.covered and content is not None:
            return held.following.end_with(content)
        return held.following.finish(held.ends_as)

    def _replaced(self, held: Held) -> None:
        """`held`'s file was emptied and written anew. The old generation goes on in a copy, or is lost."""
        place, content = self.files.index(held), held.content
        held.content = None
        self._drop(held)
        old = replace(held.at, size_seen=max(held.at.size_seen, held.proven_size))
        self._register.note(old)
        anew: list[Held] = []
        if isinstance(content, PlainFile) and not held.reopened:
            anew = [self._register.take(held.role, self._begin(content, held.path), content)]
            anew[0].saw(content.stat(), self._register.clock())
        elif content is not None:
            content.close()
        found = self._before(orphan=old, anew=anew[0].key if anew else None)
        self.files[place:place] = found + anew

    # what is committed

    def awaits_commit(self) -> bool:
        return any(held.ended and not held.settled for held in self.files)

    def committed(self, stored: dict[int, Checkpoint]) -> None:
        """Takes note of which last steps are stored."""
        for held in self.files:
            row = stored.get(held.generation)
            if held.ended and row is not None and (row.offset, row.state) == (held.at.offset, held.at.state):
                held.settled = True

    def _let_go(self) -> None:
        """Of what is over. A renamed file stays in sight until the next rotation: its writer may go on with it."""
        newest = next((held for held in reversed(self.files) if held.role is Role.LEFT), None)
        for held in [one for one in self.files if one.settled]:
            if held is not newest or held.deleted or self._live() is None:
                self._drop(held)

    def is_known(self, stored: dict[int, Checkpoint]) -> bool:
        return all(held.generation in stored for held in self.files)

    def rewind(self, stored: dict[int, Checkpoint]) -> None:
        for held in self.files:
            held.go_back(stored[held.generation])
            self._register.note(held.at)

    def close(self) -> None:
        for held in list(self.files):
            self._drop(held)

    # shared with those who look

    def _live(self) -> Held | None:
        return self.files[-1] if self.files and self.files[-1].role is Role.LIVE else None

    def _begin(self, content: Content, path: str) -> Checkpoint:
        row = generations.unread(self._register.source, path, content)
        wanted, self._begin_at = self._begin_at, None
        if wanted is not None and wanted[0] == content.key:
            size = wanted[1]
            row = generations.stood_at(row, content, generations.last_line_start(content, size), size)
        return self._register.begin(row)

    def _before(
        self, *, current: Checkpoint | None = None, orphan: Checkpoint | None = None, anew: Key | None = None
    ) -> list[Held]:
        """What is to be read before; a search that cannot be made now is made at the next look."""
        try:
            return predecessors(self._register, self.path, current=current, orphan=orphan, anew=anew)
        except CannotRead as why:
            self._register.problems.cannot_read(why)
            self._owed = True
            return []

    def _search_again(self) -> None:
        if self._owed:
            self._owed = False
            live = self._live()
            self.files[0:0] = self._before(current=None if live is None else live.at)

    def _drop(self, held: Held) -> None:
        self.files.remove(held)
        self._register.release(held)
