"""Which processes have a file open for writing, as far as the kernel shows them to us (Linux: proc(5), fdinfo)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")


def processes_writing(path: Path) -> list[tuple[int, str]]:
    """Number and name of each process, this one left out; nothing where there is no /proc, or where it is not ours."""
    try:
        wanted = path.stat()
    except OSError:
        return []
    key = (wanted.st_dev, wanted.st_ino)
    pids = sorted(int(one.name) for one in PROC.glob("[0-9]*") if int(one.name) != os.getpid())
    return [(pid, _name(pid)) for pid in pids if any(_writes(pid, number) for number in _open_as(pid, key))]


def _open_as(pid: int, key: tuple[int, int]) -> Iterator[str]:
    """The descriptors under which a process has the file."""
    try:
        descriptors = os.listdir(PROC / str(pid) / "fd")  # noqa: PTH208 - a Path for each of thousands costs more
    except OSError:
        return
    for number in descriptors:
        try:
            found = (PROC / str(pid) / "fd" / number).stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == key:
            yield number


def _writes(pid: int, number: str) -> bool:
    try:
        lines = (PROC / str(pid) / "fdinfo" / number).read_text().splitlines()
    except OSError:
        return False
    flags = next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), os.O_RDONLY)
    return flags & os.O_ACCMODE != os.O_RDONLY


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "?"
