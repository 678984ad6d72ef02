"""What the hour of the day adds to the usual: office hours, nightly jobs. Weekends are hours of their own.

Each of 48 hours has a level per entity that loses 0.3 at every visit, and the bins it has lived, which do the same. Its
mean leans on the entity's flat mean with a weight of 1.5 bins. Only entities with a few denials an hour are followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import polars as pl

from log_sentinel.detection.frames import hashed, owned, packed, unpacked
from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# `last`: what the last visit brought.
LEVELS: dict[str, type[pl.DataType]] = {"entity": pl.String, "hour_level": pl.Float64, "last": pl.Float64}
_HELD: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, **LEVELS}
_VISITORS: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, "entity": pl.String, "taught": pl.Float64}
Figure = TypeVar("Figure", float, pl.Expr)

BINS_AN_HOUR = 60 // BIN
BINS_A_DAY = 24 * BINS_AN_HOUR
KEPT_A_VISIT = 0.7
LEANS = 1.5
# An hour that has been lived for so many bins has something to say.
LIVED = 6
FOLLOWED_FROM = 4.0
# An hour in an incident teaches at most so many times its mean, or what its last visit brought: what happens once is no
# part of the day, what happens on two days is.
ONCE = 1.3
# Hours with so many denials are compared with those of other days, without the part of their variance that comes of
# clusters.
COMPARED_FROM, CLUSTERED = 60.0, 3.0
# What is thought of drift before anything is known, how many hours that weighs, and what is kept of it every hour.
PRIOR_DRIFT, PRIOR_HOURS, DRIFT_KEPT, LEAST_DRIFT = 0.09, 3.0, 0.98, 0.005
# An hour with more than so many times the usual requests is not compared with others.
ORDINARY_TIMES = 1.3
# Entities that are followed in an hour; of more, the largest.
MAX_ROWS = 20_000


class Hours:
    """The levels by hour of the day."""

    def __init__(self) -> None:
        self._levels: dict[int, pl.DataFrame] = {}
        self._bins: dict[int, float] = {}
        # the hour that is going on is taken in when it is over: so many bins of it so far, and what of it the baseline
        # holds no more
        self._hour: int | None = None
        self._present = 0
        self._kept: list[pl.DataFrame] = []
        # what says nothing of ordinary hours: entities in an incident, and all of them where requests are unusual
        self._unsteady: set[str] = set()
        self._most_times = 1.0
        self._drifts: dict[str, tuple[float, float]] = {}

    @property
    def drifts(self) -> dict[str, float]:
        """By the number of what is counted: the variance of an hour's count over the square of its mean."""
        return {what: max(LEAST_DRIFT, total / weight) for what, (total, weight) in self._drifts.items()}

    def ends_before(self, bin_number: int) -> bool:
        """Whether the hour that is going on is over with that bin."""
        return self._hour is not None and bin_number // BINS_AN_HOUR != self._hour

    def end(self, visitors: pl.DataFrame) -> None:
        """Takes in the hour that was going on: hash, entity and what was `taught` of each (Float64) in it."""
        if self._hour is not None:
            taught = pl.concat([visitors, *self._kept])
            names = taught.select("hash", "entity").unique("hash", keep="any")
            self._visited(taught, names, slot_of(self._hour), self._present, self._unsteady)
        self._hour = None
        self._present, self._kept, self._unsteady, self._most_times = 0, [], set(), 1.0

    def go_on(self, bin_number: int, frozen: Collection[str] = (), times: float = 1.0) -> None:
        """A bin was lived: `frozen` are in an incident; requests were `times` the usual."""
        self._hour = bin_number // BINS_AN_HOUR
        self._present += 1
        self._unsteady.update(frozen)
        self._most_times = max(self._most_times, times)

    def keep(self, visitors: pl.DataFrame) -> None:
        """Keeps what the hour that is going on has had so far of those that are forgotten: hash, entity, taught."""
        if not visitors.is_empty():
            self._kept.append(owned(visitors))

    def learn_many(self, taught: pl.DataFrame, names: pl.DataFrame, first_bin: int, bins: int) -> None:
        """Takes in `bins` bins at once: hash, taught and age; `names`: the entity of each hash."""
        last = first_bin + bins - 1
        hour_of = (last - pl.col("age")) // BINS_AN_HOUR
        for hour in range(first_bin // BINS_AN_HOUR, last // BINS_AN_HOUR + 1):
            lived = min(last, hour * BINS_AN_HOUR + BINS_AN_HOUR - 1) - max(first_bin, hour * BINS_AN_HOUR) + 1
            self._visited(taught.filter(hour_of == hour), names, slot_of(hour), lived, set())

    def lived(self, bin_number: int) -> bool:
        """Whether that bin's hour has been lived long enough to say something."""
        return self._lived(slot_of(bin_number // BINS_AN_HOUR))

    def guessed(self, bin_number: int) -> bool:
        """Whether that is known only of the same hour of a weekday, or of a weekend."""
        slot = slot_of(bin_number // BINS_AN_HOUR)
        return not self._lived(slot) and self._lived(other_of(slot))

    def means(self, hashes: pl.Series | None, bin_number: int) -> pl.DataFrame:
        """hash, hour_level of that bin's hour, for those of `hashes` (None: all) that are followed."""
        slot, before = (self._slot(number) for number in (bin_number, bin_number - 1))
        levels = self._some(slot, hashes)
        if before != slot and self._bins.get(before):
            # a window that ends in the first minutes of an hour has minutes of the one before
            share = self._bins.get(slot, 0.0) / self._bins[before]
            earlier = self._some(before, hashes).with_columns(pl.col("hour_level") * share)
            levels = pl.concat([levels, earlier]).group_by("hash").agg(pl.col("hour_level").max())
        return levels

    def mean(self, hour_level: Figure, flat: Figure, bin_number: int) -> Figure:
        """The mean of that bin's hour beside the flat mean."""
        bins = self._bins.get(self._slot(bin_number), 0.0)
        return (flat * LEANS + hour_level) / (bins + LEANS)

    def state(self, visitors: pl.DataFrame) -> dict[str, object]:
        """JSON-able. `visitors`: as `end` takes them."""
        there = pl.concat([visitors, *self._kept]).select("entity", "taught")
        return {
            "levels": {str(slot): packed(levels.select(list(LEVELS))) for slot, levels in self._levels.items()},
            "bins": {str(slot): bins for slot, bins in self._bins.items()},
            "present": self._present,
            "visitors": packed(there),
            "hour": self._hour,
            "unsteady": sorted(self._unsteady),
            "most_times": self._most_times,
            "drifts": {what: list(seen) for what, seen in self._drifts.items()},
        }

    def restore(self, state: object) -> None:
        given = cast("Mapping[str, object]", state)
        levels = cast("Mapping[str, str]", given["levels"])
        self._levels = {int(slot): _held(unpacked(frame)) for slot, frame in levels.items()}
        self._bins = {int(slot): bins for slot, bins in cast("Mapping[str, float]", given["bins"]).items()}
        self._present = cast("int", given["present"])
        self._kept = [hashed(unpacked(given["visitors"])).select(list(_VISITORS))]
        self._hour = cast("int | None", given["hour"])
        self._unsteady = set(cast("list[str]", given["unsteady"]))
        self._most_times = cast("float", given["most_times"])
        drifts = cast("Mapping[str, tuple[float, float]]", given["drifts"])
        self._drifts = {what: (total, weight) for what, (total, weight) in drifts.items()}

    def _lived(self, slot: int) -> bool:
        return self._bins.get(slot, 0.0) >= LIVED

    def _slot(self, bin_number: int) -> int:
        """The slot that tells what is usual in that bin."""
        slot = slot_of(bin_number // BINS_AN_HOUR)
        return other_of(slot) if self.guessed(bin_number) else slot

    def _visited(
        self, taught: pl.DataFrame, names: pl.DataFrame, slot: int, bins: int, unsteady: Collection[str]
    ) -> None:
        """`unsteady`: those of whom it says nothing of ordinary hours."""
        sums = taught.group_by("hash").agg(pl.col("taught").sum()).filter(pl.col("taught") >= FOLLOWED_FROM)
        there = sums.join(names.select("hash", "entity"), on="hash")
        before, lived = self._of(slot), self._bins.get(slot, 0.0)
        self._compare(there, before, lived, bins, unsteady)
        entity = pl.coalesce("entity", "entity_right")
        level, last, brought = (pl.col(name).fill_null(0.0) for name in ("hour_level", "last", "taught"))
        once = pl.max_horizontal(ONCE * level / max(lived, 1.0) * bins, last)
        apart = entity.is_in(list(unsteady)) if lived >= LIVED else pl.lit(value=False)
        after = (
            before.join(there, on="hash", how="full", coalesce=True)
            .select(
                "hash",
                entity,
                hour_level=level * KEPT_A_VISIT
                + pl.when(apart).then(pl.min_horizontal(brought, once)).otherwise(brought),
                last=brought,
            )
            .filter((pl.col("hour_level") >= 1.0) | (pl.col("last") >= FOLLOWED_FROM))
        )
        self._levels[slot] = owned(after if after.height <= MAX_ROWS else after.top_k(MAX_ROWS, by="hour_level"))
        self._bins[slot] = self._bins.get(slot, 0.0) * KEPT_A_VISIT + bins

    def _some(self, slot: int, hashes: pl.Series | None) -> pl.DataFrame:
        levels = self._of(slot).select("hash", "hour_level")
        return levels if hashes is None else levels.filter(pl.col("hash").is_in(hashes.implode()))

    def _of(self, slot: int) -> pl.DataFrame:
        return self._levels.get(slot, pl.DataFrame(schema=_HELD))

    def _compare(
        self, there: pl.DataFrame, before: pl.DataFrame, bins_before: float, bins: int, unsteady: Collection[str]
    ) -> None:
        """Learns from an hour how much it differs from the same one of other days, over all that is counted alike."""
        if bins_before < LIVED or self._most_times > ORDINARY_TIMES:
            return
        mean = pl.col("hour_level") / bins_before * bins
        ratio = (pl.col("taught").fill_null(0.0) / pl.col("mean") - 1).clip(-1.0, 1.0)
        differing = (
            before.with_columns(mean=mean)
            .filter((pl.col("mean") >= COMPARED_FROM) & ~pl.col("entity").is_in(list(unsteady)))
            .join(there, on="hash", how="left")
            .group_by(what=pl.col("entity").str.split_exact("|", 1).struct.field("field_0"))
            .agg(
                # the largest count most: it is for them that drift is more than clusters
                square=((ratio**2 - CLUSTERED / pl.col("mean")) * pl.col("mean")).sum() / pl.col("mean").mean(),
                entities=pl.len(),
            )
        )
        for what, square, entities in differing.iter_rows():
            total, weight = self._drifts.get(what, (PRIOR_DRIFT * PRIOR_HOURS, PRIOR_HOURS))
            self._drifts[what] = total * DRIFT_KEPT + square, weight * DRIFT_KEPT + entities


def _held(levels: pl.DataFrame) -> pl.DataFrame:
    return hashed(levels).select(list(_HELD))


def slot_of(hour: int) -> int:
    """The slot of an hour counted since 1970 (a Thursday): 0 to 23 on weekdays, 24 to 47 on weekends; UTC."""
    weekend = (hour // 24 + 3) % 7 >= 5
    return hour % 24 + (24 if weekend else 0)


def other_of(slot: int) -> int:
    """The same hour of a weekday where `slot` is one of a weekend, and the other way round."""
    return (slot + 24) % 48
