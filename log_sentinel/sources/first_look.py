"""What a source takes note of when it is looked at for the first time ever.

`start = "end"` is about what is there at that moment: everything that appears later is wanted whole. So the moment is
stored, also when nothing was there; and rotated files that are there are noted as finished, for nobody could tell them
from later ones once the live file is rotated.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.model.lines import Checkpoint, GenerationState
from log_sentinel.sources import generations
from log_sentinel.sources.generations import EMPTY, NO_GENERATION
from log_sentinel.sources.opening import CannotRead, PlainFile
from log_sentinel.sources.recognising import recognise
from log_sentinel.sources.rotated import all_names, packing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.sources.globbing import Globbing
    from log_sentinel.sources.known import Key
    from log_sentinel.sources.register import Register


def is_first_look(register: Register, globbing: Globbing) -> bool:
    """Whether nothing is stored of what `globbing` names. Another path in the settings is looked at anew."""
    return not any(
        row.path == globbing.pattern or globbing.names(str(Path(row.path).with_name(name)))
        for row in register.rows()
        for name in all_names(row.path)
    )


def take_note(register: Register, globbing: Globbing, paths: Sequence[str]) -> dict[str, tuple[Key, int]]:
    """Stores the first look. Returns for each live file that is not wanted from its beginning its key and its size."""
    from_end = register.settings.start == "end"
    unwanted = set(_rotated(register, globbing, paths))
    if from_end:
        unwanted.update(path for path in paths if packing(path) is not None)
        register.begin(
            Checkpoint(
                NO_GENERATION,
                register.source,
                globbing.pattern,
                0,
                0,
                0,
                EMPTY,
                0,
                0,
                EMPTY,
                0,
                GenerationState.FINISHED,
            )
        )
    else:
        unwanted -= set(paths)
    followed = {found[0] for path in paths if (found := _size_of(path)) is not None}
    for path in sorted(unwanted):
        # a symbolic link may lead to a file whose name is that of a rotated one
        if (found := _size_of(path)) is None or found[0] not in followed:
            _note_as_finished(register, path)
    return {path: found for path in paths if (found := _size_of(path)) is not None} if from_end else {}


def _rotated(register: Register, globbing: Globbing, paths: Sequence[str]) -> list[str]:
    """Rotated files of the names in `paths`, and of those that `globbing` names and that are not there now."""
    folders = set(globbing.folders()) | {Path(path).parent for path in paths}
    absent = {
        str(folder / live)
        for folder in folders
        for live in register.folders.rotated_in(folder)
        if globbing.names(str(folder / live))
    }
    return [one for live in absent.union(paths) for one in register.folders.siblings(live)]


def _note_as_finished(register: Register, path: str) -> None:
    try:
        content = register.open(path)
    except CannotRead as why:
        register.problems.cannot_read(why)
        return
    try:
        row = generations.unread(register.source, path, content)
        if recognise(register, content, path) is None and row.head_len:
            if isinstance(content, PlainFile):
                size = content.stat().st_size
                row = generations.stood_at(row, content, size, size)
            else:
                row = generations.all_of_archive(row)
            register.begin(replace(row, state=GenerationState.FINISHED))
    finally:
        content.close()


def _size_of(path: str) -> tuple[Key, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino), found.st_size
