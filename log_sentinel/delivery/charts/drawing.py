"""Draws a chart as a PNG, in a process of its own.

The renderer holds a browser's engine: 86 MB at most (measured), which go back to the machine when it ends. The daemon
itself never loads it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog

from log_sentinel.delivery.charts.plot import plot

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Chart

log = structlog.get_logger(__name__)

RENDERER = "vl_convert"
# Measured 0.7 s on an idle core, 4 s where others use it up; an alert waits for it.
SECONDS = 15.0
# Slack and mail clients take far more; a picture that is larger is none of ours.
MOST_BYTES = 1024 * 1024
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@lru_cache(maxsize=16)
def drawn(chart: Chart) -> bytes | None:
    """`chart` as a PNG; None without the extra `charts`, or where drawing fails: alerts go without it then."""
    if find_spec(RENDERER) is None:
        return None
    try:
        done = subprocess.run(
            [sys.executable, "-m", "log_sentinel.delivery.charts.render"],
            input=json.dumps(plot(chart)).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        log.warning("chart could not be drawn", reason=str(why))
        return None
    if not done.stdout.startswith(SIGNATURE) or len(done.stdout) > MOST_BYTES:
        log.warning("chart could not be drawn", reason=done.stderr.decode("utf-8", "replace")[-300:])
        return None
    return done.stdout
