"""How much lies unread under a name while nobody looks: the reading thread waits, and files grow all the same.

Asked from other threads. It opens nothing, changes nothing, and lets a file that it cannot see stand as it was last
seen. What came and went under the name since the last look is not in it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from log_sentinel.sources.held import Role
from log_sentinel.sources.opening import CannotRead, PlainFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.sources.held import Held


def unread(path: str, files: Sequence[Held]) -> int:
    """Bytes on the disk now that nobody has read of `files` and of whatever else has the name `path`."""
    known = {held.key for held in files}
    found = _found(path) if path else None
    newcomer = found is not None and (found.st_dev, found.st_ino) not in known
    return sum(map(_unread_of, files)) + (found.st_size if found is not None and newcomer else 0)


def _unread_of(held: Held) -> int:
    if held.role not in (Role.LIVE, Role.LEFT) or held.parked:
        return held.behind()
    found = _stands(held)
    # its descriptor may have been closed and its number given to another file meanwhile
    if found is None or (found.st_dev, found.st_ino) != held.key:
        return held.behind()
    offset = held.at.offset
    # it was emptied, and holds something else
    return found.st_size - offset if found.st_size >= offset else found.st_size


def _stands(held: Held) -> os.stat_result | None:
    content = held.content
    if not isinstance(content, PlainFile):
        return _found(held.path)
    try:
        return content.stat()
    except CannotRead:
        return None


def _found(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - as in Succession: there may be thousands
    except OSError:
        return None
