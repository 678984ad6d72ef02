"""Log files as a backtest's history: read as `ingest` would read them, counted in memory, stored nowhere.

What is kept is counts, a row for each minute and who was denied in it; the lines are let go. Requests in
`candidate_statuses` are denials here when their own line says so: no error log is there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.backtest.history import MINUTE, NoHistory
from log_sentinel.daemon.customers import LookedUp
from log_sentinel.daemon.events import batches
from log_sentinel.daemon.judging import judged
from log_sentinel.model.columns import ACTIVITY, DENIED_MINUTES, TRAFFIC, empty
from log_sentinel.store.activity import SUCCEEDED, Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.model.spike import Spike

TRAFFIC_OF_SOURCE = TRAFFIC | {"source": pl.String}
# Batches are added up when so many wait, so that memory follows the counts and not the lines.
ADDED_UP_EVERY = 16


class LogHistory:
    """The counts of log files."""

    def __init__(self, denied: pl.DataFrame, traffic: pl.DataFrame, activity: pl.DataFrame) -> None:
        """DENIED_MINUTES, TRAFFIC with `source`, ACTIVITY. Raises NoHistory when there is no request in them."""
        found = [frame[name].min() for frame, name in ((denied, "minute"), (traffic, "minute")) if not frame.is_empty()]
        if not found:
            raise NoHistory("the log files: there is no request in them that could be read.")
        newest = [frame["minute"].max() for frame in (denied, traffic) if not frame.is_empty()]
        self.first, self.end = _minute(min(found)), _minute(max(newest)) + MINUTE  # type: ignore[type-var]
        self._denied, self._traffic, self._activity = denied, traffic, activity
        self._customers = LookedUp(self._outcomes)

    def read(self, since: datetime, until: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
        inside = (pl.col("minute") >= since) & (pl.col("minute") < until)
        return self._denied.filter(inside), self._traffic.filter(inside)

    def known(self, spikes: list[Spike]) -> list[Spike]:
        return self._customers.known(spikes)

    def _outcomes(self, dimension: str, keys: list[str], before: datetime) -> dict[str, Outcomes]:
        earlier, ok = pl.col("hour") < before, pl.col("status_class").is_in(SUCCEEDED)
        rows = (
            self._activity.filter(
                (pl.col("dimension") == dimension) & pl.col("key").is_in(keys) & (pl.col("hour") <= before)
            )
            .group_by("key")
            .agg(
                pl.col("hour").filter(earlier).min(),
                pl.col("hour").filter(earlier).n_unique().alias("hours"),
                pl.col("n").filter(earlier).sum(),
                pl.col("n").filter(earlier & ok).sum().alias("succeeded"),
                pl.col("n").filter(~earlier & ok).sum().alias("lately"),
            )
        )
        return {
            key: Outcomes(None if hour is None else _minute(hour), *counts) for key, hour, *counts in rows.iter_rows()
        }


class _Sums:
    """Rows of the same keys added up."""

    def __init__(self, columns: dict[str, pl.DataType | type[pl.DataType]]) -> None:
        self._keys = [name for name in columns if name != "n"]
        self._parts = [empty(columns)]
        self._columns = columns

    def add(self, rows: pl.DataFrame) -> None:
        self._parts.append(rows.select(pl.col(name).cast(kind) for name, kind in self._columns.items()))
        if len(self._parts) > ADDED_UP_EVERY:
            self._parts = [self.sums()]

    def sums(self) -> pl.DataFrame:
        summed = pl.concat(self._parts).group_by(self._keys).agg(pl.col("n").sum())
        return summed.select(list(self._columns)).sort(self._keys)


def read_logs(
    loaded: Loaded[Settings],
    paths: Iterable[str],
    stdin: BinaryIO,
    *,
    format_name: str | None = None,
    directive: str | None = None,
    progress: Callable[[str, int], None] = lambda path, lines: None,
) -> LogHistory:
    """The history that is in the files at `paths` (`-`: `stdin`), in whatever order they are named.

    `progress` is told of each batch: its file and how many lines it had. Raises OSError, CannotRead, NoFormat,
    BadSettings, BadDefinition, NoHistory.
    """
    denied, traffic, activity = _Sums(DENIED_MINUTES), _Sums(TRAFFIC_OF_SOURCE), _Sums(ACTIVITY)
    for path in paths:
        for lines, form in batches(loaded, path, stdin, format_name=format_name, directive=directive):
            if form is None:
                continue
            batch = judged(lines, form)
            source = pl.lit(batch.source).alias("source")
            denied.add(batch.parsed.denials.with_columns(source, minute=pl.col("time").dt.truncate("1m"), n=pl.lit(1)))
            traffic.add(batch.parsed.traffic.with_columns(source))
            activity.add(batch.parsed.activity)
            progress(path, batch.parsed.lines)
    return LogHistory(denied.sums(), traffic.sums(), activity.sums())


def _minute(found: object) -> datetime:
    if not isinstance(found, datetime):
        raise TypeError(f"{found!r} is no time")
    return found.astimezone(UTC)
