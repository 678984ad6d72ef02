"""What is usual for each key: a mean per bin of five minutes that forgets slowly.

Every bin, `level = level * d + x` and `bins = bins * d + 1` with d of the chosen half-life, so that the mean is
`(level + 0.2) / (bins + 1)`: the posterior mean of a Poisson rate under a Gamma(0.2, 1) prior. A key never seen has
honest zeros for all the bins this deployment has lived, which is why `bins` is one number and not one a key.

One bin teaches at most 20 or four times the mean (winsorised), and nothing for keys that are being told as a spike:
an incident does not become the usual. Bins in which the log said nothing at all are not learned.
"""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import polars as pl

from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LEVELS: dict[str, type[pl.DataType]] = {"key": pl.String, "level": pl.Float64}

PRIOR = 0.2
TEACHES_AT_LEAST, TEACHES_TIMES = 20.0, 4.0
# A level this small is that of a key never seen.
FORGOTTEN = 0.01
# Keys held. Of more than that the smallest are forgotten: for them the prior is nearly what they had.
MAX_KEYS = 200_000
# Until so many bins are known, the minutes in memory say better what is usual.
YOUNG_BINS = 12


class Baseline:
    """The usual counts per bin of every key of one kind of counting. `half_life` is in event time."""

    def __init__(self, half_life: timedelta) -> None:
        self.bins = 0.0
        self.learned = 0
        self._decay: float = 0.5 ** (timedelta(minutes=BIN) / half_life)
        self._levels = pl.DataFrame(schema=LEVELS)

    @property
    def young(self) -> bool:
        return self.learned < YOUNG_BINS

    @property
    def keys(self) -> int:
        return self._levels.height

    def learn(self, counts: pl.DataFrame, frozen: Collection[str]) -> None:
        """Takes the COUNTS of one bin in. Keys in `frozen` keep their mean."""
        mean = self._mean(pl.col("level"))
        most = pl.max_horizontal(pl.lit(TEACHES_AT_LEAST), TEACHES_TIMES * mean)
        taught = pl.min_horizontal(pl.col("n").cast(pl.Float64), most)
        if frozen:
            taught = pl.when(pl.col("key").is_in(list(frozen))).then(mean).otherwise(taught)
        known = self._levels.join(counts, on="key", how="full", coalesce=True).with_columns(
            pl.col("level").fill_null(0.0), pl.col("n").fill_null(0)
        )
        self._take(known.select("key", level=pl.col("level") * self._decay + taught), bins=1)

    def learn_many(self, counts: pl.DataFrame, bins: int) -> None:
        """Takes `bins` bins at once: COUNTS with `age` (Int64), the bins between that one and the last one.

        For history in which nobody is told anything: a bin teaches at most four times the key's mean over it.
        """
        if bins == 0:
            return
        mean = (pl.col("n").sum().over("key") + PRIOR) / (bins + 1)
        most = pl.max_horizontal(pl.lit(TEACHES_AT_LEAST), TEACHES_TIMES * mean)
        taught = pl.min_horizontal(pl.col("n").cast(pl.Float64), most) * self._decay ** pl.col("age")
        learned = counts.with_columns(taught.alias("taught")).group_by("key").agg(pl.col("taught").sum())
        known = self._levels.join(learned, on="key", how="full", coalesce=True)
        level = pl.col("level").fill_null(0.0) * self._decay**bins + pl.col("taught").fill_null(0.0)
        self._take(known.select("key", level=level), bins)

    def expected(self, keys: pl.Series, minutes: int) -> pl.DataFrame:
        """key, expected (Float64): how many are usual in so many minutes, for each of `keys` (distinct)."""
        known = self._levels.filter(pl.col("key").is_in(keys.implode()))
        return (
            pl.DataFrame({"key": keys}, schema={"key": pl.String})
            .join(known, on="key", how="left")
            .select("key", expected=self._mean(pl.col("level").fill_null(0.0)) * (minutes / BIN))
        )

    def state(self) -> dict[str, object]:
        """JSON-able; `restore` makes the same baseline of it."""
        buffer = io.BytesIO()
        self._levels.write_ipc(buffer, compression="zstd")
        return {
            "bins": self.bins,
            "learned": self.learned,
            "levels": base64.b64encode(buffer.getvalue()).decode(),
        }

    def restore(self, state: Mapping[str, object]) -> None:
        self.bins = float(cast("float", state["bins"]))
        self.learned = int(cast("int", state["learned"]))
        self._levels = pl.read_ipc(io.BytesIO(base64.b64decode(cast("str", state["levels"]))))

    def _mean(self, level: pl.Expr) -> pl.Expr:
        return (level + PRIOR) / (self.bins + 1)

    def _take(self, levels: pl.DataFrame, bins: int) -> None:
        kept = levels.filter(pl.col("level") > FORGOTTEN)
        self._levels = kept if kept.height <= MAX_KEYS else kept.top_k(MAX_KEYS, by="level")
        self.bins = self.bins * self._decay**bins + (1 - self._decay**bins) / (1 - self._decay)
        self.learned += bins
