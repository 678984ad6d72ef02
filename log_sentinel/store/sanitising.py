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
from functools import lru_cache
from hashlib import blake2b

import polars as pl

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
    looks = _looks(tuple(frame.schema.items()))
    if looks:
        for look, unfit in frame.select(looks).row(0, named=True).items():
            if unfit:
                way, _, name = look.partition(" ")
                frame = frame.with_columns(_mended(name, way))
    return frame


@lru_cache(maxsize=64)
def _looks(schema: tuple[tuple[str, pl.DataType], ...]) -> list[pl.Expr]:
    """One yes or no for each way a column can be unfit, named "way column". Kept, since small commits come often."""
    looks = []
    for name, dtype in schema:
        column = pl.col(name)
        if dtype == pl.String:
            looks.append(column.str.contains("\x00", literal=True).any().alias(f"nul {name}"))
        if dtype == pl.String and name in KEYS:
            looks.append((column.str.len_bytes() > KEY_BYTES).any().alias(f"long {name}"))
        if dtype == pl.String and name in JSON_COLUMNS:
            looks.append(column.str.contains(ESCAPED_UNFIT).any().alias(f"json {name}"))
        if dtype in (pl.Float64, pl.Float32):
            looks.append((~column.is_finite()).any().alias(f"nan {name}"))
    return looks


def _mended(name: str, way: str) -> pl.Expr:
    column = pl.col(name)
    match way:
        case "nul":
            return column.str.replace_all("\x00", REPLACEMENT, literal=True)
        case "long":
            return column.map_elements(_shortened, return_dtype=pl.String)
        case "json":
            unfit = column.str.contains(ESCAPED_UNFIT)
            return pl.when(unfit).then(column.map_elements(_fit_json_text, pl.String)).otherwise(column)
        case _:
            return pl.when(column.is_finite()).then(column)


def _fit_times(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Absurd times become `now`, cut to the minute or hour where the column is one."""
    for name, cut in (("time", "1ms"), ("minute", "1m"), ("hour", "1h")):
        if name not in frame.columns:
            continue
        first, last = frame[name].min(), frame[name].max()
        if not isinstance(first, datetime) or not isinstance(last, datetime):
            continue
        if first >= EARLIEST and last <= now + AHEAD:
            continue
        sane = pl.col(name).is_between(EARLIEST, now + AHEAD)
        received = pl.lit(now).cast(frame.schema[name]).dt.truncate(cut)
        columns = [pl.when(sane).then(pl.col(name)).otherwise(received).alias(name)]
        if "time_is" in frame.columns:
            columns.append(pl.when(sane).then(pl.col("time_is")).otherwise(pl.lit("received")).alias("time_is"))
        frame = frame.with_columns(columns)
    return frame


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
