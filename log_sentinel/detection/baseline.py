"""What is usual for each entity: how many in five minutes, how unsteady that is, and what the hour of the day adds.

Every bin of five minutes, `level = level * d + x` and `bins = bins * d + 1`, with d of the half-life, so that the mean
is `(level + 0.2) / (bins + 1)`: the posterior mean of a Poisson rate under a Gamma(0.2, 1) prior. An entity never seen
has honest zeros for all the bins this deployment has lived, which is why `bins` is one number and not one an entity.
`spread` sums squared deviations upwards from what was expected, over the expected, in the same way: it gives the index
of dispersion, since denials come in clusters and a Poisson tail would alarm all day. It leans on a prior of 2 and on
how much an hour of one entity of its kind ordinarily differs from the same hour of other days (`hours`), and is never
less than either: that an entity was steady for a day does not make it so.
An hour of the day (weekends apart) has a mean of its own once it has been lived through.

One bin teaches at most 20 or four times the mean (winsorised), and nothing for entities that are being told as a spike:
an incident does not become the usual. Their hour of the day learns all the same, or an office that begins at nine
would be told as a spike every morning and never learned. Bins in which the log said nothing at all are not learned.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import polars as pl

from log_sentinel.detection.frames import hashed, hashes_of, owned, packed, unpacked
from log_sentinel.detection.hours import BINS_AN_HOUR, Hours
from log_sentinel.detection.levels import FIGURES, LEVELS, SAVED, put, restored, visitors, with_new
from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from log_sentinel.detection.learning import Binned

Figure = TypeVar("Figure", float, pl.Expr)
# An entity never seen.
NOTHING = (0, 0.0, 0.0, 0.0)

PRIOR = 0.2
DISPERSION, DISPERSION_BINS = 2.0, 96.0
# A bin counts for at most so many times the dispersion known: a rise that was never told does not blind for days.
DEVIATES = 12.0
# Until it is known how much the same hour differs from day to day.
DRIFT = 0.09
# Hours differ from their mean upwards more than downwards, and five minutes more than an hour: so many times the drift.
TAIL = 1.5
# The variance over the square of the mean, of an hour of the day that was not lived yet: offices open, jobs begin.
UNKNOWN_HOUR = 0.2
# The same where the hour was lived on weekdays only, or only on a weekend.
GUESSED_HOUR = 0.1
# From so many denials a bin on, the hour's mean may be so much below the flat one.
LARGE, HOUR_BELOW = 10.0, 0.6
TEACHES_AT_LEAST, TEACHES_TIMES = 20.0, 4.0
# Its hour of the day may differ more: an office is fifteen times as busy by day.
HOUR_AT_LEAST, HOUR_TIMES = 50.0, 16.0
RECENT_HALF_LIFE = timedelta(hours=2)
# A level this small is that of an entity never seen.
FORGOTTEN = 0.01
# Entities held. Of more than that the smallest are forgotten: for them the prior is nearly what they had.
MAX_ENTITIES = 400_000
# In its first hour a deployment has no usual to hold a bin against: it teaches whole.
YOUNG_BINS = 12


class Expected(NamedTuple):
    """How many of an entity, at most and at least, are usual in a bin, and how unsteady that is.

    `drift` is the part of its variance over a whole hour that grows with the square of the mean, `over_hour` what is
    usual in a bin of the hour that ends with this one.
    """

    usual: float
    least: float
    dispersion: float
    drift: float
    over_hour: float


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
        self._counted: dict[int, int] | None = None
        self._asked: tuple[int, int, dict[str, Expected]] = (-1, -1, {})

    @property
    def young(self) -> bool:
        return self.learned < YOUNG_BINS

    @property
    def entities(self) -> int:
        return self._levels.height

    def learn(self, counts: pl.DataFrame, frozen: Collection[str], bin_number: int, times: float = 1.0) -> None:
        """Takes the COUNTS of that bin in, which had `times` the usual requests. Entities in `frozen` keep their mean.

        Denials that come with the requests are as many as are usual, and make an entity no more unsteady.
        """
        mean = self._mean(pl.col("level"))
        # of an hour that was not lived yet it is not known whether so many requests are unusual
        as_usual, expected = (times, 1.0) if self._hours.lived(bin_number) else (1.0, times)
        taught = visited = n = pl.col("n").cast(pl.Float64) / as_usual
        if not self.young:
            taught = pl.min_horizontal(n, pl.max_horizontal(pl.lit(TEACHES_AT_LEAST), TEACHES_TIMES * mean))
            visited = pl.min_horizontal(n, pl.max_horizontal(pl.lit(HOUR_AT_LEAST), HOUR_TIMES * mean))
        there = hashed(counts).sort("hash")
        levels, places = with_new(self._levels, there)
        found = there.select("hash", "n", place=places)
        if frozen:
            is_told = pl.col("hash").is_in(hashes_of(frozen).implode())
            taught = pl.when(is_told).then(mean).otherwise(taught)
            told = levels.select("hash").with_row_index("place").filter(is_told).join(found, on="hash", how="anti")
            found = pl.concat([found, told.select("hash", pl.lit(0, pl.Int64).alias("n"), "place")])
        ends = self._hours.ends_before(bin_number)
        if ends:
            passed = visitors(levels)
            levels = levels.with_columns(visited=pl.lit(0.0))
        known = (
            found.hstack(levels.select(FIGURES)[found["place"]])
            .lazy()
            .join(self._hours.means(None, bin_number).lazy(), on="hash", how="left", maintain_order="left")
            .with_columns(taught=taught, coming=visited, expected=self._expected(bin_number) * expected)
            .select(
                level=pl.col("level") * self._decay + pl.col("taught"),
                recent=pl.col("recent") * self._recent_decay + pl.col("taught"),
                spread=pl.col("spread") * self._decay
                + pl.min_horizontal(
                    _deviation(pl.col("taught"), pl.col("expected")),
                    DEVIATES * self._dispersion(pl.col("spread"), DRIFT, pl.col("expected")),
                ),
                visited=pl.col("visited") + pl.col("coming"),
            )
            .collect()
        )
        if ends:
            self._hours.end(passed)
            # the text of who was forgotten since goes, too
            levels = owned(levels)
        self._take(put(self._decayed(levels, 1), found["place"], known), bins=1)
        self._hours.go_on(bin_number, frozen, times)

    def learn_many(self, binned: Binned, first_bin: int, bins: int) -> None:
        """Takes `bins` bins from `first_bin` on at once.

        For history in which nobody is told anything: a bin teaches at most four times the entity's mean over it.
        """
        if bins == 0:
            return
        levels, places = with_new(self._levels, binned.entities)
        whole = binned.rows.group_by("hash").agg(mean=(pl.col("n").sum() + PRIOR) / (bins + 1))
        taught = binned.rows.join(whole, on="hash").select(
            "hash",
            "age",
            taught=pl.min_horizontal(
                pl.col("n").cast(pl.Float64),
                pl.max_horizontal(pl.lit(TEACHES_AT_LEAST), TEACHES_TIMES * pl.col("mean")),
            ),
        )
        whole = taught.group_by("hash").agg(taught_mean=(pl.col("taught").sum() + PRIOR) / (bins + 1))
        weight, weight_recent = self._decay ** pl.col("age"), self._recent_decay ** pl.col("age")
        learned = (
            taught.join(whole, on="hash")
            .group_by("hash")
            .agg(
                taught=(pl.col("taught") * weight).sum(),
                taught_recent=(pl.col("taught") * weight_recent).sum(),
                deviation=(_deviation(pl.col("taught"), pl.col("taught_mean")) * weight).sum(),
            )
        )
        levels = self._decayed(levels, bins)
        known = binned.entities.select("hash").hstack(levels.select(FIGURES)[places])
        after = known.join(learned, on="hash", how="left", maintain_order="left").select(
            level=pl.col("level") + pl.col("taught"),
            recent=pl.col("recent") + pl.col("taught_recent"),
            spread=pl.col("spread") + pl.col("deviation"),
        )
        self._take(put(levels, places, after), bins)
        self._hours.learn_many(taught, binned.entities, first_bin, bins)

    def entities_of(self, what: int) -> pl.Series:
        """Those that are known of what is counted at that place."""
        return self._levels.filter(pl.col("what") == what)["entity"]

    def count_of(self, what: int) -> int:
        """How many are known of what is counted at that place."""
        if self._counted is None:
            self._counted = dict(self._levels["what"].value_counts().iter_rows())
        return self._counted.get(what, 0)

    def expected_of(self, entities: Iterable[str], bin_number: int) -> dict[str, Expected]:
        """What is usual for each in that bin; what was asked for in this bin before is not looked up again."""
        if self._asked[:2] != (bin_number, self.learned):
            self._asked = (bin_number, self.learned, {})
        known = self._asked[2]
        wanted = set(entities)
        new = sorted(wanted - known.keys())
        if new:
            hashes = hashes_of(new)
            there = self._levels.filter(pl.col("hash").is_in(hashes.implode()))
            levels = {row[0]: row for row in there.select("hash", "level", "recent", "spread").iter_rows()}
            of_hour = dict(self._hours.means(hashes, bin_number).iter_rows())
            of_earlier = dict(self._hours.means(hashes, bin_number - BINS_AN_HOUR).iter_rows())
            drifts = self._hours.drifts
            for entity, hash_of in zip(new, hashes, strict=True):
                drift = drifts.get(entity.partition("|")[0], DRIFT)
                _, level, recent, spread = levels.get(hash_of, NOTHING)
                hour_levels = of_hour.get(hash_of, 0.0), of_earlier.get(hash_of, 0.0)
                known[entity] = self._of_one(level, recent, spread, hour_levels, drift, bin_number)
        return {entity: known[entity] for entity in wanted}

    def _over_hour(self, usual: float, flat: float, earlier: float, bin_number: int) -> float:
        """The mean of the twelve bins up to that one, of which some are of the hour before."""
        before = bin_number - BINS_AN_HOUR
        if not (self._hours.lived(bin_number) and self._hours.lived(before)):
            return usual
        part = (bin_number % BINS_AN_HOUR + 1) / BINS_AN_HOUR
        return part * usual + (1 - part) * max(usual, self._hours.mean(earlier, flat, before))

    def _of_one(
        self,
        level: float,
        recent: float,
        spread: float,
        hour_levels: tuple[float, float],
        drift: float,
        bin_number: int,
    ) -> Expected:
        hour_level, earlier = hour_levels
        flat = self._mean(level)
        present = self._present(flat, recent, hour_level, bin_number)
        usual = max(HOUR_BELOW * flat if flat >= LARGE else flat, present)
        over_hour = self._over_hour(usual, flat, earlier, bin_number)
        clustered = max(DISPERSION, self._dispersion(spread, drift, usual) - drift * usual)
        dispersion = clustered * (1 + 1 / (self.bins + 1))
        drift *= TAIL
        if self._hours.guessed(bin_number):
            drift += GUESSED_HOUR
        elif not self._hours.lived(bin_number):
            drift += UNKNOWN_HOUR
        return Expected(usual, min(flat, usual, present), dispersion, drift, over_hour)

    def _mean(self, level: Figure) -> Figure:
        return (level + PRIOR) / (self.bins + 1)

    def _dispersion(self, spread: Figure, drift: float, expected: Figure) -> Figure:
        prior = expected * drift + DISPERSION
        return (prior * DISPERSION_BINS + spread) / (self.bins + DISPERSION_BINS)

    def _present(self, flat: Figure, recent: Figure, hour_level: Figure, bin_number: int) -> Figure:
        """The mean of the bin's hour, or of late while that is not known."""
        if self._hours.lived(bin_number) or self._hours.guessed(bin_number):
            return self._hours.mean(hour_level, flat, bin_number)
        return (recent + PRIOR) / (self.recent_bins + 1)

    def _expected(self, bin_number: int) -> pl.Expr:
        """What is usual in that bin at the most. The hour of a large entity is known well: it counts for more."""
        flat = self._mean(pl.col("level"))
        least = pl.when(flat >= LARGE).then(flat * HOUR_BELOW).otherwise(flat)
        of_hour = pl.col("hour_level").fill_null(0.0)
        return pl.max_horizontal(least, self._present(flat, pl.col("recent"), of_hour, bin_number))

    def state(self) -> dict[str, object]:
        """JSON-able; `restore` makes the same baseline of it."""
        return {
            "bins": self.bins,
            "recent_bins": self.recent_bins,
            "learned": self.learned,
            "levels": packed(self._levels.select(list(SAVED))),
            "hours": self._hours.state(visitors(self._levels)),
        }

    def restore(self, state: Mapping[str, object]) -> None:
        self.bins = float(str(state["bins"]))
        self.recent_bins = float(str(state["recent_bins"]))
        self.learned = int(str(state["learned"]))
        self._levels = restored(unpacked(state["levels"]))
        self._counted = None
        self._hours.restore(state["hours"])
        self._asked = (-1, -1, {})

    def _decayed(self, levels: pl.DataFrame, bins: int) -> pl.DataFrame:
        """So many bins later."""
        decay, recent_decay = self._decay**bins, self._recent_decay**bins
        return levels.with_columns(pl.col("level", "spread") * decay, pl.col("recent") * recent_decay)

    def _take(self, levels: pl.DataFrame, bins: int) -> None:
        kept = levels.filter(pl.col("level") > FORGOTTEN)
        if kept.height > MAX_ENTITIES:
            kept = kept.top_k(MAX_ENTITIES, by="level").sort("hash")
        if kept.height < levels.height:
            self._hours.keep(visitors(levels).join(kept, on="hash", how="anti"))
        self._levels = kept
        self._counted = None
        self.bins = _lived(self.bins, self._decay, bins)
        self.recent_bins = _lived(self.recent_bins, self._recent_decay, bins)
        self.learned += bins


def _deviation(count: pl.Expr, mean: pl.Expr) -> pl.Expr:
    """Twice the square of what is too much over the mean: as large as the whole variance where both sides are alike."""
    return 2 * pl.max_horizontal(count - mean, pl.lit(0.0)) ** 2 / pl.max_horizontal(mean, pl.lit(1.0))


def _lived(before: float, decay: float, bins: int) -> float:
    passed: float = before * decay**bins + (1 - decay**bins) / (1 - decay)
    return passed
