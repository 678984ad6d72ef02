"""What is held of all entities: a frame in the order of their hashes, so that those of a bin are found by bisection.

What decays does so for everybody with one multiplication; what a bin teaches is put where its entities are.
"""

from __future__ import annotations

import polars as pl

from log_sentinel.detection.frames import hashed, owned

# What is saved of them: level and spread decay with the half-life, `recent` is a level that does with two hours.
SAVED: dict[str, type[pl.DataType]] = {
    "entity": pl.String,
    "level": pl.Float64,
    "recent": pl.Float64,
    "spread": pl.Float64,
}
# `visited`: so much of the hour that is going on waits to be taken in by `hours`.
FIGURES = ("level", "recent", "spread", "visited")
LEVELS: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, "what": pl.UInt16, **SAVED, "visited": pl.Float64}


def restored(saved: pl.DataFrame) -> pl.DataFrame:
    """LEVELS of SAVED."""
    what = pl.col("entity").str.split_exact("|", 1).struct.field("field_0").cast(pl.UInt16)
    return hashed(saved).with_columns(what=what, visited=pl.lit(0.0)).select(list(LEVELS)).sort("hash")


def with_new(levels: pl.DataFrame, there: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """LEVELS with those of `there` (hash, what, entity; in the order of hash) that are new, and where all of them are.

    What is new has nothing yet.
    """
    hashes = there["hash"]
    places = levels["hash"].search_sorted(hashes)
    at_place = pl.select(pl.lit(levels["hash"]).gather(pl.lit(places), null_on_oob=True)).to_series()
    new = there.filter(at_place.ne_missing(hashes)).select("hash", "what", "entity")
    if new.is_empty():
        return levels, places
    nothing = owned(new).with_columns(pl.lit(0.0).alias(name) for name in FIGURES)
    return pl.concat([levels, nothing.select(list(LEVELS))]).sort("hash"), places + new["hash"].search_sorted(hashes)


def put(levels: pl.DataFrame, places: pl.Series, figures: pl.DataFrame) -> pl.DataFrame:
    """`levels` with those `figures` at these places."""
    return levels.with_columns(levels[name].scatter(places, figures[name]) for name in figures.columns)


def visitors(levels: pl.DataFrame) -> pl.DataFrame:
    """Who was there in the hour that is going on: hash, entity, taught."""
    return levels.filter(pl.col("visited") > 0).select("hash", "entity", taught="visited")
