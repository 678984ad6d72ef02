"""A generation while it is looked after: its file, what is known of that, and how far its life has come."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources.archives import Stream
from log_sentinel.sources.following import Following

if TYPE_CHECKING:
    import os

    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.envelopes import Envelopes
    from log_sentinel.sources.following import Content


# A file that is there again, or written on, is taken up again all the same.
OVER = (GenerationState.FINISHED, GenerationState.GAP)


class Role(Enum):
    """LIVE: under the name that is followed. LEFT: its name belongs to another file now, or to none; it may still be
    written. COPY: a copy or an archive that nobody writes to. LOST: no file holds more of it."""

    LIVE = auto()
    LEFT = auto()
    COPY = auto()
    LOST = auto()


class Held:
    """One generation of a succession. `content` is None while its file is not open.

    `due`: a look into its file is worthwhile. `passed`: it was read to its end since its successor came.
    `ending`: nothing more will be written to it. `ended`: its last step was given out; `settled`: and is committed.
    `reopened`: it was closed and opened again by name since it was read; a rotated name may be another file's by then.
    `ends_as`: the state of that step. `deleted`: its file has no name left. `parked`: it could not be read; the next
    look tries again. `covered`: its copy ends before what was read. `proven_size`: its size when it last was what
    it is taken for.
    """

    def __init__(self, role: Role, at: Checkpoint, content: Content | None, envelopes: Envelopes, now: float) -> None:
        self.role = role
        self.path = at.path
        self.key = (at.device, at.inode)
        self.content = content
        self.following = Following(at, envelopes)
        self.size = at.size_seen
        self.due = True
        self.passed = False
        self.ending = role in (Role.COPY, Role.LOST)
        self.ended = self.settled = False
        self.ends_as = GenerationState.FINISHED
        self.reopened = False
        self.deleted = self.parked = self.covered = False
        self.proven_size = at.size_seen
        self.changed_at = now
        self._stamp = (-1, -1)

    @property
    def at(self) -> Checkpoint:
        return self.following.at

    @property
    def generation(self) -> int:
        return self.following.at.generation

    def saw(self, found: os.stat_result, now: float) -> bool:
        """Takes note of how its file stands; True when that changed. The change time cannot be set back by `touch`."""
        self.deleted = found.st_nlink == 0
        stamp = (found.st_size, found.st_ctime_ns)
        if stamp == self._stamp:
            return False
        if found.st_size != self.size:
            self.changed_at = now
        self._stamp, self.size = stamp, found.st_size
        self.due = True
        return True

    def has_moved(self) -> bool:
        """Whether its file, which is not open, has lost the name it was opened by: its inode may be another's."""
        if self.content is not None or self.role not in (Role.LIVE, Role.LEFT):
            return False
        try:
            found = Path(self.path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # nobody can tell
            return False
        return (found.st_dev, found.st_ino) != self.key

    def take_up_again(self, state: GenerationState) -> None:
        """It is not at its end after all."""
        self.due = True
        self.passed = self.ending = self.ended = self.settled = False
        self.following.at = replace(self.at, path=self.path, state=state)

    def go_back(self, stored: Checkpoint) -> None:
        """To where it stands in the store; the file it is read from stays."""
        device, inode = self.key
        size = max(stored.size_seen, self.at.size_seen)
        state = stored.state
        if state in OVER and self.role is not Role.LOST:
            # it was taken up again, of which the store knows nothing yet: stored as over, what is left would be lost
            state = GenerationState.ACTIVE if self.role is Role.LIVE else GenerationState.DRAINING
        self.following.go_back(replace(stored, path=self.path, device=device, inode=inode, size_seen=size, state=state))
        self.due = True
        self.passed = self.ended = self.settled = False
        self.ending = self.role in (Role.COPY, Role.LOST)

    def is_unknown(self) -> bool:
        """Whether there is something in a file that had no whole line yet.

        Nothing is known of it by which one could tell that it was filled, copied away and emptied since.
        """
        return self.due and self.size > 0 and self.at.head_len == 0

    def park(self) -> None:
        self.due, self.parked = False, True

    def unpark(self) -> None:
        if self.parked:
            self.due, self.parked = True, False

    def behind(self) -> int:
        """Bytes known to be unread; of an archive its packed size until it was unpacked."""
        if self.role is Role.LOST or self.ended or self.parked:
            return 0
        if isinstance(self.content, Stream) and self.content.ended:
            return max(0, self.content.seen - self.at.offset)
        return max(0, self.size - self.at.offset)

    def close(self) -> None:
        if self.content is not None:
            self.content.close()
            self.content = None
