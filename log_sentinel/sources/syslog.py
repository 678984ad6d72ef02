"""What gateways send as syslog: best effort, because nobody answers a syslog message.

What was received is held until it is committed; with the process it is lost. What could not be received in time the
kernel drops (UDP) or the sender keeps or drops (TCP). Every drop that can be known is counted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from log_sentinel.sources.datagrams import dropped
from log_sentinel.sources.feed import Fed, Feed, block_of
from log_sentinel.sources.listening import Listening
from log_sentinel.sources.problems import Problems
from log_sentinel.sources.syslog_messages import content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.framing import Message
    from log_sentinel.sources.settings import SyslogSource
    from log_sentinel.sources.source import Problem

PLACE = "syslog"
# How long a drop is told of
TOLD_SECONDS = 600.0


class Syslog(Fed):
    """A source (sources.source.Source) of what is sent to `settings.listen`, from `start` on.

    `wake` is called when something has come.
    """

    def __init__(
        self, name: str, settings: SyslogSource, checkpoints: Checkpoints, wake: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(name, Feed(name, PLACE, checkpoints))
        self.settings = settings
        self._wake = wake
        self._listening: Listening | None = None
        self._problems = Problems()
        self._dropped, self._dropped_at = 0, 0.0

    def start(self) -> None:
        """Raises CannotListen."""
        self._listening = Listening(self.name, self.settings, self._take, lambda: self._feed.has_room)

    @property
    def port(self) -> int:
        return self.settings.port if self._listening is None else self._listening.port

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel dropped since the start; 0 where it does not say."""
        udp = None if self._listening is None else self._listening.udp
        found = dropped(udp) if udp is not None and udp.fileno() >= 0 else None
        if found is not None and found > self._dropped:
            self._dropped, self._dropped_at = found, time.monotonic()
        return self._dropped

    @property
    def refused(self) -> int:
        """Datagrams and connections of those who may not send, and connections that were too many."""
        return 0 if self._listening is None else self._listening.refused

    def _take(self, messages: Iterable[Message]) -> None:
        """Called by the thread that listens, only."""
        said = ((content(message), is_whole) for message, is_whole in messages)
        if self._feed.add(block_of(said, self.settings.max_line_bytes)):
            self._wake()

    # Source

    def problems(self) -> tuple[Problem, ...]:
        """That datagrams were dropped, for as long as it is news."""
        where = f"udp {self.settings.listen}"
        if self.dropped and time.monotonic() - self._dropped_at < TOLD_SECONDS:
            self._problems.tell(
                where,
                f"the kernel dropped {self._dropped} datagrams since the start: they came faster than they were taken",
                "Raise net.core.rmem_max, send by TCP, or let the gateway write a file.",
            )
        else:
            self._problems.solved(where)
        return self._problems.all()

    def stop(self) -> None:
        """Receives no more; what was received is still given out."""
        if self._listening is not None:
            self.dropped  # noqa: B018  # its last count
            self._listening.close()
            self._listening = None

    def close(self) -> None:
        self.stop()
