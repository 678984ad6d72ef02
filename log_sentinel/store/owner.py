"""Who may read the logs of one instance into a database: one process.

SQLite: a lock on a file beside the database (flock). The kernel lets go of it however the process ends; the process id
in it is for messages only. The folder must be on a local disk: NFS may grant such a lock twice.
Postgres: a session's advisory lock on a connection of its own. Should the server drop that connection while we run, the
checkpoints still keep two readers from storing a line twice; the lock only tells people early. Any role can take such a
lock, so one that another role holds is nobody's.
"""

from __future__ import annotations

import fcntl
import os
import socket
from typing import TYPE_CHECKING

from sqlalchemy import text

from log_sentinel.store.faults import DatabaseBroken, in_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from log_sentinel.store.engine import Database


class Owned(Exception):
    """Another process reads into this database as this instance; `holder` says which, as far as we can tell."""

    def __init__(self, url: str, instance: str, holder: str) -> None:
        super().__init__(
            f"{url}: in use by {holder} as instance {instance}; one process reads into it at a time. "
            "Stop that one first, or give this one another database or another instance name."
        )
        self.holder = holder


class Ownership:
    """Held until `release` or the end of the process."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def release(self) -> None:
        """Lets another process in. Safe to call twice."""
        release, self._release = self._release, lambda: None
        release()


def own(db: Database, instance: str) -> Ownership:
    """Makes this process the owner. Raises Owned, StoreError."""
    if db.path is not None:
        return _own_file(db, db.path.with_name(db.path.name + ".lock"), instance)
    return _own_session(db, instance)


def _own_file(db: Database, path: Path, instance: str) -> Ownership:
    try:
        # not truncated before we hold it: the holder's id stands in it; not followed: a link could name any file
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise in_words(error, db.redacted_url) or error from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 200, 0).decode(errors="replace").strip()
        os.close(file)
        raise Owned(db.redacted_url, instance, holder or "another process") from None
    except OSError as error:
        os.close(file)
        raise DatabaseBroken(
            db.redacted_url, f"its folder does not support locks ({os.strerror(error.errno or 0)}). Use a local disk."
        ) from error
    os.ftruncate(file, 0)
    os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    return Ownership(lambda: os.close(file))


# Both halves of a session's advisory lock: a name of ours, and the instance
LOCK = "hashtext('log-sentinel instance'), hashtext(:instance)"


HOLDER = text(
    "SELECT a.pid, coalesce(host(a.client_addr), 'the same host') AS host, a.application_name AS name "
    "FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.database = a.datid AND l.objsubid = 2 "
    "AND a.usename = current_user "
    "AND l.classid = (hashtext('log-sentinel instance')::bigint & 4294967295)::oid "
    "AND l.objid = (hashtext(:instance)::bigint & 4294967295)::oid"
)


def _own_session(db: Database, instance: str) -> Ownership:
    connection = db.session()
    asked = {"instance": instance}
    if connection.scalar(text(f"SELECT pg_try_advisory_lock({LOCK})"), asked):
        return Ownership(connection.close)
    holder = connection.execute(HOLDER, asked).first()
    if holder is None:
        return Ownership(connection.close)
    connection.close()
    raise Owned(db.redacted_url, instance, f"{holder.name} on {holder.host} (server process {holder.pid})")
