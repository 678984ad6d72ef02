"""Lines taken out of what container runtimes put around them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.sources import envelopes
from log_sentinel.sources.envelopes import Envelopes
from tests.sources.watching import Watch, append

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIME = "2026-11-24T10:00:00.123456789Z"


def docker(text: str, *, stream: str = "stdout", last: bool = True, time: str = TIME) -> bytes:
    """An entry of Docker's json-file driver, as its encoder writes it."""
    entry = {"log": text + ("\n" if last else ""), "stream": stream, "time": time}
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def cri(text: str, *, stream: str = "stdout", last: bool = True, time: str = TIME) -> bytes:
    return f"{time} {stream} {'F' if last else 'P'} {text}\n".encode()


KINDS = pytest.mark.parametrize("entry", [docker, cri])
Entry = "Callable[..., bytes]"


@KINDS
def test_lines_come_out_as_the_container_wrote_them(entry: Callable[..., bytes], tmp_path: Path) -> None:
    written = ['192.0.2.1 - - "GET /ä HTTP/1.1" 403', '{"a":"b\\"c"}', "  spaces ", "tab\there"]
    path = tmp_path / "0.log"
    path.write_bytes(b"".join(map(entry, written)))
    assert [line.encode() for line in written] == Watch(path, start="beginning").new()


