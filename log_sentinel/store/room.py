"""Room on the disk of an SQLite database.

Once the disk is full SQLite can neither move its WAL nor delete: nothing we do frees space any more. So the ingest
stops at a floor, before that (the log files keep the lines), while the small writes of detection and delivery go on;
and a ballast file can be let go when something else has filled the disk.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from log_sentinel.store.faults import DatabaseUnavailable

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1024 * 1024
BALLAST_BYTES = 16 * MEGABYTE


class Room:
    """The disk of the database at `path`; with no path (Postgres) there is always room.

    `floor_bytes` must stay free for the ingest to go on: twice what the WAL may hold, or what the settings say.
    """

    def __init__(self, path: Path | None, url: str, floor_bytes: int) -> None:
        self.floor_bytes = floor_bytes
        self._path = path
        self._url = url
        self._ballast = None if path is None else path.with_name(path.name + ".ballast")

    def free_bytes(self) -> int | None:
        """What an unprivileged process may still write; None on Postgres."""
        if self._path is None:
            return None
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize

    def check(self) -> None:
        """Raises DatabaseUnavailable when less than the floor is free."""
        free = self.free_bytes()
        if free is not None and free < self.floor_bytes:
            raise DatabaseUnavailable(
                self._url,
                f"{free // MEGABYTE} MB are free on its disk; reading goes on at {self.floor_bytes // MEGABYTE} MB. "
                "Free some space; nothing is lost, the log files keep the lines.",
            )

    def keep_ballast(self) -> None:
        """Sets 16 MB aside, unless they are or the disk has less than twice the floor free."""
        free = self.free_bytes()
        if self._ballast is None or free is None or free < 2 * self.floor_bytes + BALLAST_BYTES:
            return
        try:
            file = os.open(self._ballast, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return
        try:
            os.posix_fallocate(file, 0, BALLAST_BYTES)
        except OSError as error:
            self._ballast.unlink()
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EOPNOTSUPP, errno.EINVAL):
                raise
        finally:
            os.close(file)

    def drop_ballast(self) -> bool:
        """Gives the 16 MB back; whether they were there."""
        if self._ballast is None or not self._ballast.exists():
            return False
        self._ballast.unlink(missing_ok=True)
        return True
