"""Lines in, commits out: what `run` and `ingest` share.

One thread reads whole lines from every source in turn, two parse and judge them, one commits in the order of reading.
At most AHEAD batches are between reading and the database; when the store is slow, reading waits and the files keep
the data.

Sources run ahead of what is committed only in memory. Whenever a commit does not go through as it was read (somebody
else moved the checkpoint, a connection broke after its COMMIT was sent), everything in flight is thrown away and the
sources go back to the checkpoints in the database. So a line is stored once, or not yet.

Sources whose senders wait for an answer have an Ingest of their own, so that they do not wait for megabytes of files.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from log_sentinel.daemon.judging import PASSED_OVER, Format, judged
from log_sentinel.daemon.patience import Patience
from log_sentinel.model.commit import Commit, SourceBatch
from log_sentinel.store.appending import AlreadySeen, Superseded
from log_sentinel.store.engine import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_sentinel.daemon.tally import Tally
    from log_sentinel.sources.source import Source
    from log_sentinel.sources.wakeups import Wakeups
    from log_sentinel.store.appending import Appended

log = structlog.get_logger(__name__)

CHUNK_BYTES = 4 << 20
# Batches between reading and the database, and how many of them may share one transaction: where nobody waits for the
# rows, many, since the counts of many need hardly more rows than those of one.
AHEAD = 3
COMMIT_BATCHES = 2
COMMIT_BATCHES_OF_A_PASS = 4
# A denial takes many times the memory of its line, and so does a client or a route that is new in each. Where there are
# many of them, less is read at a time, to give so many rows. The first batch is small, for nobody knows yet.
BATCH_ROWS, COMMIT_ROWS = 4_000, 10_000
LEAST_BYTES, FIRST_BYTES = 256 << 10, 512 << 10
# A busy live log wakes us at every write; lines gather this long so that a commit is worth its cost.
GATHER_SECONDS = 0.2
# How often it is looked whether everything read is committed, where that is waited for.
DRAIN_SECONDS = 0.005
# A source whose format nobody knows is looked at again after this long: more lines may tell.
UNKNOWN_FORMAT_SECONDS = 10.0


@dataclass(slots=True)
class Reading:
    """A source, and how its format is found from the first lines it gives (None: no format reads them).

    `committed` is called by the writing thread after each of the source's steps, in their order. `most_bytes`: so much
    of it is read at a time.
    """

    source: Source
    choose: Callable[[bytes], Format | None]
    committed: Callable[[], None] = lambda: None
    form: Format | None = None
    not_before: float = 0.0
    most_bytes: int = field(default_factory=lambda: min(FIRST_BYTES, CHUNK_BYTES))

    @property
    def format_unknown(self) -> bool:
        return self.form is None and self.not_before > 0

    def learn(self, batch: SourceBatch) -> None:
        """Takes note of how many rows its last batch made of its bytes."""
        parsed, size = batch.parsed, batch.move.to.offset - batch.move.start
        rows = parsed.denials.height + parsed.activity.height + parsed.traffic.height
        # a few lines have a row for nearly each, which says nothing of many
        if size >= LEAST_BYTES:
            self.most_bytes = min(CHUNK_BYTES, max(LEAST_BYTES, size * BATCH_ROWS // max(1, rows)))


@dataclass(slots=True)
class _InFlight:
    epoch: int
    batch: Future[SourceBatch]
    reading: Reading


class Ingest:
    """Carries lines from `readings` into the store by `append`.

    Without `wakeups` it is one pass: it stops when every source is at its end and everything is committed, and a
    database that is gone ends it (`failure`). With them it goes on until `stop` and waits for a database to come back;
    then the sources' checkpoints must wait with the same `patience` (patience.PatientCheckpoints).
    `finished` is set at the end, however it came; `failure` says why if it was not meant.
    """

    def __init__(
        self,
        readings: Sequence[Reading],
        append: Callable[[Commit], Appended],
        *,
        instance: str,
        tally: Tally,
        wakeups: Wakeups | None = None,
        patience: Patience | None = None,
        poll_seconds: float = 1.0,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self.finished = threading.Event()
        self.failure: Exception | None = None
        self._readings = readings
        self._append = append
        self._instance = instance
        self._tally = tally
        self._wakeups = wakeups
        self._patience = patience or Patience()
        self._poll_seconds = poll_seconds
        self._gather_seconds = gather_seconds
        self._in_flight: queue.Queue[_InFlight | None] = queue.Queue(AHEAD)
        self._stopping = self._patience.stopping
        self._rewind = threading.Event()
        self._epoch = 0
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="parsing")
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name)
            for name, work in (("reading", self._read_on), ("writing", self._write_on))
        ]

    @property
    def waiting_for_database(self) -> str | None:
        """Why the database is waited for; None when it is not."""
        return self._patience.waiting

    @property
    def idle(self) -> bool:
        """Whether everything that was read is committed."""
        return self._in_flight.unfinished_tasks == 0 and not self._rewind.is_set()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends reading, commits what was read and returns. What could not be committed is read again later."""
        self._stopping.set()
        if self._wakeups is not None:
            self._wakeups.wake()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as why:  # noqa: BLE001 - told by whoever waits for `finished`
            self.failure = self.failure or why
        finally:
            if self.failure is not None or work == self._write_on:
                self._stopping.set()
                self.finished.set()

    # reading

    def _read_on(self) -> None:
        try:
            while not self._stopping.is_set():
                self._go_back_if_asked()
                began = time.monotonic()
                read = sum(self._read_from(reading) for reading in self._readings)
                if self._wakeups is None:
                    if read == 0 and self.idle:
                        return
                    self._stopping.wait(0 if read else DRAIN_SECONDS)
                elif read == 0:
                    self._wakeups.wait(self._poll_seconds)
                elif read < min(reading.most_bytes for reading in self._readings) // 2:
                    self._stopping.wait(max(0.0, self._gather_seconds - (time.monotonic() - began)))
        except StoreError:
            # asked to stop while a source waited for the database
            if self._wakeups is None or not self._stopping.is_set():
                raise
        finally:
            self._put(None)

    def _read_from(self, reading: Reading) -> int:
        if reading.not_before > time.monotonic():
            return 0
        try:
            lines = reading.source.read(reading.most_bytes)
        except Superseded as why:
            self._ask_to_go_back(why)
            return 0
        if lines is None:
            return 0
        if reading.form is None and lines.data:
            reading.form = reading.choose(lines.data)
            if reading.form is None:
                reading.source.rewind()
                reading.not_before = time.monotonic() + UNKNOWN_FORMAT_SECONDS
                return 0
        self._put(_InFlight(self._epoch, self._pool.submit(judged, lines, reading.form or PASSED_OVER), reading))
        # a step without lines is progress too: more may lie behind it
        return max(1, len(lines.data))

    def _put(self, one: _InFlight | None) -> None:
        while True:
            try:
                return self._in_flight.put(one, timeout=0.5)
            except queue.Full:
                if self.finished.is_set():
                    return None

    def _go_back_if_asked(self) -> None:
        if self._rewind.is_set():
            # a commit may be going on: what it stores must not be given out again
            while self._in_flight.unfinished_tasks and not self.finished.wait(DRAIN_SECONDS):
                pass
            self._epoch += 1
            for reading in self._readings:
                reading.source.rewind()
            self._tally.rewound()
            self._rewind.clear()

    # writing

    def _write_on(self) -> None:
        while True:
            taken = self._take()
            going = [one for one in taken if one is not None]
            # after a rewind was asked for, what was read before it is stale
            fresh = [one for one in going if one.epoch == self._epoch and not self._rewind.is_set()]
            if fresh:
                self._commit(fresh)
            for _ in taken:
                self._in_flight.task_done()
            if len(going) < len(taken):
                return

    def _take(self) -> list[_InFlight | None]:
        """The next batch, and with it those behind it that were read before it was parsed; None closes the line."""
        most = COMMIT_BATCHES_OF_A_PASS if self._wakeups is None else COMMIT_BATCHES
        taken = [self._in_flight.get()]
        rows = 0
        while (last := taken[-1]) is not None and len(taken) < most:
            # whoever is taken off the line makes room for another: lines unparsed would be many more than AHEAD
            wait([last.batch])
            rows += 0 if last.batch.exception() else last.batch.result().parsed.denials.height
            if rows >= COMMIT_ROWS:
                break
            try:
                taken.append(self._in_flight.get_nowait())
            except queue.Empty:
                break
        return taken

    def _commit(self, going: list[_InFlight]) -> None:
        batches = tuple(one.batch.result() for one in going)
        commit = Commit(self._instance, batches)
        try:
            if self._wakeups is None:
                appended = self._append(commit)
            else:
                appended = self._patience.until_answered(lambda: self._append(commit), self._tally.commit_failed)
        except (Superseded, AlreadySeen) as why:
            self._tally.commit_failed()
            self._ask_to_go_back(why)
            return
        except StoreError:
            # asked to stop while the database is away
            if self._wakeups is None or not self._stopping.is_set():
                raise
            return
        self._count(batches, appended)
        for one, batch in zip(going, batches, strict=True):
            one.reading.learn(batch)
            one.reading.committed()

    def _ask_to_go_back(self, why: Exception) -> None:
        log.warning("somebody else stored some of what was read; reading again from the database", reason=str(why))
        self._rewind.set()

    def _count(self, batches: tuple[SourceBatch, ...], appended: Appended) -> None:
        self._tally.committed(appended.duplicates, appended.promoted, appended.explained)
        for batch in batches:
            one = self._tally.source(batch.source)
            one.lines += batch.parsed.lines
            # a copy that ends before what was read of its original sets the offset back
            one.bytes += max(0, batch.move.to.offset - batch.move.start)
            one.denials += batch.parsed.denials.height
            one.candidates += batch.parsed.candidates.height
            one.rejects.update(batch.parsed.reject_counts)
