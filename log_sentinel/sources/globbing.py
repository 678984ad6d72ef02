"""Which paths a glob names now. Folders are listed again only when they changed."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

from log_sentinel.sources.rotated import changed_at

MAGIC = re.compile(r"[*?\[]")


@lru_cache(maxsize=256)
def _pattern(component: str) -> re.Pattern[str]:
    return re.compile(translate(component))


def matches(pattern: str, path: str) -> bool:
    """Whether the glob `pattern` names `path`. `**` stands for any number of folders, none too."""
    return _matches(Path(pattern).parts, Path(path).parts)


def _matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if not pattern or not path:
        return not path and all(component == "**" for component in pattern)
    if pattern[0] == "**":
        return _matches(pattern[1:], path) or _matches(pattern, path[1:])
    return _pattern(pattern[0]).match(path[0]) is not None and _matches(pattern[1:], path[1:])


class Globbing:
    """The paths `pattern` names. Without a wildcard that is `pattern` itself, whether it exists or not."""

    def __init__(self, pattern: str, exclude: tuple[str, ...] = (), *, relist_every: int = 60) -> None:
        self.pattern = pattern
        self.is_glob = MAGIC.search(pattern) is not None
        self._exclude = exclude
        self._relist_every = relist_every
        self._calls_left = 0
        self._unlisted: dict[Path, OSError] = {}
        self._folders: dict[Path, int] = {}
        self._paths: list[str] = [] if self.is_glob else [pattern]

    def paths(self) -> list[str]:
        """Sorted. Folders whose time did not move are not listed again, but for every `relist_every`th call.

        Of a folder that cannot be listed the paths that were known stay.
        """
        if self.is_glob and (self._calls_left == 0 or self._unlisted or self._changed()):
            self._calls_left = self._relist_every
            self._paths = self._list()
        self._calls_left -= 1
        return self._paths

    def unlisted(self) -> dict[Path, OSError]:
        """Folders that could not be listed the last time, and why."""
        return self._unlisted

    def listed(self) -> list[str]:
        """The paths as of the last listing."""
        return self._paths

    def folders(self) -> tuple[Path, ...]:
        """The folders in which paths may appear, as of the last listing."""
        if self.is_glob:
            return tuple(self._folders)
        return (Path(self.pattern).parent,)

    def names(self, path: str) -> bool:
        return matches(self.pattern, path) and not any(matches(glob, path) for glob in self._exclude)

    def _changed(self) -> bool:
        return any(changed_at(folder) != stamp for folder, stamp in self._folders.items())

    def _list(self) -> list[str]:
        self._folders, self._unlisted = {}, {}
        first, *rest = Path(self.pattern).parts
        found = self._below(Path(first), rest) if Path(first).is_absolute() else self._below(Path(), [first, *rest])
        return sorted(path for path in set(found) if not any(matches(glob, path) for glob in self._exclude))

    def _below(self, folder: Path, components: list[str]) -> list[str]:
        component, *rest = components
        if not MAGIC.search(component):
            below = folder / component
            return self._below(below, rest) if rest else ([str(below)] if below.exists() else [])
        stamp = changed_at(folder)
        try:
            with os.scandir(folder) as entries:
                listed = [(entry.name, entry.is_dir()) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):  # its stamp says when that changes
            listed = []
        except OSError as why:
            self._unlisted[folder] = why
            return [path for path in self._paths if Path(path).is_relative_to(folder)]
        self._folders[folder] = stamp
        found: list[str] = []
        if component == "**":
            found += self._below(folder, rest) if rest else []
            rest = components
        for name, is_folder in listed:
            if component != "**" and not (_pattern(component).match(name) and _hidden_alike(component, name)):
                continue
            if rest and is_folder:
                found += self._below(folder / name, rest)
            elif not rest and not is_folder:
                found.append(str(folder / name))
        return found


def _hidden_alike(component: str, name: str) -> bool:
    return component.startswith(".") or not name.startswith(".")
