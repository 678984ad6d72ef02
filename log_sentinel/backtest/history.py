"""Where a backtest's minutes come from: what the daemon has stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from log_sentinel.daemon.customers import Customers
from log_sentinel.store import readers

if TYPE_CHECKING:
    import polars as pl

    from log_sentinel.model.spike import Spike
    from log_sentinel.store.engine import Database

MINUTE = timedelta(minutes=1)


class NoHistory(Exception):
    """There is no minute to try rules on."""


class History(Protocol):
    """Minutes of the past. `first` and `end`: its first minute and the one after its last, UTC."""

    @property
    def first(self) -> datetime: ...

    @property
    def end(self) -> datetime: ...

    def read(self, since: datetime, until: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
        """DENIED_MINUTES, and TRAFFIC with `source`, from `since` to before `until`, ordered by minute."""

    def known(self, spikes: list[Spike]) -> list[Spike]:
        """`spikes` with who is hurt by them, as far as the history tells."""


class StoredHistory:
    """The counts in the database. Minutes before `whole_since` are left out: they have been folded to hours.

    Raises NoHistory when nothing is left.
    """

    def __init__(self, database: Database, whole_since: datetime) -> None:
        found = readers.counted_minutes(database, whole_since)
        if found is None:
            raise NoHistory(
                f"{database.redacted_url}: it has no minutes yet to try rules on. "
                "Start `log-sentinel run` or `log-sentinel ingest` first, or name log files with --logs."
            )
        self.first, self.end = found[0], found[1] + MINUTE
        self._database = database
        self._customers = Customers(database)

    def read(self, since: datetime, until: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
        since = max(since, self.first)
        return (
            readers.denied_minutes(self._database, since, until),
            readers.traffic_minutes(self._database, since, until),
        )

    def known(self, spikes: list[Spike]) -> list[Spike]:
        return self._customers.known(spikes)


def whole_since(now: datetime, kept: timedelta) -> datetime:
    """The first minute that retention has not folded at `now`, when minutes are `kept` for so long.

    Retention folds whole hours up to before that of the oldest minute kept.
    """
    oldest = min(kept, now - datetime.min.replace(tzinfo=UTC))
    return (now - oldest).replace(minute=0, second=0, microsecond=0)
