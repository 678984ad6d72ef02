"""Archives: packed rotated logs, whole and damaged, and pipes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_sentinel.sources.archives import Stream, form_of, in_order, unpacked
from log_sentinel.sources.once import OncePass
from tests.lengths import times
from tests.sources.watching import MemoryCheckpoints, Watch, append, cut, lines, read_all, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def zstd(data: bytes) -> bytes:
    try:
        from compression.zstd import compress  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from backports.zstd import compress
    packed: bytes = compress(data)
    return packed


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstd,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def ingest(path: Path, store: MemoryCheckpoints) -> tuple[list[bytes], list[str]]:
    source = OncePass("once", path, store)
    got = [line for step in read_all(source, store) for line in cut(step)]
    source.close()
    return got, [problem.found for problem in source.problems()]


@pytest.mark.parametrize("form", PACK)
def test_every_form_is_known_by_its_first_bytes_and_unpacked(form: str) -> None:
    packed = PACK[form](text(*range(50_000)))
    assert form == form_of(packed)
    assert text(*range(50_000)) == b"".join(unpacked(in_order(io.BytesIO(packed)), form))


@pytest.mark.parametrize("form", PACK)
def test_members_one_after_the_other_are_one_stream(form: str) -> None:
    packed = PACK[form](text(1)) + PACK[form](b"") + PACK[form](text(2)) + bytes(512)
    assert text(1, 2) == b"".join(unpacked(in_order(io.BytesIO(packed)), form))


@pytest.mark.parametrize("form", PACK)
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=times(30, 3_000), deadline=None)
def test_a_cut_archive_gives_a_part_and_says_that_it_ends_too_early(form: str, share: float) -> None:
    whole = text(*range(3000))
    packed = PACK[form](whole)
    cut_off = packed[: max(1, int(share * len(packed)))]
    stream = Stream("x", (0, 0), lambda: unpacked(in_order(io.BytesIO(cut_off)), form))
    assert whole.startswith(stream.read_at(0, len(whole) + 1))
    assert "it is damaged (it ends in the middle)" == stream.damage


@given(at=st.integers(0, 10_000), byte=st.integers(1, 255))
@settings(max_examples=times(100, 10_000), deadline=None)
def test_a_changed_byte_is_damage_and_never_an_exception(at: int, byte: int) -> None:
    packed = bytearray(gzip.compress(text(*range(5000)), mtime=0))
    packed[at % len(packed)] ^= byte
    stream = Stream("x.gz", (0, 0), lambda: unpacked(in_order(io.BytesIO(bytes(packed))), ".gz"))
    assert len(stream.read_at(0, 1 << 20)) <= 1 << 20
    assert stream.ended


def test_a_damaged_archive_is_read_up_to_the_damage_once_and_further_when_it_is_mended(tmp_path: Path) -> None:
    path, store = tmp_path / "access.log.1.gz", MemoryCheckpoints()
    packed = gzip.compress(text(*range(20_000)))
    path.write_bytes(packed[: len(packed) // 2])
    got, told = ingest(path, store)
    assert 0 < len(got) < 20_000
    assert lines(*range(len(got))) == got
    assert ["it is damaged (it ends in the middle); it was read up to there"] == told
    assert [] == ingest(path, store)[0]
    path.write_bytes(packed)
    rest, told = ingest(path, store)
    assert lines(*range(20_000)) == got + rest
    assert [] == told


def test_what_follows_an_archive_and_is_none_is_told_about(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(text(1)) + b"garbage")
    got, told = ingest(path, MemoryCheckpoints())
    assert lines(1) == got
    assert 1 == len(told)
    assert told[0].startswith("what follows its end is no archive")


def test_a_generation_packed_before_it_was_read_to_its_end_is_read_on_in_the_archive(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(*range(100)))
    watch = Watch(log, start="beginning")
    assert 100 == len(watch.new())
    append(log, text(*range(100, 200)))
    watch.tail.close()
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    log.write_bytes(text(200))
    watch.restart()
    assert lines(*range(100, 201)) == watch.new()


def test_an_archive_that_is_still_being_packed_is_waited_for(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "access.log*", start="beginning")
    log, old, packed = (tmp_path / name for name in ("access.log", "access.log.1", "access.log.1.gz"))
    log.write_bytes(text(*range(5000)))
    assert 5000 == len(watch.new())
    log.rename(old)
    log.write_bytes(text(5000))
    assert lines(5000) == watch.new()
    whole = gzip.compress(old.read_bytes())
    packed.write_bytes(whole[:100])
    assert [] == watch.later()
    packed.write_bytes(whole)
    old.unlink()
    assert [] == watch.later()
    assert [] == watch.later()
    watch.restart()
    assert [] == watch.later()


def test_a_damaged_archive_in_a_followed_succession_is_a_gap_and_the_newer_file_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(0))
    watch = Watch(log)
    watch.new()
    append(log, text(*range(1, 20_000)))
    watch.tail.close()
    packed = gzip.compress(log.read_bytes())
    (tmp_path / "access.log.1.gz").write_bytes(packed[: len(packed) // 2])
    log.unlink()
    log.write_bytes(text(20_000))
    watch.restart()
    got = watch.new()
    assert lines(*range(1, len(got))) + lines(20_000) == got
    assert "gap" in {state for _, state, _ in watch.states()}
    assert ["it is damaged (it ends in the middle); it was read up to there"] == watch.problems()


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_takes_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(times(200, 10_000)):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + text(1))
    tracemalloc.start()
    try:
        assert lines(1) == ingest(path, MemoryCheckpoints())[0]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


@given(
    data=st.binary(max_size=5000),
    reads=st.lists(st.tuples(st.integers(0, 5200), st.integers(0, 3000)), max_size=20),
    piece=st.integers(1, 700),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_stream_read_by_offset_gives_what_the_bytes_are(
    data: bytes, reads: list[tuple[int, int]], piece: int
) -> None:
    stream = Stream("x", (0, 0), lambda: iter([data[at : at + piece] for at in range(0, len(data), piece)]))
    assert data[:1024] == stream.head(1024)
    for offset, length in reads:
        assert data[offset : offset + length] == stream.read_at(offset, length)
    assert data[:1024] == stream.head(1024)
