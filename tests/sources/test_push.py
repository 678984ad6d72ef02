"""What a push source holds, gives out, answers and takes back, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.sources.push import Behind, Closed, Push
from log_sentinel.sources.settings import PushSource
from tests.sources.watching import CHUNK, MemoryCheckpoints, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.model.lines import Lines
    from log_sentinel.sources.push import Delivery


class Posted:
    """A push source, and a store that knows which entries are committed."""

    def __init__(self, most: int = 1024) -> None:
        self.store = MemoryCheckpoints()
        self.seen: set[str] = set()
        self.woken = 0
        settings = PushSource(type="push", max_body_bytes=most)
        self.push = Push("kong", settings, self.store, self._unseen, self._wake)

    def post(self, *lines: bytes) -> Delivery:
        size = sum(map(len, lines))
        self.push.hold(size)
        return self.push.deliver(list(lines), size)

    def commit(self, step: Lines | None) -> None:
        assert step is not None
        assert not self.seen.intersection(step.entries), "an entry was given out that is committed"
        self.store.commit(step)
        self.seen.update(step.entries)
        self.push.committed()

    def _unseen(self, entries: Sequence[str]) -> list[str]:
        return [name for name in dict.fromkeys(entries) if name not in self.seen]

    def _wake(self) -> None:
        self.woken += 1


def test_a_delivery_is_answered_once_it_is_committed_and_not_before() -> None:
    posted = Posted()
    delivery = posted.post(b"one", b"two")
    step = posted.push.read(CHUNK)
    assert step is not None
    assert (1, [b"one", b"two"], 2) == (posted.woken, cut(step), len(step.entries))
    assert not delivery.stored.done()
    posted.commit(step)
    assert 2 == delivery.stored.result(timeout=0)
    assert 0 == posted.push.behind()


def test_offsets_go_on_where_the_last_start_ended() -> None:
    posted = Posted()
    posted.post(b"one")
    posted.commit(posted.push.read(CHUNK))
    again = Push("kong", posted.push.settings, posted.store, list, lambda: None)
    again.deliver([b"two"], 0)
    step = again.read(CHUNK)
    assert step is not None
    assert (1, 4, 8) == (step.move.to.generation, step.move.start, step.move.to.offset)


def test_an_entry_that_is_committed_is_left_out_and_its_sender_answered_at_once() -> None:
    posted = Posted()
    posted.post(b"one")
    posted.commit(posted.push.read(CHUNK))
    retry = posted.post(b"one")
    assert posted.push.read(CHUNK) is None
    assert 0 == retry.stored.result(timeout=0)


def test_a_retry_of_what_is_on_its_way_waits_until_that_is_committed() -> None:
    posted = Posted()
    first = posted.post(b"one")
    step = posted.push.read(CHUNK)
    retry = posted.post(b"one")
    empty = posted.push.read(CHUNK)
    assert empty is not None
    assert b"" == empty.data
    assert not retry.stored.done()
    posted.commit(step)
    assert first.stored.done()
    assert not retry.stored.done()
    posted.commit(empty)
    assert 0 == retry.stored.result(timeout=0)


def test_after_a_rewind_everything_not_committed_is_given_out_again_and_what_is_committed_is_not() -> None:
    posted = Posted()
    stored, lost = posted.post(b"one"), posted.post(b"two")
    step = posted.push.read(3)
    assert step is not None
    posted.push.read(CHUNK)
    # committed, but nobody heard that it was
    posted.store.commit(step)
    posted.seen.update(step.entries)
    posted.push.rewind()
    again = posted.push.read(CHUNK)
    assert again is not None
    assert [b"two"] == cut(again)
    posted.commit(again)
    assert (0, 1) == (stored.stored.result(timeout=0), lost.stored.result(timeout=0))


def test_two_deliveries_alike_in_one_step_are_stored_once() -> None:
    posted = Posted()
    both = [posted.post(b"one"), posted.post(b"one")]
    posted.commit(posted.push.read(CHUNK))
    assert [1, 0] == [one.stored.result(timeout=0) for one in both]


def test_no_more_is_held_than_two_of_the_largest_bodies() -> None:
    posted = Posted(most=1024)
    posted.push.hold(2000)
    with pytest.raises(Behind):
        posted.push.hold(49)
    posted.push.let_go(2000)
    posted.push.hold(49)


def test_a_sender_that_waits_no_more_gives_its_room_back() -> None:
    posted = Posted()
    delivery = posted.post(b"one")
    posted.push.withdraw(delivery)
    assert (0, None) == (posted.push.behind(), posted.push.read(CHUNK))


def test_what_was_read_is_still_answered_when_nothing_more_is_taken() -> None:
    posted = Posted()
    going = posted.post(b"one")
    step = posted.push.read(CHUNK)
    waiting = posted.post(b"two")
    posted.push.shut()
    with pytest.raises(Closed):
        waiting.stored.result(timeout=0)
    with pytest.raises(Closed):
        posted.push.hold(1)
    posted.commit(step)
    assert 1 == going.stored.result(timeout=0)


def test_at_the_end_everybody_is_sent_away_who_was_not_answered() -> None:
    posted = Posted()
    going = posted.post(b"one")
    posted.push.read(CHUNK)
    posted.push.close()
    with pytest.raises(Closed):
        going.stored.result(timeout=0)
