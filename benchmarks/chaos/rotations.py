"""The gateway and its log rotation: one log that is written, and the ways in which it is rotated.

A mode is what logrotate, cronolog, a container runtime or a person does to the files. The writer keeps its descriptor
until it is told to reopen, as gateways do.
"""

from __future__ import annotations

import gzip
import os
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.chaos.lines import Numbering

# Rotated files that stay for good; older ones are deleted when all that is in them is stored.
KEPT = 5
LONGEST_TAIL = 300
LONGEST_WINDOW = 50
# How long a writer may go on with the renamed file before it reopens.
REOPENS_WITHIN_SECONDS = 0.05


class WrittenLog:
    """Writes the numbered lines of one log. `note` is told what was written and rotated, after it happened.

    `stored` is how many of its lines the daemon has stored, as far as the writer was told.
    """

    def __init__(
        self, path: Path, numbering: Numbering, chance: random.Random, note: Callable[[dict[str, object]], None]
    ) -> None:
        self.path = path
        self.written = self.windowed = self.stored = 0
        self.olddir = path.with_name(f"{path.name}-old")
        self._numbering = numbering
        self._chance = chance
        self._note = note
        self._rotations = 0
        # how many lines there are up to the end of each rotated file, at most; the newest first
        self._ends: list[int] = []
        self._descriptor = -1

    def begin(self, *, linked: bool) -> None:
        if linked:
            self.path.symlink_to(self._next_target())
        self.reopen()

    def write(self, count: int) -> None:
        """Appends the next `count` lines, in pieces that end anywhere."""
        data = self._numbering.lines(range(self.written, self.written + count))
        cut = self._chance.randrange(len(data) + 1)
        self._append(data[:cut])
        self._append(data[cut:])
        os.fdatasync(self._descriptor)
        self.written += count
        self._note({"log": self._numbering.name, "lines": count})

    def reopen(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def rotate(self, mode: str) -> bool:
        """Whether it could be done now."""
        if os.fstat(self._descriptor).st_size == 0 or not MODES[mode](self):
            return False
        self._rotations += 1
        self._note({"log": self._numbering.name, "rotated": mode})
        return True

    # the modes

    def create(self) -> bool:
        self.path.rename(self._shifted())
        self._late_reopen()
        return True

    def compress(self) -> bool:
        """Without delaycompress: packed as soon as the writer has let go."""
        rotated = self._shifted()
        self.path.rename(rotated)
        self._late_reopen()
        _pack(rotated)
        return True

    def copytruncate(self) -> bool:
        shutil.copyfile(self.path, self._shifted())
        os.truncate(self.path, 0)
        return True

    def copytruncate_busy(self) -> bool:
        """What is written between copying and emptying is gone for everybody."""
        shutil.copyfile(self.path, self._shifted())
        count = self._chance.randrange(1, LONGEST_WINDOW)
        self._append(self._numbering.window_lines(range(self.windowed, self.windowed + count)))
        self.windowed += count
        self._note({"log": self._numbering.name, "window": count})
        os.truncate(self.path, 0)
        return True

    def copytruncate_compress(self) -> bool:
        copy = self._shifted()
        shutil.copyfile(self.path, copy)
        os.truncate(self.path, 0)
        _pack(copy)
        return True

    def delete(self) -> bool:
        """Deleted when all of it is stored, and made anew."""
        if self.stored < self.written:
            return False
        self.path.unlink()
        self.reopen()
        return True

    def olddir_rename(self) -> bool:
        self.olddir.mkdir(exist_ok=True)
        rotated = self.olddir / f"{self.path.name}-20260101-{self._rotations:06d}"
        self.path.rename(rotated)
        self._late_reopen()
        if self._chance.random() < 0.5:
            _pack(rotated)
        return True

    def symlink(self) -> bool:
        link = self.path.with_name("new-link")
        link.symlink_to(self._next_target())
        link.rename(self.path)
        self._late_reopen()
        return True

    def _late_reopen(self) -> None:
        if self._chance.random() < 0.7:
            self.write(self._chance.randrange(1, LONGEST_TAIL))
            time.sleep(self._chance.uniform(0, REOPENS_WITHIN_SECONDS))
            self.write(self._chance.randrange(1, LONGEST_TAIL))
        self.reopen()

    def _shifted(self) -> Path:
        """The path for the newest rotated file, after the others moved up; the oldest are deleted if they may be."""
        self._ends.insert(0, self.written + 2 * LONGEST_TAIL)
        numbered = {number: one.name for one in self.path.parent.iterdir() if (number := self._number(one.name))}
        for number in sorted(numbered, reverse=True):
            file = self.path.with_name(numbered[number])
            if number > KEPT and self._ends[number] <= self.stored:
                file.unlink()
            else:
                file.rename(self.path.with_name(numbered[number].replace(f".{number}", f".{number + 1}")))
        return self.path.with_name(f"{self.path.name}.1")

    def _number(self, name: str) -> int:
        head, _, rest = name.partition(f"{self.path.name}.")
        digits = rest.removesuffix(".gz")
        return int(digits) if not head and digits.isdigit() else 0

    def _next_target(self) -> Path:
        return self.path.with_name(f"{self.path.name}.20260101-{self._rotations:06d}")

    def _append(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


def _pack(path: Path) -> None:
    """As gzip does it: the archive grows beside its original, which is deleted at the end."""
    with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb", compresslevel=1) as packed:
        shutil.copyfileobj(plain, packed)
    path.unlink()


MODES: dict[str, Callable[[WrittenLog], bool]] = {
    "create": WrittenLog.create,
    "compress": WrittenLog.compress,
    "copytruncate": WrittenLog.copytruncate,
    "copytruncate-busy": WrittenLog.copytruncate_busy,
    "copytruncate-compress": WrittenLog.copytruncate_compress,
    "delete": WrittenLog.delete,
    "olddir": WrittenLog.olddir_rename,
    "symlink": WrittenLog.symlink,
}
