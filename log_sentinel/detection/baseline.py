"""What is usual for each entity: how many in five minutes, how unsteady that is, and what the hour of the day adds.

Every bin of five minutes, `level = level * d + x` and `bins = bins * d + 1`, with d of the half-life, so that the mean
is `(level + 0.2) / (bins + 1)`: the posterior mean of a Poisson rate under a Gamma(0.2, 1) prior. An entity never seen
has honest zeros for all the bins this deployment has lived, which is why `bins` is one number and not one an entity.
`spread` sums squared deviations over the mean in the same way: with a prior of 2 it gives the index of dispersion,
since denials come in clusters and a Poisson tail would alarm all day.
An hour of the day (weekends apart) has a mean of its own once it has been lived through.

One bin teaches at most 20 or four times the mean (winsorised), and nothing for entities that are being told as a spike:
an incident does not become the usual. Bins in which the log said nothing at all are not learned.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.frames import packed, unpacked
from log_sentinel.detection.hours import Hours
from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# level and spread decay with the half-life, `recent` is a level that does with RECENT_HALF_LIFE.
LEVELS: dict[str, type[pl.DataType]] = {
    "entity": pl.String,
    "level": pl.Float64,
    "recent": pl.Float64,
    "spread": pl.Float64,
}

PRIOR = 0.2
DISPERSION, DISPERSION_BINS = 2.0, 12.0
TEACHES_AT_LEAST, TEACHES_TIMES = 20.0, 4.0
RECENT_HALF_LIFE = timedelta(hours=2)
# A level this small is that of an entity never seen.
FORGOTTEN = 0.01
# Entities held. Of more than that the smallest are forgotten: for them the prior is nearly what they had.
MAX_ENTITIES = 400_000
# In its first hour a deployment has no usual to hold a bin against: it teaches whole.
YOUNG_BINS = 12


class Baseline:
    """The usual counts of every entity. `half_life` is in event time."""

    def __init__(self, half_life: timedelta) -> None:
        self.bins = 0.0
        self.recent_bins = 0.0
        self.learned = 0
        self._decay: float = 0.5 ** (timedelta(minutes=BIN) / half_life)
        self._recent_decay: float = 0.5 ** (timedelta(minutes=BIN) / RECENT_HALF_LIFE)
        self._levels = pl.DataFrame(schema=LEVELS)
        self._hours = Hours()

    @property
    def young(self) -> bool:
        return self.learned < YOUNG_BINS

    @property
    def entities(self) -> int:
        return self._levels.height

    def learn(self, counts: pl.DataFrame, frozen: Collection[str], bin_number: int) -> None:
        """Takes the COUNTS of that bin in. Entities in `frozen` keep their mean."""
        mean = self._mean(pl.col("level"))
        taught = pl.col("n").cast(pl.Float64)
        if not self.young:
            taught = pl.min_horizontal(taught, pl.max_horizontal(pl.lit(TEACHES_AT_LEAST), TEACHES_TIMES * mean))
        if frozen:
            taught = pl.when(pl.col("entity").is_in(list(frozen))).then(mean).otherwise(taught)
        known = (
            self._levels.join(counts, on="entity", how="full", coalesce=True)
            .with_columns(pl.col("level", "recent", "spread").fill_null(0.0), pl.col("n").fill_null(0))
            .with_columns(taught=taught, mean=mean)
        )
        self._take(
            known.select(
                "entity",
                level=pl.col("level") * self._decay + pl.col("taught"),
                recent=pl.col("recent") * self._recent_decay + pl.col("taught"),
                spread=pl.col("spread") * self._decay + _deviation(pl.col("taught"), pl.col("mean")),
            ),
            bins=1,
        )
        self._hours.learn(known.filter(pl.col("taught") > 0).select("entity", "taught"), bin_number)

    def learn_many(self, counts: pl.DataFrame, first_bin: int, bins: int) -> None:
        """Takes `bins` bins from `first_bin` on at once: COUNTS with `age` (Int64), the bins from each to the last one.

        For history in which nobody is told anything: a bin teaches at most four times the entity's mean over it.
        """
        if bins == 0:
            return
        taught = (
            counts.with_columns(mean=(pl.col("n").sum().over("entity") + PRIOR) / (bins + 1))
            .with_columns(
                taught=pl.min_horizontal(
                    pl.col("n").cast(pl.Float64),
                    pl.max_horizontal(pl.lit(TEACHES_AT_LEAST), TEACHES_TIMES * pl.col("mean")),
                ),
                weight=self._decay ** pl.col("age"),
            )
            .with_columns(taught_mean=(pl.col("taught").sum().over("entity") + PRIOR) / (bins + 1))
        )
        weight = (1 - self._decay**bins) / (1 - self._decay)
        learned = taught.group_by("entity").agg(
            taught=(pl.col("taught") * pl.col("weight")).sum(),
            taught_recent=(pl.col("taught") * self._recent_decay ** pl.col("age")).sum(),
            deviation=(_deviation(pl.col("taught"), pl.col("taught_mean")) * pl.col("weight")).sum()
            # the bins without any deviate by the mean itself
            + _deviation(pl.lit(0.0), pl.col("taught_mean").first()) * (weight - pl.col("weight").sum()).clip(0.0),
        )
        known = self._levels.join(learned, on="entity", how="full", coalesce=True).fill_null(0.0)
        self._take(
            known.select(
                "entity",
                level=pl.col("level") * self._decay**bins + pl.col("taught"),
                recent=pl.col("recent") * self._recent_decay**bins + pl.col("taught_recent"),
                spread=pl.col("spread") * self._decay**bins + pl.col("deviation"),
            ),
            bins,
        )
        self._hours.learn_many(taught.select("entity", "taught", "age"), first_bin, bins)

    def entities_of(self, what: int) -> pl.Series:
        """Those that are known of what is counted at that place."""
        return self._levels.filter(pl.col("entity").str.starts_with(f"{what}|"))["entity"]

    def expected(self, entities: pl.Series, bin_number: int) -> pl.LazyFrame:
        """entity; usual and least (Float64): how many, at most and at least, are usual in that bin; dispersion."""
        known = self._levels.lazy().filter(pl.col("entity").is_in(entities.implode()))
        flat = self._mean(pl.col("level"))
        by_hour = self._hours.means(entities, bin_number)
        recent = (pl.col("recent") + PRIOR) / (self.recent_bins + 1)
        present = self._hours.mean(flat, bin_number) if self._hours.lived(bin_number) else recent
        dispersion = (pl.col("spread") + DISPERSION * DISPERSION_BINS) / (self.bins + DISPERSION_BINS)
        return (
            pl.LazyFrame({"entity": entities}, schema={"entity": pl.String})
            .join(known, on="entity", how="left")
            .with_columns(pl.col("level", "recent", "spread").fill_null(0.0))
            .join(by_hour, on="entity", how="left")
            .select(
                "entity",
                usual=pl.max_horizontal(flat, present),
                least=pl.min_horizontal(flat, present),
                dispersion=pl.max_horizontal(pl.lit(1.0), dispersion) * (1 + 1 / (self.bins + 1)),
            )
        )

    def state(self) -> dict[str, object]:
        """JSON-able; `restore` makes the same baseline of it."""
        return {
            "bins": self.bins,
            "recent_bins": self.recent_bins,
            "learned": self.learned,
            "levels": packed(self._levels),
            "hours": self._hours.state(),
        }

    def restore(self, state: Mapping[str, object]) -> None:
        self.bins = float(str(state["bins"]))
        self.recent_bins = float(str(state["recent_bins"]))
        self.learned = int(str(state["learned"]))
        self._levels = unpacked(state["levels"])
        self._hours.restore(state["hours"])

    def _mean(self, level: pl.Expr) -> pl.Expr:
        return (level + PRIOR) / (self.bins + 1)

    def _take(self, levels: pl.DataFrame, bins: int) -> None:
        kept = levels.filter(pl.col("level") > FORGOTTEN)
        self._levels = kept if kept.height <= MAX_ENTITIES else kept.top_k(MAX_ENTITIES, by="level")
        self.bins = _lived(self.bins, self._decay, bins)
        self.recent_bins = _lived(self.recent_bins, self._recent_decay, bins)
        self.learned += bins


def _deviation(count: pl.Expr, mean: pl.Expr) -> pl.Expr:
    return (count - mean) ** 2 / pl.max_horizontal(mean, pl.lit(1.0))


def _lived(before: float, decay: float, bins: int) -> float:
    passed: float = before * decay**bins + (1 - decay**bins) / (1 - decay)
    return passed
