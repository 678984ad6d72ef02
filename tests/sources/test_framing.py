"""Messages out of streams, however they are cut into pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.sources.framing import Framing

LONGEST = 50
messages = st.lists(st.binary(max_size=80).map(lambda text: b"<13>" + text.replace(b"\n", b"")), max_size=8)
cuts = st.lists(st.integers(1, 30), max_size=40)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found = []
    for size in [*sizes, len(data)]:
        found.append(data[:size])
        data = data[size:]
    return [piece for piece in found if piece]


def taken(framing: Framing, sent: list[bytes]) -> list[tuple[bytes, bool]]:
    found = [message for piece in sent for message in framing.take(piece)]
    return [(message if whole else b"", whole) for message, whole in [*found, *framing.end()]]


def expected(sent: list[bytes]) -> list[tuple[bytes, bool]]:
    return [(one, True) if len(one) <= LONGEST else (b"", False) for one in sent]


@given(messages, cuts, st.sampled_from([b"", b"\n"]))
def test_lines_come_out_whole_and_those_too_long_are_told_once(sent: list[bytes], sizes: list[int], end: bytes) -> None:
    data = b"\n".join(sent) + (end if sent else b"")
    assert expected(sent) == taken(Framing(LONGEST), pieces(data, sizes))


@given(messages, cuts)
def test_messages_with_their_length_before_them_may_hold_newlines(sent: list[bytes], sizes: list[int]) -> None:
    sent = [one + b"\nx" for one in sent]
    data = b"".join(b"%d %b" % (len(one), one) for one in sent)
    assert expected(sent) == taken(Framing(LONGEST, counts=True), pieces(data, sizes))


@given(messages, cuts, st.data())
def test_both_kinds_may_follow_one_another_in_one_stream(
    sent: list[bytes], sizes: list[int], data: st.DataObject
) -> None:
    framed = [b"%d %b" % (len(one), one) if data.draw(st.booleans()) else one + b"\n" for one in sent]
    assert expected(sent) == taken(Framing(LONGEST, counts=True), pieces(b"".join(framed), sizes))


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_whatever_comes_is_held_only_so_far(sent: list[bytes]) -> None:
    framing = Framing(LONGEST, counts=True)
    for piece in sent:
        for message, _ in framing.take(piece):
            assert len(message) <= max(LONGEST, 200)
        assert len(framing._rest) <= LONGEST + 12


def test_a_line_that_begins_with_a_number_is_no_count() -> None:
    found = taken(Framing(100, counts=True), [b"198.51.100.1 - -\n7 dwarfs\n"])
    assert [(b"198.51.100.1 - -", True), (b"7 dwarfs", True)] == found


def test_a_message_whose_sender_goes_in_the_middle_is_cut_off() -> None:
    assert [(b"", False)] == taken(Framing(100, counts=True), [b"20 <13>half"])
