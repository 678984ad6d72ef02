"""A gateway whose disk is full writes a part of a line, and goes on in the middle of it when there is room again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.daemon.test_ingest import Running, line, requests, stored
from tests.store.small_disk import small_disk

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.store.engine import Database

PAGE_BYTES = 4096


def test_a_line_torn_by_a_full_disk_is_rejected_with_the_one_glued_to_it_and_the_next_are_fine(
    database: Database, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "logs", megabytes=1) as disk:
        log = disk.folder / "access.log"
        gateway = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        whole = 0
        # up to some bytes before the end of a page: they fit on the full disk, and no more
        while log.stat().st_size + 2 * len(line(100)) < PAGE_BYTES:
            os.write(gateway, line(100 + whole).encode())
            whole += 1
        os.write(gateway, line(100 + whole, 200).encode())
        disk.fill()
        torn = line(700).encode()
        written = os.write(gateway, torn)
        assert 0 < written < len(torn), "nothing was torn"
        disk.free()
        with Running(database, log) as running:
            running.until(lambda: len(stored(database)) == whole)
            os.write(gateway, line(701).encode() + line(702).encode())
            os.close(gateway)
            running.until(lambda: len(stored(database)) == whole + 1)

        assert "/n/702" in stored(database)
        assert not {"/n/700", "/n/701"} & set(stored(database))
        assert requests(database) == whole + 2
        assert 1 == running.tally.rejects.total()
