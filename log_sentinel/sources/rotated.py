"""The names that rotation gives to files: access.log.1, access.log-20261124.gz, access.1.log, access.log.old.

Only names that a rotation makes count. `access.log.403.txt`, which somebody grepped out of the log, is no rotated log.
"""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from pathlib import Path, PurePath

from log_sentinel.sources.archives import UNPACKERS
from log_sentinel.sources.opening import cannot_read

# logrotate: `.N`, or dateext with a dateformat of digits. Others: `.old`, `.bak`. Kubernetes: `.20261124-101500`.
MARK = r"(?:[.\-_]\d[\d.\-_T:]*|\.old|\.bak)"
PACKED = "|".join(re.escape(form) for form in UNPACKERS)
AFTER = re.compile(rf"(?P<stem>.+?)(?P<mark>{MARK})?(?P<packed>{PACKED})?", re.ASCII | re.DOTALL)
INSIDE = re.compile(
    rf"(?P<stem>.+?)(?P<mark>{MARK})(?P<extension>\.[A-Za-z]+)(?P<packed>{PACKED})?", re.ASCII | re.DOTALL
)
# Two changes within one tick of the clock that stamps folders look like one: so young a stamp is not trusted.
TICK_NS = 50_000_000
# `.1` is newer than `.2`, but -20261124 is newer than -20261123.
LARGEST_NUMBER = 9999


def packing(name: str) -> str | None:
    """How a file of this name is packed: a key of UNPACKERS, or None."""
    suffix = PurePath(name).suffix
    return suffix if suffix in UNPACKERS else None


@lru_cache(maxsize=1 << 14)
def live_names(name: str) -> tuple[str, ...]:
    """The names a file called `name` may have had while it was written; `name` itself when rotation did not make it."""
    found = []
    if (after := AFTER.fullmatch(name)) and (after["mark"] or after["packed"]):
        found.append(after["stem"])
    if inside := INSIDE.fullmatch(name):
        found.append(inside["stem"] + inside["extension"])
    return tuple(found) or (name,)


def all_names(path: str) -> set[str]:
    """The name of `path` (without its folder) and those its file may have had while it was written."""
    name = Path(path).name
    return {name, *live_names(name)}


def is_rotated(path: str) -> bool:
    """Whether the name of `path` is one that rotation gives."""
    name = Path(path).name
    return live_names(name) != (name,)


class Folders:
    """Rotated files by the live names they come from. A folder is listed again when it changed."""

    def __init__(self, besides: tuple[str, ...] = ()) -> None:
        self._besides = tuple(map(Path, besides))
        self._listed: dict[Path, tuple[int, dict[str, list[str]]]] = {}
        # folders whose names we may not know: files in them are read by path, rotated ones are not found
        self.closed: set[Path] = set()

    def siblings(self, live: str) -> list[str]:
        """Paths of what rotation made of `live`, beside it and in the other folders, the oldest first.

        The order is that of the names' numbers or dates, because times of files are lost in copies; where the names
        follow several schemes, the times decide after all. An archive beside its original is not there yet.
        Raises CannotRead when a folder cannot be listed.
        """
        path = Path(live)
        found: list[tuple[int, tuple[int, ...], Path]] = []
        for folder in dict.fromkeys((path.parent, *self._besides)):
            names = self.rotated_in(folder).get(path.name, [])
            for name in names:
                packed = packing(name)
                if packed is None or name.removesuffix(packed) not in {*names, path.name}:
                    found.append((*_rank(name, path.name), folder / name))
        if len({scheme for scheme, _, _ in found}) > 1:
            return sorted((str(one) for _, _, one in found), key=_written)
        return [str(one) for _, _, one in sorted(found)]

    def rotated_in(self, folder: Path) -> dict[str, list[str]]:
        """Names of rotated files in `folder` by the names they may have had. Raises CannotRead.

        That a folder cannot be listed now (no descriptor left, a disk error) does not say that nothing is in it.
        """
        stamp = changed_at(folder)
        known = self._listed.get(folder)
        if known is None or known[0] != stamp:
            rotated: dict[str, list[str]] = {}
            for name in self._names_in(folder):
                for live in live_names(name):
                    if live != name:
                        rotated.setdefault(live, []).append(name)
            known = self._listed[folder] = (stamp, rotated)
        return known[1]

    def _names_in(self, folder: Path) -> list[str]:
        self.closed.discard(folder)
        try:
            return os.listdir(folder)  # noqa: PTH208 - names are all that is asked for, of folders with thousands of files
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            self.closed.add(folder)
            return []
        except OSError as why:
            raise cannot_read(str(folder), why) from None


def changed_at(folder: Path) -> int:
    """When the entries of `folder` last changed, in ns; if just now, another value each time; -1 when it is missing."""
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return -1
    now = time.time_ns()
    return -now if now - changed < TICK_NS else changed


def _written(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def _rank(name: str, live: str) -> tuple[int, tuple[int, ...]]:
    """Which scheme names `name`, and its place in it."""
    stem, _, extension = live.rpartition(".")
    mark = name.removeprefix(live) if name.startswith(live) else name.removeprefix(stem)
    mark = mark.removesuffix(packing(name) or "").removesuffix("." + extension)
    digits = tuple(int(part) for part in re.findall(r"\d+", mark))
    if len(digits) == 1 and digits[0] <= LARGEST_NUMBER:
        return (1, (-digits[0],))
    return (2, digits) if digits else (3, ())
