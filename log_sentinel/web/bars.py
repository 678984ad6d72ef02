"""A chart as the figures of an SVG: bars, and the usual as a line across them. No word of a log is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from log_sentinel.delivery.charts.plot import bars, minutes_a_bar
from log_sentinel.delivery.message.text import number

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Chart

WIDTH, HEIGHT = 720, 150
# Where times are written below the bars.
TIMES = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bars:
    """`usual` is the height of the line, None where nothing is usual; `top` what the upper edge stands for; `times` are
    places along the lower edge and what to write there (UTC).
    """

    bars: tuple[Bar, ...]
    usual: float | None
    top: str
    times: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def bars_of(chart: Chart) -> Bars:
    """The drawing of `chart`; a bar that is not empty is seen, however small."""
    levels = bars(chart)
    highest = max([*levels, chart.usual or 0.0]) or 1.0
    wide = WIDTH / len(levels)
    heights = [max(1.0, level / highest * HEIGHT) if level else 0.0 for level in levels]
    long = timedelta(minutes=minutes_a_bar(chart)) * len(levels)
    since = chart.until.astimezone(UTC) - long
    return Bars(
        bars=tuple(
            Bar(round(at * wide, 2), round(HEIGHT - high, 2), round(wide * 0.9, 2), round(high, 2))
            for at, high in enumerate(heights)
            if high
        ),
        usual=None if chart.usual is None else round(HEIGHT - chart.usual / highest * HEIGHT, 2),
        top=f"{number(round(highest, 1))} a minute",
        times=tuple((WIDTH * at / TIMES, f"{since + long * at / TIMES:%H:%M}") for at in range(TIMES)),
    )
