"""Delivery at work: one thread that makes notifications of happenings, and one for each channel, so that none waits
for another.

The rows in the database are the queue: nothing is lost by stopping or dying. Without a database everybody waits.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.hearing import hearing
from log_sentinel.delivery.message.composing import NOTHING_KNOWN
from log_sentinel.delivery.pauses import GIVE_UP_AFTER
from log_sentinel.delivery.presses import Listening
from log_sentinel.delivery.routing import Routing
from log_sentinel.delivery.worker import ChannelState, Worker
from log_sentinel.store import outbox
from log_sentinel.store.engine import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence, Set

    from log_sentinel.delivery.channels import Channel
    from log_sentinel.delivery.message.composing import Background
    from log_sentinel.delivery.presses import Answer, Press
    from log_sentinel.delivery.settings import ChannelSettings, Route
    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.store.engine import Database

log = structlog.get_logger(__name__)

# How often the tables are looked at when nobody wakes us: another process may have written.
LOOK_EVERY = timedelta(seconds=5)


def _now() -> datetime:
    return datetime.now(UTC)


class Delivery:
    """Tells people what happened. `wake` it after writing happenings.

    `clock` gives the present time (UTC). `background` gives what a message says beyond the happening, `services` which
    ones an incident concerns. `muting` gives for a time which incidents people want to hear nothing of. `act` does what
    a press of a button asks for; without it none are heard. `dashboard`: where people find ours. `opened`: how a
    channel is opened, by its settings.
    """

    def __init__(
        self,
        db: Database,
        channels: Mapping[str, ChannelSettings],
        routing: Sequence[Route],
        *,
        instance: str,
        clock: Callable[[], datetime] = _now,
        background: Callable[[Incident], Background] = lambda _: NOTHING_KNOWN,
        services: Callable[[Incident], Set[str]] = lambda _: frozenset(),
        muting: Callable[[datetime], Callable[[Incident], bool]] = lambda _: lambda _: False,
        act: Callable[[Press], Answer] | None = None,
        dashboard: str | None = None,
        opened: Callable[[ChannelSettings], Channel] = open_channel,
    ) -> None:
        self._db = db
        self._act = act
        self._clock = clock
        self._routing = Routing(channels, routing, services)
        self._muting = muting
        self._channels = {name: opened(settings) for name, settings in channels.items()}
        self._workers = {
            name: Worker(
                db,
                name,
                channel,
                instance=instance,
                clock=clock,
                background=background,
                collapse_after=channels[name].collapse_after,
                divert=self._diverting(name, channels[name]),
                unacknowledged=partial(self._routing.unacknowledged, name),
                dashboard=dashboard,
            )
            for name, channel in self._channels.items()
        }
        self._taken_up = False
        self._stopping = threading.Event()
        self._wakes = {name: threading.Event() for name in ("", *self._workers)}
        self._threads = [
            threading.Thread(target=self._go_on, args=(self._fan_out, self._wakes[""]), name="fan-out", daemon=True),
            *(
                threading.Thread(
                    target=self._go_on, args=(self._drain(worker), self._wakes[name]), name=f"to {name}", daemon=True
                )
                for name, worker in self._workers.items()
            ),
        ]

    def start(self) -> None:
        """Begins, with whatever was left waiting. Without channels it takes up nothing: another daemon may."""
        if self._workers:
            for thread in self._threads:
                thread.start()
        self.listen()

    def listen(self) -> None:
        """Begins to hear the buttons below its alerts."""
        for name, channel in self._channels.items():
            if self._act is not None and isinstance(channel, Listening):
                channel.listen(hearing(self._db, name, self._act, self.wake))

    def wake(self) -> None:
        """There are new happenings."""
        self._wakes[""].set()

    def stop(self, deadline: timedelta = timedelta(seconds=5)) -> None:
        """Ends; a send under way may take until `deadline`. What is cut off is sent again after the next start."""
        self._stopping.set()
        for wake in self._wakes.values():
            wake.set()
        until = datetime.now(UTC) + deadline
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, (until - datetime.now(UTC)).total_seconds()))
        for channel in self._channels.values():
            channel.close()

    def step(self) -> int:
        """One round in the calling thread, as of the clock: fans out, then every channel sends what it may; gives how
        many.
        """
        self._fan_out_some()
        self._tell_unmuted()
        self._escalate()
        sends = 0
        for worker in self._workers.values():
            while worker.send_next():
                sends += 1
        return sends

    def states(self) -> dict[str, ChannelState]:
        """How each channel fares."""
        return {
            name: replace(
                worker.state,
                deaf=channel.deaf() if isinstance(channel, Listening) else None,
                given_up=dict(worker.state.given_up),
            )
            for (name, worker), channel in zip(self._workers.items(), self._channels.values(), strict=True)
        }

    def _take_up(self) -> None:
        """Once, at the start: what nobody wants any more is given up, and what failed is tried at once."""
        outbox.give_up_abandoned(self._db, self._workers, self._clock() - GIVE_UP_AFTER)
        for name in self._workers:
            # what a person had to mend may have been mended: the settings have been read anew
            outbox.hasten(self._db, name)
            self._wakes[name].set()
        self._taken_up = True

    def _fan_out(self) -> datetime | None:
        if not self._taken_up:
            self._take_up()
        made = self._tell_unmuted() + self._escalate()
        if outbox.any_to_fan_out(self._db):
            while self._fan_out_some() and not self._stopping.is_set():
                made += 1
        if made:
            for name in self._workers:
                self._wakes[name].set()
        return None

    def _fan_out_some(self) -> int:
        if not self._workers:
            return 0
        now = self._clock()
        muted = self._muting(now)
        return outbox.fan_out(
            self._db,
            lambda happening, knowing: self._routing.recipients(
                happening, knowing, now, muted=muted(happening.incident)
            ),
            now,
            stale_before=now - GIVE_UP_AFTER,
            muted=muted,
        )

    def _tell_unmuted(self) -> int:
        """Tells of what still goes on when a silence or a maintenance window ends."""
        if not self._workers:
            return 0
        now = self._clock()
        muted = self._muting(now)

        def owed(happening: Happening, knowing: Set[outbox.Recipient]) -> list[outbox.Recipient]:
            return [] if muted(happening.incident) else self._routing.recipients(happening, knowing, now)

        return outbox.tell_unmuted(self._db, owed, now)

    def _escalate(self) -> int:
        now = self._clock()
        muted = self._muting(now)
        made = 0
        for patience in self._routing.patiences():

            def further(happening: Happening, patience: timedelta = patience) -> list[outbox.Recipient]:
                if muted(happening.incident):
                    return []
                return self._routing.escalated_to(happening, patience, now)

            made += outbox.escalate(self._db, further, now, open_since=now - patience)
        return made

    def _diverting(self, name: str, settings: ChannelSettings) -> Callable[[datetime], int]:
        """Tells the fallback of channel `name` what that does not get through."""
        if settings.fallback is None:
            return lambda _: 0
        if settings.fallback not in self._channels:
            log.error("fallback is no channel of the settings", channel=name, fallback=settings.fallback)
            return lambda _: 0

        def divert(now: datetime) -> int:
            made = outbox.divert(
                self._db,
                name,
                lambda happening: self._routing.instead_of(name, happening, now),
                now,
                made_before=now - settings.fallback_after,
                since=now - GIVE_UP_AFTER,
            )
            if made:
                self._wakes[str(settings.fallback)].set()
            return made

        return divert

    def _drain(self, worker: Worker) -> Callable[[], datetime | None]:
        def drain() -> datetime | None:
            due = worker.next_look()
            while due is not None and due <= self._clock() and not self._stopping.is_set():
                if not worker.send_next():
                    break
                due = worker.next_look()
            return due

        return drain

    def _go_on(self, work: Callable[[], datetime | None], wake: threading.Event) -> None:
        waiting_for_database = False
        while not self._stopping.is_set():
            due = None
            try:
                due = work()
                waiting_for_database = False
            except StoreError as why:
                if not waiting_for_database:
                    log.warning("delivery waits for the database", reason=str(why))
                waiting_for_database = True
            except Exception:  # told here; the thread must not end while there are alerts to tell
                log.exception("delivery failed; it goes on")
            pause = LOOK_EVERY if due is None else min(LOOK_EVERY, max(timedelta(0), due - self._clock()))
            # a due row that another sender holds, or that waits for its predecessor, is no reason to spin
            wake.wait(max(pause.total_seconds(), 0.05))
            wake.clear()
