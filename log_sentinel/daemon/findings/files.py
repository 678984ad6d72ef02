"""How far each file was read, how files ended, and whether anything rotates them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.model.lines import GenerationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from log_sentinel.store.vitals import FileSeen

# What ended longer ago says nothing of how it is now.
LOST_WITHIN = timedelta(days=1)
ROTATED_WITHIN = timedelta(days=7)
# A file of this size that was followed for so long without a rotation will fill the disk.
LARGE_BYTES, UNROTATED_FOR = 2 << 30, timedelta(days=2)


def findings(files: Collection[FileSeen], sources: Collection[str], now: datetime) -> Iterator[Finding]:
    """`files`: those that are followed, and those that ended within ROTATED_WITHIN; the oldest first."""
    for name in sources:
        mine = [file for file in files if file.source == name]
        for file in mine:
            if file.state is GenerationState.ACTIVE:
                yield Finding(State.FINE, f"source {name}", _stands(file))
        yield from _rotations(name, mine, now)
        yield from _lost(name, mine, now)


def _stands(file: FileSeen) -> str:
    return f"{file.path}: {file.offset} of {file.size_seen} bytes are stored"


def _rotations(name: str, files: list[FileSeen], now: datetime) -> Iterator[Finding]:
    ended = [file for file in files if file.state in (GenerationState.FINISHED, GenerationState.GAP) and file.offset]
    if ended:
        last = max(file.changed_at for file in ended)
        many = "1 rotation" if len(ended) == 1 else f"{len(ended)} rotations"
        says = f"{many} seen in the last {ROTATED_WITHIN.days} days, the last one ended {last:%Y-%m-%d %H:%M} UTC"
        yield Finding(State.FINE, f"source {name}", says)
        return
    for file in files:
        old = now - file.first_seen_at >= UNROTATED_FOR
        if file.state is GenerationState.ACTIVE and file.size_seen >= LARGE_BYTES and old:
            yield Finding(
                State.NOTE,
                f"source {name}",
                f"{file.path}: {file.size_seen / 1e9:.1f} GB, and no rotation was seen since "
                f"{file.first_seen_at:%Y-%m-%d} UTC",
                "Let logrotate rename it every day, or it fills the disk.",
            )


def _lost(name: str, files: list[FileSeen], now: datetime) -> Iterator[Finding]:
    for file in files:
        missing = file.size_seen - file.offset
        if file.state is GenerationState.GAP and missing > 0:
            recent = now - file.changed_at < LOST_WITHIN
            yield Finding(
                State.WRONG,
                f"source {name}",
                f"{file.path}: {missing} bytes were gone before they could be read",
                "Keep rotated files for longer (logrotate's `rotate`); rotate by renaming, not by copytruncate.",
                Notice.LOST if recent else None,
            )
