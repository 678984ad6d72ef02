"""Which known generation a file holds, and which file is a copy of another."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from log_sentinel.model.lines import GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.archives import Stream
from log_sentinel.sources.held import Role
from log_sentinel.sources.opening import CannotRead, PlainFile
from log_sentinel.sources.register import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.following import Content
    from log_sentinel.sources.held import Held
    from log_sentinel.sources.register import Register


def recognise(register: Register, content: Content, path: str) -> Checkpoint | None:
    """The known generation that `content` holds and nobody reads; None when it is a new one.

    A generation of which nothing but the inode is known comes last: the inode may be another file's by now.
    """
    own = known_by_inode(register, content)
    if own is not None and own.head_len:
        return own
    return known_by_content(register, content, path) or own


def known_by_inode(register: Register, content: Content) -> Checkpoint | None:
    own = _not_held(register, register.with_key(content.key))
    for row in own:
        if _is_finished_archive(row, content) or generations.continues(row, content):
            return row
    return None


def known_by_content(register: Register, content: Content, path: str) -> Checkpoint | None:
    """A generation whose own file is still there as it was read is never taken over by another file.

    That is a copy of it, or a file that began alike.
    """
    family = [
        row
        for row in register.family(path)
        if row.head_len and (row.device, row.inode) != content.key and generations.same_head(row, content)
    ]
    rows = _not_held(register, family)
    # an archive can only be gone through forward
    forward = reversed(rows) if isinstance(content, Stream) else rows
    proven = [row for row in forward if generations.continues(row, content)]
    return next((row for row in sorted(proven, key=_furthest) if not _lives_elsewhere(register, row)), None)


def _not_held(register: Register, rows: Iterable[Checkpoint]) -> list[Checkpoint]:
    """The furthest read first."""
    return sorted((row for row in rows if row.generation not in register.held), key=_furthest)


def _lives_elsewhere(register: Register, row: Checkpoint) -> bool:
    return any(_is_file_of(register, row, place) for place in register.places(row))


def copied_from(register: Register, content: Content, path: str) -> Held | None:
    """Whose file begins with all that is in `content`: a copy of it, packed or not, maybe unfinished."""
    return next((held for held, one in _originals(register, path) if is_copy(content, one)), None)


def any_emptied(register: Register, path: str) -> bool:
    """Whether a file that `path` may be a copy of was written anew or lost its name.

    Its succession has not found that out yet; until then nobody can tell what `path` is.
    """
    held = [one for row in register.family(path) if (one := register.held.get(row.generation)) is not None]
    if any(one.has_moved() for one in held):
        return True
    return any(
        not one.covered and not generations.continues(one.at, original) for one, original in _originals(register, path)
    )


def _originals(register: Register, path: str) -> Iterator[tuple[Held, PlainFile]]:
    """One at a time: opening the next may close the one before."""
    for row in register.family(path):
        held = register.held.get(row.generation)
        if held is None or held.role is Role.LOST:
            continue
        with suppress(CannotRead):
            content = held.content or register.reopen(held)
            if isinstance(content, PlainFile):
                yield held, content


def _is_file_of(register: Register, row: Checkpoint, path: str) -> bool:
    if key_of(path) != (row.device, row.inode):
        return False
    try:
        content = register.open(path)
    except CannotRead:
        return False
    try:
        return generations.continues(row, content)
    finally:
        content.close()


def _furthest(row: Checkpoint) -> tuple[int, int]:
    """Of those that were not read, the ones of which something is known come first."""
    return -row.offset, -row.head_len


def is_copy(content: Content, original: Content) -> bool:
    """Whether all that is in `content` is in `original`, another file, too."""
    if content.key == original.key:
        return False
    return generations.begins_with(original, content, content.length())


def _is_finished_archive(row: Checkpoint, content: Content) -> bool:
    """Nothing is added to an archive: once it was read, its head is proof enough to save unpacking it again."""
    return (
        isinstance(content, Stream)
        and row.state is GenerationState.FINISHED
        and row.head_len > 0
        and generations.same_head(row, content)
    )
