"""How frames are kept: in JSON, and in memory by hashes and without the text of others."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable


def packed(frame: pl.DataFrame) -> str:
    """`frame` as base64 of compressed Arrow IPC."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd")
    return base64.b64encode(buffer.getvalue()).decode()


def unpacked(text: object) -> pl.DataFrame:
    """What `packed` was given."""
    return pl.read_ipc(io.BytesIO(base64.b64decode(str(text))))


def hashed(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `hash`: 64 bits that stand for its `entity` as long as this process lives."""
    return frame.with_columns(hash=pl.col("entity").hash())


def hashes_of(entities: Iterable[str]) -> pl.Series:
    """The hash of each, as `hashed` has them."""
    return pl.Series(list(entities), dtype=pl.String).hash()


def owned(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with text of its own: what was filtered or joined else keeps all the text it was taken from in memory."""
    text = [name for name, kind in frame.schema.items() if kind == pl.String]
    # polars has no call for it; whatever makes new text does
    return frame.with_columns(pl.concat_str(name, pl.lit("")).alias(name) for name in text)