@KINDS
def test_the_offset_of_a_line_is_that_of_its_first_piece(entry: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    first, half, rest, then = entry("first"), entry("half", last=False), entry(" and rest"), entry("then")
    path.write_bytes(first + half + rest + then)
    watch = Watch(path, start="beginning")
    assert [b"first", b"half and rest", b"then"] == watch.new()
    (step,) = watch.steps
    assert (0, len(first), len(first + half + rest)) == step.offsets
    assert path.stat().st_size == step.move.to.offset


@KINDS
def test_a_line_that_is_still_open_waits_for_its_last_piece_also_over_a_restart(
    entry: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(entry("first") + entry("a", last=False))
    watch = Watch(path, start="beginning")
    assert [b"first"] == watch.new()
    append(path, entry("b", last=False))
    watch.clock.step(2)
    assert [] == watch.new()
    watch.restart()
    append(path, entry("c") + entry("next"))
    assert [b"abc", b"next"] == watch.new()


@KINDS
def test_pieces_of_the_two_outputs_may_lie_between_one_another(entry: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(
        entry("out ", last=False)
        + entry("err ", last=False, stream="stderr")
        + entry("more", stream="stderr")
        + entry("and more")
        + entry("next")
    )
    assert [b"err more", b"out and more", b"next"] == Watch(path, start="beginning").new()
    assert [b"out and more", b"next"] == Watch(path, start="beginning", stream="stdout").new()
    assert [b"err more"] == Watch(path, start="beginning", stream="stderr").new()


@KINDS
def test_a_line_whose_last_piece_never_comes_does_not_hold_up_those_behind_it(
    entry: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(entry("torn", last=False, stream="stderr") + entry("one"))
    watch = Watch(path, start="beginning")
    assert [] == watch.new()
    append(path, entry("two", time="2026-11-24T10:00:11.5Z"))
    watch.clock.step(2)
    assert [b"one", b"torn", b"two"] == watch.new()


@KINDS
def test_a_rotated_file_ends_with_its_open_line_as_it_is(entry: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(entry("one") + entry("torn", last=False))
    watch = Watch(path, start="beginning")
    assert [b"one"] == watch.new()
    path.rename(tmp_path / "0.log.20261124-150405")
    path.write_bytes(entry("two"))
    watch.clock.step(2)
    # nobody waits for it: the new file is read meanwhile
    assert [b"two", b"torn"] == watch.later() + watch.later()


@KINDS
def test_a_joined_line_over_the_limit_is_counted_and_not_read(entry: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    pieces = b"".join(entry("x" * 900, last=number == 2) for number in range(3))
    path.write_bytes(entry("one") + pieces + entry("two"))
    watch = Watch(path, start="beginning", max_line_bytes=1200)
    assert [b"one", b"two"] == watch.new()
    assert [(len(entry("one")), "line longer than 1200 bytes")] == [found[:2] for found in watch.skipped()]


def test_no_more_is_held_than_may_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(envelopes, "MOST_HELD", 4096)
    monkeypatch.setattr("log_sentinel.sources.following.MOST_HELD", 4096)
    path = tmp_path / "0.log"
    path.write_bytes(cri("torn", last=False, stream="stderr") + b"".join(cri(f"line {n}") for n in range(200)))
    found = Watch(path, start="beginning").new(limit=1000)
    assert [f"line {n}".encode() for n in range(200)] == [line for line in found if line != b"torn"]


def test_what_is_no_entry_is_passed_on_for_the_parser_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    torn = b'{"log":"torn\n'
    path.write_bytes(docker("one") + torn + b'{"log":"\\ud800\\n","stream":"stdout","time":"x"}\n' + docker("two"))
    found = Watch(path, start="beginning").new()
    assert [b"one", b'{"log":"torn', b'{"log":"\\ud800\\n","stream":"stdout","time":"x"}', b"two"] == found


def test_a_newline_inside_an_entry_makes_no_second_line(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(docker('GET /a\n192.0.2.9 - - "GET /forged'))
    assert [b'GET /a 192.0.2.9 - - "GET /forged'] == Watch(path, start="beginning").new()


@pytest.mark.parametrize("line", [b'{"log":"x","status":403}', b"2026-11-24T10:00:00Z GET /", b'192.0.2.1 - "GET / "'])
def test_lines_of_gateways_that_look_alike_are_left_as_they_are(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(line + b"\n")
    watch = Watch(path, start="beginning")
    assert [line] == watch.new()
    assert [None] == [step.offsets for step in watch.steps]


def test_without_envelopes_nothing_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(cri("one"))
    assert [cri("one")[:-1]] == Watch(path, start="beginning", envelope="none").new()


pieces = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr"]), st.text(st.characters(codec="utf-8", exclude_characters="\n\r")).map(str)
    ),
    max_size=12,
)


@KINDS
@given(written=pieces, cuts=st.lists(st.integers(1, 5), max_size=30), reads=st.lists(st.integers(0, 2000), max_size=4))
def test_however_lines_are_cut_and_mixed_and_read_they_come_out_whole_and_once(
    entry: Callable[..., bytes], written: list[tuple[str, str]], cuts: list[int], reads: list[int]
) -> None:
    # each output's lines in pieces, the two outputs in turn
    queues: dict[str, list[tuple[str, bool]]] = {"stdout": [], "stderr": []}
    for stream, text in written:
        size = cuts.pop() if cuts else 100
        parts = [text[at : at + size] for at in range(0, max(1, len(text)), size)]
        queues[stream] += [(part, number == len(parts) - 1) for number, part in enumerate(parts)]
    data = b""
    while any(queues.values()):
        for stream, queue in queues.items():
            if queue:
                part, last = queue.pop(0)
                data += entry(part, stream=stream, last=last)
    kind = "docker" if entry is docker else "cri"
    found: list[tuple[int, bytes]] = []
    at = 0
    # in any number of batches, each of whole entries
    for stop in [*sorted(reads), len(data)]:
        end = data.rfind(b"\n", at, min(stop, len(data))) + 1
        if end > at:
            opened = Envelopes().opened(kind, data[at:end], at, whole=False)
            found += zip(opened.offsets, opened.data.split(b"\n"), strict=False)
            at += opened.length
    assert len(data) == at
    assert sorted(text.encode() for _, text in written if text) == sorted(line for _, line in found if line)
    assert len({offset for offset, _ in found}) == len(found)


@KINDS
@pytest.mark.parametrize("stream", ["both", "stdout", "stderr"])
@given(
    written=st.lists(
        st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(st.characters(codec="utf-8", exclude_characters="\n")))
    )
)
def test_whole_lines_are_taken_out_at_once_as_they_are_one_by_one(
    entry: Callable[..., bytes], stream: Literal["both", "stdout", "stderr"], written: list[tuple[str, str]]
) -> None:
    kind = "docker" if entry is docker else "cri"
    block = b"".join(entry(text, stream=of) for of, text in written)
    at_once = Envelopes(stream=stream).opened(kind, block, 7, whole=False)
    # a line of its own, so that not every entry is one
    one_by_one = Envelopes(stream=stream).opened(kind, block + b"no entry\n", 7, whole=False)
    assert len(block) == at_once.length
    lines = zip(at_once.offsets, at_once.data.split(b"\n"), strict=False)
    others = zip(one_by_one.offsets, one_by_one.data.split(b"\n"), strict=False)
    assert [one for one in lines if one[1]] == [one for one in others if one[1]][:-1]
