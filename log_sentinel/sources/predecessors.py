"""What is still to be read of the files that had a name before: found among the names that rotation gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.held import OVER, Held, Role
from log_sentinel.sources.opening import CannotRead, PlainFile
from log_sentinel.sources.recognising import any_emptied, copied_from, is_copy, known_by_content, known_by_inode
from log_sentinel.sources.register import place_of

if TYPE_CHECKING:
    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.known import Key
    from log_sentinel.sources.register import Register

UNFINISHED = (GenerationState.ACTIVE, GenerationState.DRAINING)
ATTEMPTS = 3


def predecessors(
    register: Register,
    live: str,
    *,
    current: Checkpoint | None = None,
    orphan: Checkpoint | None = None,
    anew: Key | None = None,
) -> list[Held]:
    """Generations that had the name `live` and are to be read before the file that has it now, oldest first.

    `current` is the generation of that file, None if there is no file or nothing is known of it. `orphan` is a
    generation whose file was just written anew; `anew` is the key of that file.

    Generations of which no file is left are in the list too, as LOST, for the step that says so. Raises CannotRead when
    the folder cannot be listed, which says nothing about what is in it.
    """
    try:
        named: Content | None = register.open(live)
    except CannotRead:
        named = None
    try:
        return _search(register, live, current, named, False, orphan, anew)[0]
    finally:
        if named is not None:
            named.close()


def with_predecessors(register: Register, live: str, content: Content) -> tuple[list[Held], Checkpoint | None]:
    """What is to be read before `content`, a file that just got the name `live`, and what is known of it itself.

    Its own generation is recognised last when it takes its content to tell: an older file may be meant as well.
    """
    current = known_by_inode(register, content)
    return _search(register, live, current, content, current is None, None, None)


def _search(
    register: Register,
    live: str,
    current: Checkpoint | None,
    named: Content | None,
    unknown: bool,
    orphan: Checkpoint | None,
    anew: Key | None,
) -> tuple[list[Held], Checkpoint | None]:
    for attempt in range(1, ATTEMPTS + 1):
        search = _Search(register, live, current, named, unknown, orphan, anew, patient=attempt < ATTEMPTS)
        try:
            return search.run(), search.current
        except _Moved:
            search.give_back()
        except CannotRead:
            search.give_back()
            raise
    return [], current


class _Moved(Exception):
    pass


@dataclass
class _Search:
    """Goes through the rotated files from the newest back.

    Files that came and went since the last look are there too, and nobody knows them yet: they are newer than the
    newest known one. What is older than that was rotated before, and is not wanted. `bounded`: it was met. A file that
    was empty as far as we know is no bound: it may have been filled, copied away and emptied any number of times.

    `named` is the file that has the name now; `unknown`: what generation it is of is to be found out here.

    `strangers` have an inode that is not known. One may hold what is left of a known generation; where several could
    (they all begin with the same banner) it is the oldest, because the generation is older than what nobody knows.

    `doubtful` may be copies of a file that was just emptied: the search for what is left of that comes by again.
    """

    register: Register
    live: str
    current: Checkpoint | None
    named: Content | None
    unknown: bool
    orphan: Checkpoint | None
    anew: Key | None
    patient: bool
    waiting: dict[int, Checkpoint] = field(default_factory=dict)
    resumed: dict[str, Held] = field(default_factory=dict)
    strangers: dict[str, Content] = field(default_factory=dict)
    unseen: dict[str, Content] = field(default_factory=dict)
    unwanted: dict[str, Content] = field(default_factory=dict)
    doubtful: dict[str, Content] = field(default_factory=dict)

    def run(self) -> list[Held]:
        self.waiting = self._unfinished()
        nameless = [row for row in self.waiting.values() if not row.head_len]
        self.bounded = self.current is not None and self.current.head_len > 0 and not nameless
        wanted: set[str] = set()
        paths = self.register.folders.siblings(self.live)
        for path in reversed(paths):
            if self.bounded and not self.waiting:
                break
            if not self.bounded:
                wanted.add(path)
            self._look_at(path)
        for path in [one for one in paths if one in self.strangers]:
            self._compare(path, self.strangers.pop(path), wanted=path in wanted)
        asked = self.named if self.unknown else None
        if asked is not None and (known := known_by_content(self.register, asked, self.live)) is not None:
            self.current = known
            self.waiting.pop(known.generation, None)
            self._forget_unseen()
        gone = [self._covered(row) for row in list(self.waiting.values())]
        self._name(nameless, paths)
        # a generation that another followed name has taken along is read on under that name
        gone += [self._lost(row) for row in self.waiting.values() if not self._is_elsewhere(row)]
        for path in [one for one in paths if one in self.unseen]:
            content = self.unseen.pop(path)
            row = self.register.begin(generations.unread(self.register.source, path, content))
            self._resume(path, content, row)
        for content in (*self.unwanted.values(), *self.doubtful.values()):
            content.close()
        before = [held for held in gone if held is not None]
        return before + [self.resumed[path] for path in paths if path in self.resumed]

    def give_back(self) -> None:
        for held in self.resumed.values():
            self.register.release(held)
        for found in (self.strangers, self.unseen, self.unwanted, self.doubtful):
            for content in found.values():
                content.close()

    def _unfinished(self) -> dict[int, Checkpoint]:
        waiting = {
            row.generation: row
            for row in self.register.family(self.live)
            if row.state in UNFINISHED and row.generation not in self.register.held
        }
        if self.current is not None:
            waiting.pop(self.current.generation, None)
        if self.orphan is not None:
            waiting[self.orphan.generation] = self.orphan
        return waiting

    def _look_at(self, path: str) -> None:
        try:
            content = self.register.open(path)
        except CannotRead as why:
            if why.gone and self.patient:
                raise _Moved from None
            self.register.problems.cannot_read(why)
            return
        holder = self.register.holder(content.key)
        if content.key == self.anew or (self.named is not None and content.key == self.named.key):
            content.close()
        elif holder is not None:
            content.close()
            self.bounded = self.bounded or holder.at.head_len > 0
        elif (row := known_by_inode(self.register, content)) is not None and row.head_len:
            self.bounded = True
            self._resume_or_close(path, content, row)
        else:
            self.strangers[path] = content

    def _compare(self, path: str, content: Content, *, wanted: bool) -> None:
        """`content`, older strangers having been compared before."""
        if not content.head(1):
            self.unwanted[path] = content
        elif self._is_copy(path, content):
            content.close()
        elif (row := known_by_content(self.register, content, path)) is not None:
            self._forget_unseen()
            self._resume_or_close(path, content, row)
        elif any_emptied(self.register, path):
            self.doubtful[path] = content
        else:
            (self.unseen if wanted else self.unwanted)[path] = content

    def _forget_unseen(self) -> None:
        """A known file was met that is newer: what is older than that was rotated before."""
        self.unwanted |= self.unseen
        self.unseen.clear()

    def _is_copy(self, path: str, content: Content) -> bool:
        """Whether it is a copy that was made, or is being made, of a file that is read."""
        if self.named is not None and is_copy(content, self.named):
            return True
        return copied_from(self.register, content, path) is not None

    def _resume_or_close(self, path: str, content: Content, row: Checkpoint) -> None:
        written_on = row.state in OVER and generations.goes_on(row, content)
        if self.waiting.pop(row.generation, None) is not None or written_on:
            self._resume(path, content, row)
        else:
            content.close()

    def _resume(self, path: str, content: Content, row: Checkpoint) -> None:
        """A file that still is the one it was may still be written; a copy of it or an archive is not."""
        is_own = (row.device, row.inode) == content.key or not row.head_len
        role = Role.LEFT if is_own and isinstance(content, PlainFile) else Role.COPY
        held = self.resumed[path] = self.register.take(role, _in_file(row, path, content), content)
        if not row.head_len:
            self.register.name(held, content)

    def _is_elsewhere(self, row: Checkpoint) -> bool:
        if Path(self.live).parent in self.register.folders.closed:
            return True  # who knows: its names may not be looked at
        return row is not self.orphan and self.register.is_named((row.device, row.inode))

    def _covered(self, row: Checkpoint) -> Held | None:
        """`row` with a copy of it that ends before what was read of it: nothing is missing. None when there is none."""
        for found in (self.unseen, self.unwanted, self.doubtful):
            for path, content in found.items():
                if self.register.begins_like(row, content) and _ends_before(content, row.offset):
                    held = self.register.take(Role.COPY, _in_file(row, path, content), found.pop(path))
                    held.covered = True
                    del self.waiting[row.generation]
                    return held
        return None

    def _name(self, rows: list[Checkpoint], paths: list[str]) -> None:
        """Finds the files of `rows`, which were empty when they were seen last: by inode, or any that nobody knows."""
        by_key = {(row.device, row.inode): row for row in rows}
        for found in (self.unseen, self.unwanted):
            for path in [path for path, content in found.items() if content.key in by_key]:
                row = by_key[found[path].key]
                if row.generation in self.waiting:
                    self._resume_or_close(path, found.pop(path), row)
        for content in self.doubtful.values():
            # by its inode, which may have been given to the copy
            if content.key in by_key:
                self.waiting.pop(by_key[content.key].generation, None)
        others = [row for row in rows if row.generation in self.waiting]
        for row, path in zip(others, [path for path in paths if path in self.unseen], strict=False):
            self._resume_or_close(path, self.unseen.pop(path), row)

    def _lost(self, row: Checkpoint) -> Held:
        """`row`, of which no file holds more."""
        held = self.register.take(Role.LOST, row, None)
        missing = row.size_seen - row.offset
        if missing > 0 or row is not self.orphan:
            held.ends_as = GenerationState.GAP
            lost = f"{missing} bytes that were seen after it are lost" if missing > 0 else "what came after it is lost"
            self.register.problems.happened(
                place_of(row),
                f"its file is gone and no rotated copy of it was found; it was read to byte {row.offset}, {lost}",
                "Keep one rotated file uncompressed (delaycompress), and name logrotate's olddir in `rotated`.",
            )
        return held


def _ends_before(content: Content, offset: int) -> bool:
    return offset > 0 and len(content.read_at(offset - 1, 1)) == 0


def _in_file(row: Checkpoint, path: str, content: Content) -> Checkpoint:
    device, inode = content.key
    return replace(row, path=path, device=device, inode=inode)
