"""Entries that senders post to us: held until they are committed, and answered only then.

A sender forgets what we have answered with 2xx, so an answer means that everything it sent is in the database, now or
since an earlier try. What was not answered the sender tries again; an entry that is known is left out then, so that a
retry adds nothing to any table. Nothing waits here without a sender that waits too, and all that is held has a bound:
above it senders are told to come again later.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_sentinel.sources.pushed import names
from log_sentinel.sources.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from log_sentinel.model.lines import Lines
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.settings import PushSource
    from log_sentinel.sources.source import Problem

# What may be held of all senders together, from the first byte of a body until its entries are committed.
HELD_BODIES = 2
PLACE = "push"


class Behind(Exception):
    """As much is held as may be. Nothing of the request was taken; it is welcome later."""


class Closed(Exception):
    """We are about to stop. Nothing of the request was taken; it is welcome when we are back."""


@dataclass(eq=False, slots=True)
class Delivery:
    """The entries of one request. `stored` has, once all of them are committed, how many were new."""

    lines: list[bytes]
    names: list[str]
    held: int
    stored: Future[int] = field(default_factory=Future)
    new: int = 0


class Push:
    """A source (sources.source.Source) of what senders posted for `name`.

    `unseen` gives those of some entries' names that are not stored yet; `wake` is called when something has come.
    """

    def __init__(
        self,
        name: str,
        settings: PushSource,
        checkpoints: Checkpoints,
        unseen: Callable[[Sequence[str]], list[str]],
        wake: Callable[[], None],
    ) -> None:
        self.name = name
        self.settings = settings
        self.caught_up = True
        self._standing = Standing(name, PLACE, checkpoints)
        self._unseen = unseen
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[Delivery] = deque()
        # a list for each step that was given out and is not committed
        self._given: deque[list[Delivery]] = deque()
        self._names_given: set[str] = set()
        self._most_held = HELD_BODIES * settings.max_body_bytes
        self._held = 0
        self._closed = False
        # how many requests were answered how, by HTTP status
        self.answers: Counter[int] = Counter()

    # for whoever receives, from any thread

    def hold(self, size: int) -> None:
        """Makes room for `size` bytes that are being received; give them back by `let_go` or hand them to `deliver`.

        Raises Behind, Closed.
        """
        with self._lock:
            if self._closed:
                raise Closed
            if self._held + size > self._most_held:
                raise Behind
            self._held += size

    def let_go(self, size: int) -> None:
        with self._lock:
            self._held -= size

    def deliver(self, lines: list[bytes], held: int) -> Delivery:
        """Takes the entries of a request for which `held` bytes are held. Raises Closed; then they are not."""
        delivery = Delivery(lines, names(lines), held)
        with self._lock:
            if self._closed:
                self._held -= held
                raise Closed
            self._waiting.append(delivery)
        self._wake()
        return delivery

    def withdraw(self, delivery: Delivery) -> None:
        """The sender waits no more. What is on its way to the database goes on, and is known when it comes again."""
        with self._lock:
            if delivery in self._waiting:
                self._waiting.remove(delivery)
                self._held -= delivery.held

    def shut(self) -> None:
        """Takes nothing more, and sends away who waits and was not read; what was read is still answered."""
        with self._lock:
            self._closed = True
            sent_away = list(self._waiting)
            self._waiting.clear()
        _send_away(sent_away)

    # Source

    def read(self, limit: int) -> Lines | None:
        """The entries of the next requests that are not known yet, as lines."""
        while deliveries := self._next(limit):
            asked = [name for delivery in deliveries for name in delivery.names]
            # before the question: what is committed while it is asked must not be taken for new
            given = set(self._names_given)
            try:
                new = set(self._unseen(asked)) - given
                lines = self._step(deliveries, new)
            except BaseException:
                with self._lock:
                    self._waiting.extendleft(reversed(deliveries))
                raise
            with self._lock:
                if new or self._given:
                    # also a retry of what is on its way waits until that is committed
                    self._given.append(deliveries)
                    self._names_given |= new
                    return lines
            self._answer(deliveries)
        return None

    def committed(self) -> None:
        """The step that was given out first is committed; called by the writing thread, after each."""
        with self._lock:
            deliveries = self._given.popleft()
            self._names_given.difference_update(name for one in deliveries for name in one.names)
        self._answer(deliveries)

    def rewind(self) -> None:
        with self._lock:
            for deliveries in reversed(self._given):
                self._waiting.extendleft(reversed(deliveries))
            self._given.clear()
            self._names_given.clear()
        if self._closed:
            self.shut()
        self._standing.forget()

    def behind(self) -> int:
        """Bytes that are held."""
        return self._held

    def watched(self) -> tuple[Path, ...]:
        return ()

    def problems(self) -> tuple[Problem, ...]:
        return ()

    def close(self) -> None:
        """Sends everybody away whose entries are not committed."""
        self.shut()
        with self._lock:
            sent_away = [delivery for deliveries in self._given for delivery in deliveries]
            self._given.clear()
        _send_away(sent_away)

    def _next(self, limit: int) -> list[Delivery]:
        taken: list[Delivery] = []
        with self._lock:
            while self._waiting and limit > 0:
                taken.append(self._waiting.popleft())
                limit -= taken[-1].held
        return taken

    def _step(self, deliveries: list[Delivery], new: set[str]) -> Lines:
        """A step with the lines of `new` names, each once."""
        left = set(new)
        data: list[bytes] = []
        entries: list[str] = []
        for delivery in deliveries:
            delivery.new = 0
            for name, line in zip(delivery.names, delivery.lines, strict=True):
                if name in left:
                    left.remove(name)
                    delivery.new += 1
                    entries.append(name)
                    data += (line, b"\n")
        return self._standing.step(b"".join(data), entries=tuple(entries))

    def _answer(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            self._held -= sum(one.held for one in deliveries)
        for delivery in deliveries:
            delivery.stored.set_result(delivery.new)


def _send_away(deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        if not delivery.stored.done():
            delivery.stored.set_exception(Closed())
