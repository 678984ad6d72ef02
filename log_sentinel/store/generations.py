"""Owner of `generations`: how far each file has been read.

A checkpoint moves only together with the rows read up to it, and only from where it stood: whoever read the same bytes
first has won, and the other reads on from there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from log_sentinel.model.lines import Checkpoint, GenerationState
from log_sentinel.store.sanitising import fit_text
from log_sentinel.store.tables import generations

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Row

    from log_sentinel.model.lines import Move
    from log_sentinel.store.engine import Database


class Superseded(Exception):
    """The stored checkpoint is not where the batch begins. `found` is where it is, None when the store forgot it.

    Nothing was stored. Read the checkpoints again and go on from there.
    """

    def __init__(self, generation: int, expected: int, found: int | None) -> None:
        super().__init__(f"generation {generation}: the batch begins at byte {expected}, the checkpoint is at {found}")
        self.generation = generation
        self.expected = expected
        self.found = found


def move(connection: Connection, step: Move, now: datetime) -> None:
    """Moves a checkpoint as `step` says, within the caller's transaction. Raises Superseded.

    The update's row lock also holds off another session that would move the same checkpoint.
    """
    to = step.to
    moved = connection.execute(
        update(generations)
        .where(generations.c.id == to.generation, generations.c.offset == step.start)
        .values(**_columns(to), changed_at=now)
    )
    if moved.rowcount != 1:
        found = connection.scalar(select(generations.c.offset).where(generations.c.id == to.generation))
        raise Superseded(to.generation, step.start, found)


class StoredCheckpoints:
    """The checkpoints of one instance's sources (sources.checkpoints.Checkpoints)."""

    def __init__(self, db: Database, instance: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._db = db
        self._instance = instance
        self._clock = clock

    def known(self, source: str) -> list[Checkpoint]:
        """Every generation of `source`, as far as it is committed, oldest first."""
        rows = (
            select(generations)
            .where(generations.c.instance == self._instance, generations.c.source == source)
            .order_by(generations.c.id)
        )
        with self._db.read() as connection:
            return [_checkpoint(row) for row in connection.execute(rows)]

    def begin(self, checkpoint: Checkpoint) -> Checkpoint:
        """Stores a generation never seen before; the checkpoint with the id it got."""
        now = self._clock()
        row = _columns(checkpoint) | {
            "instance": self._instance,
            "source": checkpoint.source,
            "first_seen_at": now,
            "changed_at": now,
        }
        with self._db.write() as connection:
            number = connection.scalar(insert(generations).values(**row).returning(generations.c.id))
        return replace(checkpoint, generation=int(number or 0))

    def mark(self, checkpoint: Checkpoint) -> None:
        """Stores another path, head or state of a generation; its offset moves with lines only.

        Raises Superseded when lines before `checkpoint.offset` are not committed: a file must not be called finished
        while some of its lines are only in memory.
        """
        columns = _columns(checkpoint)
        unmoved = {name: columns[name] for name in columns.keys() - {"offset", "tail_len", "tail_hash"}}
        with self._db.write() as connection:
            marked = connection.execute(
                update(generations)
                .where(generations.c.id == checkpoint.generation, generations.c.offset == checkpoint.offset)
                .values(**unmoved, changed_at=self._clock())
            )
            if marked.rowcount != 1:
                found = connection.scalar(select(generations.c.offset).where(generations.c.id == checkpoint.generation))
                raise Superseded(checkpoint.generation, checkpoint.offset, found)


def _columns(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "path": fit_text(checkpoint.path),
        "device": _signed(checkpoint.device),
        "inode": _signed(checkpoint.inode),
        "head_len": checkpoint.head_len,
        "head_hash": checkpoint.head_hash,
        "offset": checkpoint.offset,
        "tail_len": checkpoint.tail_len,
        "tail_hash": checkpoint.tail_hash,
        "size_seen": checkpoint.size_seen,
        "state": checkpoint.state.value,
    }


def _checkpoint(row: Row[Any]) -> Checkpoint:
    return Checkpoint(
        generation=row.id,
        source=row.source,
        path=row.path,
        device=_unsigned(row.device),
        inode=_unsigned(row.inode),
        head_len=row.head_len,
        head_hash=row.head_hash,
        offset=row.offset,
        tail_len=row.tail_len,
        tail_hash=row.tail_hash,
        size_seen=row.size_seen,
        state=GenerationState(row.state),
    )


def _signed(number: int) -> int:
    """An unsigned 64 bit number (some file systems use the upper half for inodes) as a database's signed one."""
    return number - (1 << 64) if number >> 63 else number


def _unsigned(number: int) -> int:
    return number + (1 << 64) if number < 0 else number
