"""The sources of the settings, built: which of them the pipelines read, and which somebody posts to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_sentinel.daemon.error_logs import settings_of, source_of
from log_sentinel.daemon.ingest import Reading
from log_sentinel.sources.push import Push
from log_sentinel.sources.settings import FileSource, PushSource, StdinSource, SyslogSource
from log_sentinel.sources.stdin import Stdin, standard_input
from log_sentinel.sources.syslog import Syslog
from log_sentinel.sources.tailer import FileTail
from log_sentinel.sources.wakeups import DirectoryWakeups
from log_sentinel.store.push_seen import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.daemon.error_logs import ErrorLogs
    from log_sentinel.daemon.judging import Format
    from log_sentinel.daemon.patience import Patience
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.settings import SourceSettings
    from log_sentinel.sources.source import Source
    from log_sentinel.store.engine import Database

LONGEST_WAIT_SECONDS = 1.0
# How long what was received may take to be stored when we stop, of the 10 s in which a stop is to be over
DRAIN_SECONDS, DRAIN_LOOK_SECONDS = 3.0, 0.02


@dataclass(slots=True)
class Supplying:
    """`readings` are read for themselves, `answering` are those whose senders wait; `pushed` are theirs, by name.

    `syslogs` listen once they are started.
    """

    readings: list[Reading] = field(default_factory=list)
    answering: list[Reading] = field(default_factory=list)
    pushed: dict[str, Push] = field(default_factory=dict)
    syslogs: list[Syslog] = field(default_factory=list)
    wakeups: DirectoryWakeups = field(default_factory=DirectoryWakeups)
    pushed_wakeups: DirectoryWakeups = field(default_factory=DirectoryWakeups)
    poll_seconds: float = LONGEST_WAIT_SECONDS

    def stop(self, in_vain: Callable[[], bool]) -> None:
        """Takes nothing more in, and lets what was taken in be stored, for a short time and not `in_vain`.

        What lies in files can wait for the next start.
        """
        for push in self.pushed.values():
            push.shut()
        streams = [source for source in self.sources if isinstance(source, Syslog | Stdin)]
        for stream in streams:
            stream.stop()
        give_up, pause = time.monotonic() + DRAIN_SECONDS, threading.Event()
        while any(stream.behind() for stream in streams) and not in_vain() and time.monotonic() < give_up:
            pause.wait(DRAIN_LOOK_SECONDS)

    def send_away(self) -> None:
        """Answers senders whose entries are not stored."""
        for push in self.pushed.values():
            push.close()

    @property
    def all(self) -> list[Reading]:
        return self.readings + self.answering

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come: there is a pipe alone, and it has ended."""
        sources = self.sources
        return bool(sources) and all(isinstance(source, Stdin) and source.is_over for source in sources)

    @property
    def sources(self) -> list[Source]:
        return [reading.source for reading in self.all]


def supplying(
    sources: Mapping[str, SourceSettings],
    formats: Mapping[str, Callable[[bytes], Format | None]],
    error_logs: ErrorLogs,
    database: Database,
    checkpoints: Checkpoints,
    patience: Patience,
) -> Supplying:
    """Nothing is opened or read yet."""
    made = Supplying()
    for name, settings in sources.items():
        match settings:
            case FileSource():
                made.poll_seconds = min(made.poll_seconds, settings.poll_every.total_seconds())
                made.readings.append(Reading(FileTail(name, settings, checkpoints), formats[name]))
                if settings.error_log is not None:
                    beside = FileTail(source_of(name), settings_of(settings), checkpoints)
                    made.readings.append(Reading(beside, error_logs.chooser(name, settings.zone)))
            case SyslogSource():
                made.syslogs.append(syslog := Syslog(name, settings, checkpoints, made.wakeups.wake))
                made.readings.append(Reading(syslog, formats[name], syslog.committed))
            case StdinSource():
                stdin = Stdin(name, settings, checkpoints, standard_input())
                made.readings.append(Reading(stdin, formats[name], stdin.committed))
            case PushSource():
                unknown = _Unseen(name, database, patience)
                made.pushed[name] = push = Push(name, settings, checkpoints, unknown, made.pushed_wakeups.wake)
                made.answering.append(Reading(push, formats[name], push.committed))
    return made


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Which entries of a source are not stored yet; waits for a database that is away."""

    source: str
    database: Database
    patience: Patience

    def __call__(self, entries: Sequence[str]) -> list[str]:
        return self.patience.until_answered(lambda: unseen(self.database, self.source, entries))
