"""What the hour of the day adds to the usual: office hours, nightly jobs. Weekends are hours of their own.

Each of 48 hours has a level per entity that loses 0.3 at every visit, and the bins it has lived, which do the same. Its
mean leans on the entity's flat mean with a weight of 1.5 bins. Only entities with a few denials an hour are followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from log_sentinel.detection.frames import packed, unpacked
from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS: dict[str, type[pl.DataType]] = {"entity": pl.String, "slot": pl.Int64, "hour_level": pl.Float64}

BINS_AN_HOUR = 60 // BIN
BINS_A_DAY = 24 * BINS_AN_HOUR
KEPT_A_VISIT = 0.7
LEANS = 1.5
# An hour that has been lived for so many bins has something to say.
LIVED = 6
FOLLOWED_FROM = 4.0
MAX_ROWS = 400_000


class Hours:
    """The levels by hour of the day."""

    def __init__(self) -> None:
        self._levels = pl.DataFrame(schema=LEVELS)
        self._bins: dict[int, float] = {}
        # the hour that is going on is taken in when it is over
        self._present: list[pl.DataFrame] = []
        self._hour: int | None = None

    def learn(self, taught: pl.DataFrame, bin_number: int) -> None:
        """Takes in a bin: entity, taught (Float64)."""
        hour = bin_number // BINS_AN_HOUR
        if self._hour is not None and hour != self._hour:
            self._visited(pl.concat(self._present), slot_of(self._hour), len(self._present))
            self._present = []
        self._hour = hour
        self._present.append(taught)

    def learn_many(self, taught: pl.DataFrame, first_bin: int, bins: int) -> None:
        """Takes in `bins` bins at once: entity, taught and age."""
        last = first_bin + bins - 1
        hours = taught.with_columns(hour=(last - pl.col("age")) // BINS_AN_HOUR)
        for hour in range(first_bin // BINS_AN_HOUR, last // BINS_AN_HOUR + 1):
            lived = min(last, hour * BINS_AN_HOUR + BINS_AN_HOUR - 1) - max(first_bin, hour * BINS_AN_HOUR) + 1
            self._visited(hours.filter(pl.col("hour") == hour).select("entity", "taught"), slot_of(hour), lived)

    def lived(self, bin_number: int) -> bool:
        """Whether that bin's hour has been lived long enough to say something."""
        return self._bins.get(slot_of(bin_number // BINS_AN_HOUR), 0.0) >= LIVED

    def means(self, entities: pl.Series, bin_number: int) -> pl.LazyFrame:
        """entity, hour_level of that bin's hour, for those of `entities` that are followed."""
        slot = slot_of(bin_number // BINS_AN_HOUR)
        here = (pl.col("slot") == slot) & pl.col("entity").is_in(entities.implode())
        return self._levels.lazy().filter(here).select("entity", "hour_level")

    def mean(self, flat: pl.Expr, bin_number: int) -> pl.Expr:
        """The mean of that bin's hour beside the flat mean; reads `hour_level`."""
        bins = self._bins.get(slot_of(bin_number // BINS_AN_HOUR), 0.0)
        return (pl.col("hour_level").fill_null(0.0) + LEANS * flat) / (bins + LEANS)

    def state(self) -> dict[str, object]:
        return {
            "levels": packed(self._levels),
            "bins": {str(slot): bins for slot, bins in self._bins.items()},
            "present": [packed(frame) for frame in self._present],
            "hour": self._hour,
        }

    def restore(self, state: object) -> None:
        given = cast("Mapping[str, object]", state)
        self._levels = unpacked(given["levels"])
        self._bins = {int(slot): bins for slot, bins in cast("Mapping[str, float]", given["bins"]).items()}
        self._present = [unpacked(frame) for frame in cast("list[str]", given["present"])]
        self._hour = cast("int | None", given["hour"])

    def _visited(self, taught: pl.DataFrame, slot: int, bins: int) -> None:
        there = taught.group_by("entity").agg(pl.col("taught").sum()).filter(pl.col("taught") >= FOLLOWED_FROM)
        before = self._levels.filter(pl.col("slot") == slot)
        after = (
            before.join(there, on="entity", how="full", coalesce=True)
            .select(
                "entity",
                slot=pl.lit(slot, pl.Int64),
                hour_level=pl.col("hour_level").fill_null(0.0) * KEPT_A_VISIT + pl.col("taught").fill_null(0.0),
            )
            .filter(pl.col("hour_level") >= 1.0)
        )
        levels = pl.concat([self._levels.filter(pl.col("slot") != slot), after])
        self._levels = levels if levels.height <= MAX_ROWS else levels.top_k(MAX_ROWS, by="hour_level")
        self._bins[slot] = self._bins.get(slot, 0.0) * KEPT_A_VISIT + bins


def slot_of(hour: int) -> int:
    """The slot of an hour counted since 1970 (a Thursday): 0 to 23 on weekdays, 24 to 47 on weekends; UTC."""
    weekend = (hour // 24 + 3) % 7 >= 5
    return hour % 24 + (24 if weekend else 0)
