"""What is still to be read of the files that had a name before: found among the names that rotation gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import Stream
from log_sentinel.sources.held import Held, Role
from log_sentinel.sources.opening import CannotRead, PlainFile

if TYPE_CHECKING:
    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.register import Register

UNFINISHED = (GenerationState.ACTIVE, GenerationState.DRAINING)
ATTEMPTS = 3


class _Moved(Exception):  # noqa: N818 - a file went to another name while we looked
    pass


def predecessors(
    register: Register, live: str, current: Checkpoint | None, orphan: Checkpoint | None = None
) -> list[Held]:
    """Generations that had the name `live` and are to be read before the file that has it now, oldest first.

    `current` is the generation of that file, None if it is a new one. Then, and when it was empty as far as we know,
    there may be files that came and went since the last look: they are among the rotated ones, and are begun here.
    `orphan` has just lost its file to another generation. Generations of which no file is left are in the list too, as
    LOST, for the step that says so.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _search(register, live, current, orphan, patient=attempt < ATTEMPTS - 1)
        except _Moved:
            continue
    return []


def _search(
    register: Register, live: str, current: Checkpoint | None, orphan: Checkpoint | None, *, patient: bool
) -> list[Held]:
    waiting = {
        row.generation: row
        for row in register.family(live)
        if row.state in UNFINISHED
        and row.generation not in register.held
        and (current is None or row.generation != current.generation)
    }
    if orphan is not None:
        waiting[orphan.generation] = orphan
    resumed: dict[str, Held] = {}
    unseen: dict[str, Content] = {}
    # From the newest back. What is older than one that is known was rotated before that was first seen.
    known_met = current is not None and current.head_len > 0
    paths = register.folders.siblings(live)
    for path in reversed(paths):
        if known_met and not waiting:
            break
        try:
            content = register.open(path)
        except CannotRead as why:
            if why.gone and patient:
                _give_back(register, resumed, unseen)
                raise _Moved from None
            register.problems.cannot_read(why)
            continue
        row = register.recognise(content, path) if register.holder(content.key) is None else None
        if row is not None and (row.generation in waiting or _grew(row, content)):
            role = (
                Role.LEFT if (row.device, row.inode) == content.key and not isinstance(content, Stream) else Role.COPY
            )
            resumed[path] = register.take(role, _in_file(row, path, content), content)
            waiting.pop(row.generation, None)
            known_met = True
        elif row is not None or register.holder(content.key) is not None:
            content.close()
            known_met = True
        elif known_met:
            content.close()
        else:
            unseen[path] = content
    # a generation that another name has taken along is read on by that name
    lost = [
        _lost(register, row, unseen, orphan) for row in waiting.values() if not _is_under_a_name(register, row, orphan)
    ]
    for path in [one for one in paths if one in unseen]:
        row = register.begin(generations.unread(register.source, path, unseen[path]))
        role = Role.COPY if isinstance(unseen[path], Stream) else Role.LEFT
        resumed[path] = register.take(role, row, unseen[path])
    return lost + [resumed[path] for path in paths if path in resumed]


def _is_under_a_name(register: Register, row: Checkpoint, orphan: Checkpoint | None) -> bool:
    return row is not orphan and register.is_named((row.device, row.inode))


def _lost(register: Register, row: Checkpoint, unseen: dict[str, Content], orphan: Checkpoint | None) -> Held:
    """`row`, of which no file holds more. If a copy of it ends before what was read, nothing is missing."""
    for path, content in list(unseen.items()):
        if register.begins_like(row, content) and _ends_before(content, row.offset):
            # its head is stored as that of the copy: it is to be known by it after a restart
            head = content.head(row.head_len)
            row = replace(_in_file(row, path, content), head_len=len(head), head_hash=generations.digest(head))
            held = register.take(Role.COPY, row, unseen.pop(path))
            held.covered = True
            return held
    held = register.take(Role.LOST, row, None)
    missing = row.size_seen - row.offset
    if missing > 0 or row is not orphan:
        held.ends_as = GenerationState.GAP
        register.problems.tell(
            f"{row.path} (generation {row.generation})",
            f"its file is gone and no rotated copy of it was found; it was read to byte {row.offset}, "
            + (f"{missing} bytes that were seen after it are lost" if missing > 0 else "what came after that is lost"),
            "Keep at least one rotated file uncompressed (delaycompress), and name logrotate's olddir in `rotated`.",
        )
    return held


def _grew(row: Checkpoint, content: Content) -> bool:
    """Whether a finished generation was written on: its writer had kept it open."""
    return (
        row.state is GenerationState.FINISHED and isinstance(content, PlainFile) and content.stat().st_size > row.offset
    )


def _ends_before(content: Content, offset: int) -> bool:
    return len(content.read_at(offset - 1, 1)) == 0


def _in_file(row: Checkpoint, path: str, content: Content) -> Checkpoint:
    device, inode = content.key
    return replace(row, path=path, device=device, inode=inode)


def _give_back(register: Register, resumed: dict[str, Held], unseen: dict[str, Content]) -> None:
    for held in resumed.values():
        register.release(held)
    for content in unseen.values():
        content.close()
