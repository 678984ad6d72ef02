"""The register of a source's generations: which are known, which are held, and how many files that keeps open.

What it knows runs ahead of the store, as the reading does; `reload` goes back to what is stored.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import Stream, unpacked_file
from log_sentinel.sources.held import Held, Role
from log_sentinel.sources.opening import CannotRead, PlainFile
from log_sentinel.sources.problems import Problems
from log_sentinel.sources.rotated import Folders, all_names, packing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.settings import FileSource

MOST_OPEN, FEWEST_OPEN = 64, 4
# How many files are looked at for one that can be closed, before one more than allowed is opened.
MOST_TRIED = 8

Key = tuple[int, int]


def open_files_allowed() -> int:
    """A quarter of what the process may open, MOST_OPEN at most: the database and the network need theirs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(FEWEST_OPEN, min(MOST_OPEN, soft // 4))


class Register:
    """`paths` gives what is followed now; `clock` is monotonic, in seconds."""

    def __init__(
        self,
        source: str,
        settings: FileSource,
        checkpoints: Checkpoints,
        clock: Callable[[], float],
        paths: Callable[[], Iterable[str]],
    ) -> None:
        self.source = source
        self._paths = paths
        self.settings = settings
        self.clock = clock
        self.hold_rotated = settings.hold_rotated.total_seconds()
        self.problems = Problems()
        self.folders = Folders(settings.rotated)
        self.held: dict[int, Held] = {}
        self._checkpoints = checkpoints
        self._rows: dict[int, Checkpoint] = {}
        self._by_key: dict[Key, set[int]] = {}
        self._by_name: dict[str, set[int]] = {}
        self._holders: dict[Key, Held] = {}
        self._heads: dict[int, bytes] = {}
        # the least recently read first
        self._opened: dict[int, Held] = {}
        self._allowed = open_files_allowed()

    # known

    def stored(self) -> dict[int, Checkpoint]:
        return {row.generation: row for row in self._checkpoints.known(self.source)}

    def reload(self) -> dict[int, Checkpoint]:
        stored = self.stored()
        self._rows, self._by_key, self._by_name = {}, {}, {}
        for row in stored.values():
            self.note(row)
        return stored

    def rows(self) -> Iterable[Checkpoint]:
        return self._rows.values()

    def note(self, row: Checkpoint) -> None:
        known = self._rows.get(row.generation)
        self._rows[row.generation] = row
        if known is not None and (known.path, known.device, known.inode) == (row.path, row.device, row.inode):
            return
        if known is not None:
            self._by_key[known.device, known.inode].discard(known.generation)
            for name in all_names(known.path):
                self._by_name[name].discard(known.generation)
        self._by_key.setdefault((row.device, row.inode), set()).add(row.generation)
        for name in all_names(row.path):
            self._by_name.setdefault(name, set()).add(row.generation)

    def begin(self, row: Checkpoint) -> Checkpoint:
        """Stores a generation that was not known."""
        begun = self._checkpoints.begin(row)
        self.note(begun)
        return begun

    def family(self, path: str) -> list[Checkpoint]:
        """Generations that had the name of `path`, or that rotation may have moved to it or from it."""
        found = {generation for name in all_names(path) for generation in self._by_name.get(name, ())}
        return [self._rows[generation] for generation in sorted(found)]

    def has_lived(self, path: str) -> bool:
        return any(row.path == path for row in self.family(path))

    # held and open

    def take(self, role: Role, row: Checkpoint, content: Content | None) -> Held:
        if row.state is GenerationState.FINISHED and role in (Role.LEFT, Role.COPY):
            row = replace(row, state=GenerationState.DRAINING)
        held = Held(role, row, content, self.settings.max_line_bytes, self.clock())
        self.held[row.generation] = held
        self.note(row)
        if role is not Role.LOST:
            self._holders[held.key] = held
        if content is not None:
            self._opened[row.generation] = held
        return held

    def release(self, held: Held) -> None:
        self._close(held)
        self.held.pop(held.generation, None)
        if self._holders.get(held.key) is held:
            del self._holders[held.key]

    def was_read(self, held: Held) -> None:
        self.note(held.at)
        if held.content is not None and len(self._heads.get(held.generation, b"")) < held.at.head_len:
            self._heads[held.generation] = held.content.head(held.at.head_len)
        if held.generation in self._opened:
            self._opened[held.generation] = self._opened.pop(held.generation)

    def holder(self, key: Key) -> Held | None:
        """Who reads the file of this device and inode."""
        return self._holders.get(key)

    def open(self, path: str) -> Content:
        """Raises CannotRead. When too many files are open, those that were read longest ago are closed for now."""
        if len(self._opened) >= self._allowed:
            spare = sorted(self._opened.values(), key=lambda one: (one.role is not Role.LIVE, one.due))
            for held in spare[:MOST_TRIED]:
                if self._can_be_closed(held):
                    self._close(held)
                    break
        packed = packing(path)
        return PlainFile.open(path) if packed is None else unpacked_file(path, packed)

    def reopen(self, held: Held) -> Content:
        """Raises CannotRead, also when the name belongs to another file by now."""
        content = self.open(held.path)
        if content.key != held.key:
            content.close()
            raise CannotRead(held.path, "another file has its name", "It is looked for.", gone=True)
        held.content = content
        self._opened[held.generation] = held
        return content

    def _close(self, held: Held) -> None:
        held.close()
        self._opened.pop(held.generation, None)

    def _can_be_closed(self, held: Held) -> bool:
        """Whether its file can be found again by name."""
        if held.role is Role.LEFT:
            found = next((place for place in self._places(held.at) if key_of(place) == held.key), None)
            held.path = found or held.path
            return found is not None
        return held.role is Role.LIVE

    # what is what

    def recognise(self, content: Content, path: str) -> Checkpoint | None:
        """The known generation that `content` holds and nobody reads; None when it is a new one.

        A generation of which nothing but the inode is known comes last: the inode may be another file's by now.
        """
        own = self.known_by_inode(content)
        if own is not None and own.head_len:
            return own
        return self.known_by_content(content, path) or own

    def known_by_inode(self, content: Content) -> Checkpoint | None:
        own = self._not_held(self._rows[one] for one in self._by_key.get(content.key, ()))
        for row in own:
            if _is_finished_archive(row, content) or generations.continues(row, content):
                return row
        return None

    def known_by_content(self, content: Content, path: str) -> Checkpoint | None:
        """A generation whose own file is still there as it was read is never taken over by another file.

        That is a copy of it, or a file that began alike.
        """
        rows = self._not_held(
            row
            for row in self.family(path)
            if row.head_len and (row.device, row.inode) != content.key and generations.same_head(row, content)
        )
        # an archive can only be gone through forward
        forward = reversed(rows) if isinstance(content, Stream) else rows
        proven = [row for row in forward if generations.continues(row, content)]
        return next((row for row in sorted(proven, key=_furthest) if not self._lives_elsewhere(row)), None)

    def _not_held(self, rows: Iterable[Checkpoint]) -> list[Checkpoint]:
        """The furthest read first."""
        return sorted((row for row in rows if row.generation not in self.held), key=_furthest)

    def _lives_elsewhere(self, row: Checkpoint) -> bool:
        return any(self._is_file_of(row, place) for place in self._places(row))

    def begins_like(self, row: Checkpoint, content: Content) -> bool:
        """Whether `content` begins like a generation, of which it may hold less than the whole head."""
        head = self._heads.get(row.generation)
        if head is None:
            return generations.same_head(row, content)
        begins = content.head(len(head))
        return begins != b"" and head.startswith(begins)

    def copied_from(self, content: Content, path: str) -> Held | None:
        """Whose file begins with all that is in `content`: a copy of it, packed or not, maybe unfinished."""
        return next((held for held, one in self._originals(path) if is_copy(content, one)), None)

    def any_emptied(self, path: str) -> bool:
        """Whether a file that `path` may be a copy of was written anew, which its succession will find out next."""
        return any(
            not held.covered and not generations.continues(held.at, original)
            for held, original in self._originals(path)
        )

    def _originals(self, path: str) -> Iterator[tuple[Held, PlainFile]]:
        """One at a time: opening the next may close the one before."""
        for row in self.family(path):
            held = self.held.get(row.generation)
            if held is None or held.role is Role.LOST:
                continue
            with suppress(CannotRead):
                content = held.content or self.reopen(held)
                if isinstance(content, PlainFile):
                    yield held, content

    def name(self, held: Held, content: Content) -> None:
        """Stores what a generation of which nothing was read is known by from now on."""
        head = generations.head_of(content)
        if head:
            held.following.at = replace(held.at, head_len=len(head), head_hash=generations.digest(head))
            self._checkpoints.mark(held.at)
            self.note(held.at)

    def is_now(self, row: Checkpoint, path: str, content: Content) -> None:
        """Stores where the file of a generation is now of which nothing waits to be committed."""
        device, inode = content.key
        found = replace(row, path=path, device=device, inode=inode)
        if found != row and row.generation not in self.held:
            self._checkpoints.mark(found)
            self.note(found)

    def is_named(self, key: Key) -> bool:
        """Whether a path that is followed leads to the file of this device and inode now."""
        return any(key_of(path) == key for path in self._paths())

    def _places(self, row: Checkpoint) -> set[str]:
        lives = {str(Path(row.path).with_name(name)) for name in all_names(row.path)}
        return {row.path, *lives, *(one for live in lives for one in self.folders.siblings(live))}

    def _is_file_of(self, row: Checkpoint, path: str) -> bool:
        if key_of(path) != (row.device, row.inode):
            return False
        try:
            content = self.open(path)
        except CannotRead:
            return False
        try:
            return generations.continues(row, content)
        finally:
            content.close()


def _furthest(row: Checkpoint) -> int:
    return -row.offset


def is_copy(content: Content, original: Content) -> bool:
    """Whether all that is in `content` is in `original`, another file, too."""
    if content.key == original.key:
        return False
    return generations.begins_with(original, content, content.length())


def key_of(path: str) -> Key | None:
    """Device and inode of the file that has this name now."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _is_finished_archive(row: Checkpoint, content: Content) -> bool:
    """Nothing is added to an archive: once it was read, its head is proof enough to save unpacking it again."""
    return (
        isinstance(content, Stream)
        and row.state is GenerationState.FINISHED
        and row.head_len > 0
        and generations.same_head(row, content)
    )
