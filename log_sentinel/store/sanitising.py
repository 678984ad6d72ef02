"""The one place where values are made fit for a database. Log content is whatever an attacker sends.

What a database refuses, or would be hurt by, is changed so that it can be stored and still be recognised:
NUL (Postgres refuses it, SQLite's length() ends there) and lone surrogates become U+FFFD; numbers that are none become
null; integers past 64 bits are held at the end of the range; a time nobody can have meant becomes the time of reading
(and says so: time_is = received); a key column too long for an index entry (Postgres: 2704 bytes for all of them,
https://www.postgresql.org/docs/current/btree.html) keeps its beginning and a hash of the whole, so that two stay two.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLACEMENT = "\ufffd"
MAX_INTEGER = 2**63 - 1
# Access logs are not older than the web. A replayed or simulated log may run ahead of the clock, but not by years.
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=400)
KEY_BYTES = 480
KEYS = ("client", "ip", "route", "key", "reason", "entry")
JSON_COLUMNS = ("upstream_attempts", "cause_alternatives", "evidence")
UNFIT = re.compile("[\x00\ud800-\udfff]")
# NUL or half a surrogate pair as JSON escapes them; a look at the text that may be wrong in the safe direction only
ESCAPED_UNFIT = r"\\u(0000|[dD][89a-fA-F])"


def fit_text(text: str) -> str:
    """`text` without NUL and lone surrogates."""
    return UNFIT.sub(REPLACEMENT, text)


def fit_key(text: str) -> str:
    """`text` as a key column holds it."""
    return _shortened(fit_text(text)) or ""


def fit_integer(number: int) -> int:
    """`number` within a signed 64 bit integer."""
    return max(-MAX_INTEGER - 1, min(MAX_INTEGER, number))


def fit_json(value: object) -> object:
    """A JSON-able value with every text and number in it made fit; NaN and infinities are None."""
    match value:
        case str():
            return fit_text(value)
        case dict():
            return {fit_text(str(name)): fit_json(inner) for name, inner in value.items()}
        case list() | tuple():
            return [fit_json(inner) for inner in value]
        case bool() | None:
            return value
        case int():
            return fit_integer(value)
        case float():
            return value if value - value == 0 else None
        case _:
            return fit_text(str(value))


def fit_frame(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """`frame`, its columns and types unchanged, with every value fit; `now` is the time of reading (UTC)."""
    if frame.is_empty():
        return frame
    frame = _fit_times(frame, now)
    changed: list[pl.Expr] = []
    suspects = frame.select(
        *(pl.col(name).str.contains("\x00", literal=True).any().alias(f"nul {name}") for name in _of(frame, pl.String)),
        *((~pl.col(name).is_finite()).any().alias(f"nan {name}") for name in _of(frame, pl.Float64, pl.Float32)),
        *(
            (pl.col(name).str.len_bytes() > KEY_BYTES).any().alias(f"long {name}")
            for name in KEYS
            if name in frame.columns
        ),
    ).row(0, named=True)
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if suspects.get(f"nul {name}"):
            column = column.str.replace_all("\x00", REPLACEMENT, literal=True)
        if suspects.get(f"long {name}"):
            column = column.map_elements(_shortened, return_dtype=pl.String)
        if name in JSON_COLUMNS and dtype == pl.String:
            column = _fit_json_column(frame[name], column)
        if suspects.get(f"nan {name}"):
            column = pl.when(column.is_finite()).then(column)
        changed.append(column.alias(name))
    return frame.select(changed)


def _of(frame: pl.DataFrame, *dtypes: type[pl.DataType]) -> list[str]:
    return [name for name, dtype in frame.schema.items() if dtype in dtypes]


def _fit_times(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Absurd times become `now`, cut to the minute or hour where the column is one."""
    schema: Mapping[str, pl.DataType] = frame.schema
    for name, cut in (("time", "1ms"), ("minute", "1m"), ("hour", "1h")):
        if not isinstance(schema.get(name), pl.Datetime):
            continue
        sane = pl.col(name).is_between(EARLIEST, now + AHEAD)
        if frame.select(sane.all()).item():
            continue
        received = pl.lit(now).cast(schema[name]).dt.truncate(cut)
        columns = [pl.when(sane).then(pl.col(name)).otherwise(received).alias(name)]
        if "time_is" in schema:
            columns.append(pl.when(sane).then(pl.col("time_is")).otherwise(pl.lit("received")).alias("time_is"))
        frame = frame.with_columns(columns)
    return frame


def _fit_json_column(values: pl.Series, column: pl.Expr) -> pl.Expr:
    if not values.str.contains(ESCAPED_UNFIT).any():
        return column
    return (
        pl.when(column.str.contains(ESCAPED_UNFIT))
        .then(column.map_elements(_fit_json_text, pl.String))
        .otherwise(column)
    )


def _fit_json_text(text: str) -> str:
    try:
        return json.dumps(fit_json(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return json.dumps(text)


def _shortened(text: str | None) -> str | None:
    if text is None or len(text) <= KEY_BYTES // 4:
        return text
    raw = text.encode()
    if len(raw) <= KEY_BYTES:
        return text
    mark = f"…{blake2b(raw, digest_size=8).hexdigest()}"
    return raw[: KEY_BYTES - len(mark.encode())].decode(errors="ignore") + mark
