"""The register of a source's generations: which are known, which are held, and how many files that keeps open."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import unpacked_file
from log_sentinel.sources.envelopes import envelopes_of
from log_sentinel.sources.held import OVER, Held, Role
from log_sentinel.sources.known import Key, Known
from log_sentinel.sources.opening import CannotRead, PlainFile
from log_sentinel.sources.problems import Problems
from log_sentinel.sources.rotated import Folders, all_names, packing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.settings import FileSource

MOST_OPEN, FEWEST_OPEN = 64, 4
# How many files are looked at for one that can be closed, before one more than allowed is opened.
MOST_TRIED = 8


def open_files_allowed() -> int:
    """A quarter of what the process may open, MOST_OPEN at most: the database and the network need theirs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(FEWEST_OPEN, min(MOST_OPEN, soft // 4))


class Register(Known):
    """`paths` gives what is followed now; `clock` is monotonic, in seconds."""

    def __init__(
        self,
        source: str,
        settings: FileSource,
        checkpoints: Checkpoints,
        clock: Callable[[], float],
        paths: Callable[[], Iterable[str]],
    ) -> None:
        super().__init__(source, checkpoints)
        self._paths = paths
        self.settings = settings
        self.clock = clock
        self.hold_rotated = settings.hold_rotated.total_seconds()
        self.problems = Problems(clock)
        self._envelopes = envelopes_of(settings)
        self.folders = Folders(settings.rotated)
        self.held: dict[int, Held] = {}
        self._holders: dict[Key, Held] = {}
        self._heads: dict[int, bytes] = {}
        # the least recently read first
        self._opened: dict[int, Held] = {}
        self._allowed = open_files_allowed()

    # held and open

    def take(self, role: Role, row: Checkpoint, content: Content | None) -> Held:
        if row.state in OVER and role in (Role.LEFT, Role.COPY):
            row = replace(row, state=GenerationState.DRAINING)
        held = Held(role, row, content, self._envelopes, self.clock())
        if role is not Role.LOST and row.generation in self._rows:
            self.problems.solved(place_of(self._rows[row.generation]))
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
        held.reopened = held.role is Role.LEFT
        self._opened[held.generation] = held
        return content

    def _close(self, held: Held) -> None:
        held.close()
        self._opened.pop(held.generation, None)

    def _can_be_closed(self, held: Held) -> bool:
        """Whether its file can be found again by name."""
        if held.role is Role.LEFT:
            found = next((place for place in self.places(held.at) if key_of(place) == held.key), None)
            held.path = found or held.path
            return found is not None
        return held.role is Role.LIVE

    def begins_like(self, row: Checkpoint, content: Content) -> bool:
        """Whether `content` begins like a generation, of which it may hold less than the whole head."""
        head = self._heads.get(row.generation)
        if head is None:
            return generations.same_head(row, content)
        begins = content.head(len(head))
        return begins != b"" and head.startswith(begins)

    def name(self, held: Held, content: Content) -> None:
        """Stores what a generation of which nothing was read is known by from now on."""
        head = generations.head_of(content)
        if head:
            held.following.at = replace(held.at, head_len=len(head), head_hash=generations.digest(head))
            self.mark(held.at)

    def is_now(self, row: Checkpoint, path: str, content: Content) -> None:
        """Stores where the file of a generation is now of which nothing waits to be committed."""
        device, inode = content.key
        found = replace(row, path=path, device=device, inode=inode)
        if found != row and row.generation not in self.held:
            self.mark(found)

    def is_named(self, key: Key) -> bool:
        """Whether a path that is followed leads to the file of this device and inode now."""
        return any(key_of(path) == key for path in self._paths())

    def places(self, row: Checkpoint) -> set[str]:
        lives = {str(Path(row.path).with_name(name)) for name in all_names(row.path)}
        return {row.path, *lives, *(one for live in lives for one in self.folders.siblings(live))}


def place_of(row: Checkpoint) -> str:
    """How a generation without a file is called in problems."""
    return f"{row.path} (generation {row.generation})"


def key_of(path: str) -> Key | None:
    """Device and inode of the file that has this name now."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)
