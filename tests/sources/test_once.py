"""One pass over files and pipes: the same content never adds anything twice."""

from __future__ import annotations

import gzip
import io
import os
from typing import TYPE_CHECKING

import pytest

from log_sentinel.sources.following import REST_OF_A_LINE
from log_sentinel.sources.once import OncePass
from log_sentinel.sources.opening import CannotRead
from tests.sources.watching import MemoryCheckpoints, append, cut, lines, read_all, text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store() -> MemoryCheckpoints:
    return MemoryCheckpoints()


def ingest(path: Path, store: MemoryCheckpoints, limit: int = 1 << 22) -> list[bytes]:
    source = OncePass("once", path, store)
    try:
        return [line for step in read_all(source, store, limit) for line in cut(step)]
    finally:
        source.close()


def pipe(data: bytes, store: MemoryCheckpoints) -> list[bytes]:
    source = OncePass("once", "-", store, io.BytesIO(data))
    return [line for step in read_all(source, store) for line in cut(step)]


def test_a_file_is_read_once(tmp_path: Path, store: MemoryCheckpoints) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(*range(3000)))
    assert lines(*range(3000)) == ingest(log, store, 1000)
    assert [] == ingest(log, store)
    append(log, text(3000))
    assert lines(3000) == ingest(log, store)


def test_a_file_that_was_renamed_packed_or_moved_is_still_the_same(tmp_path: Path, store: MemoryCheckpoints) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(*range(3000)))
    ingest(log, store)
    append(log, text(3000))
    rotated = log.rename(tmp_path / "access.log.1")
    assert lines(3000) == ingest(rotated, store)
    packed = tmp_path / "copy"
    packed.write_bytes(gzip.compress(rotated.read_bytes() + text(3001)))
    rotated.unlink()
    assert lines(3001) == ingest(packed, store)
    assert [] == ingest(packed, store)


def test_a_copy_adds_nothing_and_a_longer_file_that_begins_alike_is_another(
    tmp_path: Path, store: MemoryCheckpoints
) -> None:
    one, same, longer = (tmp_path / name for name in ("one", "same", "longer"))
    one.write_bytes(text(1))
    same.write_bytes(text(1))
    longer.write_bytes(text(1, 2))
    assert lines(1) == ingest(one, store)
    assert [] == ingest(same, store)
    assert lines(1, 2) == ingest(longer, store)
    assert [] == ingest(one, store) + ingest(same, store) + ingest(longer, store)


def test_a_pipe_adds_only_what_it_did_not_bring_before(store: MemoryCheckpoints) -> None:
    assert lines(*range(3000)) == pipe(text(*range(3000)), store)
    assert [] == pipe(text(*range(3000)), store)
    assert lines(3000) == pipe(text(*range(3001)), store)
    assert [] == pipe(text(*range(100)), store)
    assert lines(7) == pipe(text(7), store)


def test_a_pipe_of_what_was_read_as_an_archive_adds_nothing(tmp_path: Path, store: MemoryCheckpoints) -> None:
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(text(*range(3000))))
    assert 3000 == len(ingest(packed, store))
    assert [] == pipe(text(*range(3000)), store)
    assert [] == pipe(packed.read_bytes(), store)


def test_a_pipe_that_begins_alike_and_then_differs_is_refused_before_anything_is_lost(store: MemoryCheckpoints) -> None:
    head = text(*range(200))
    pipe(head + text(1000, 1001), store)
    with pytest.raises(CannotRead) as refused:
        pipe(head + text(2000, 2001, 2002), store)
    assert (
        "-: it begins like something that was read before, then differs, and a pipe cannot be read twice. "
        "Save it to a file and ingest that."
    ) == str(refused.value)


def test_a_pipe_of_the_system_gives_its_lines_and_counts_its_bytes(store: MemoryCheckpoints) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream:
        source = OncePass("once", "-", store, stream)
        with os.fdopen(writing, "wb") as writer:
            writer.write(text(1, 2))
        assert lines(1, 2) == [line for step in read_all(source, store) for line in cut(step)]
        assert (None, 22) == (source.size, source.position)


def test_a_last_line_without_newline_counts_and_its_rest_does_not(tmp_path: Path, store: MemoryCheckpoints) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(1) + b"half")
    assert [*lines(1), b"half"] == ingest(log, store)
    append(log, b" and half\n" + text(2))
    source = OncePass("once", log, store)
    steps = read_all(source, store)
    assert lines(2) == [line for step in steps for line in cut(step)]
    assert [(15, REST_OF_A_LINE, b" and half")] == [one for step in steps for one in step.skipped]


def test_progress_is_told_in_bytes_on_the_disk(tmp_path: Path, store: MemoryCheckpoints) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_bytes(text(*range(3000)))
    packed.write_bytes(gzip.compress(text(*range(3000, 6000))))
    for path in (plain, packed):
        source = OncePass("once", path, store)
        assert (path.stat().st_size, 0) == (source.size, source.position) or path == packed
        read_all(source, store)
        assert (path.stat().st_size, path.stat().st_size) == (source.size, source.position)
        assert 0 == source.behind()
        assert source.caught_up


def test_what_cannot_be_read_is_refused_at_once_with_what_to_do(tmp_path: Path, store: MemoryCheckpoints) -> None:
    with pytest.raises(CannotRead, match="there is no such file"):
        OncePass("once", tmp_path / "missing", store)
    with pytest.raises(CannotRead, match="is a directory; only regular files are followed"):
        OncePass("once", tmp_path, store)
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(CannotRead, match="is binary"):
        OncePass("once", tmp_path / "binary", store)


def test_an_empty_file_is_told_about(tmp_path: Path, store: MemoryCheckpoints) -> None:
    (tmp_path / "empty").touch()
    source = OncePass("once", tmp_path / "empty", store)
    assert [] == read_all(source, store)
    assert ["is empty"] == [problem.found for problem in source.problems()]
    assert {} == store.rows


def test_a_failed_commit_is_read_again(tmp_path: Path, store: MemoryCheckpoints) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(1, 2))
    source = OncePass("once", log, store)
    assert source.read(100) is not None
    source.rewind()
    assert lines(1, 2) == [line for step in read_all(source, store) for line in cut(step)]


def test_a_pipe_that_cannot_be_read_again_says_so(store: MemoryCheckpoints) -> None:
    source = OncePass("once", "-", store, io.BytesIO(text(*range(3000))))
    while source.read(5000) is not None:
        pass
    with pytest.raises(CannotRead, match="a pipe cannot be read twice"):
        source.rewind()
