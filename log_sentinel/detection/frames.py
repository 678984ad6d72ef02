"""Frames as text, to be kept in JSON."""

from __future__ import annotations

import base64
import io

import polars as pl


def packed(frame: pl.DataFrame) -> str:
    """`frame` as base64 of compressed Arrow IPC."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd")
    return base64.b64encode(buffer.getvalue()).decode()


def unpacked(text: object) -> pl.DataFrame:
    """What `packed` was given."""
    return pl.read_ipc(io.BytesIO(base64.b64decode(str(text))))
