"""What is drawn, as a Vega-Lite document: bars by the minute, or wider ones where there are too many of them, and the
usual as a line across them.

Nothing out of a log is in it: its words are ours, who it is about stands in the message beside it.
https://vega.github.io/vega-lite/docs/spec.html, version 5
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Chart

WIDTH, HEIGHT = 560, 150
BARS, USUAL, INK = "#c0392b", "#1f618d", "#52606d"
FONT = "Arial, sans-serif"
MINUTE = timedelta(minutes=1)
MOST_BARS = 180


def plot(chart: Chart) -> dict[str, Any]:
    """The document for `chart`; its times are UTC."""
    until, wide = chart.until.astimezone(UTC), MINUTE * minutes_a_bar(chart)
    levels = bars(chart)
    first = until - wide * len(levels)
    rows = [
        {"from": _time(first + wide * at), "to": _time(first + wide * (at + 1)), "n": level}
        for at, level in enumerate(levels)
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": rows},
            "mark": {"type": "bar", "color": BARS},
            "encoding": {
                "x": {
                    "field": "from",
                    "type": "temporal",
                    "scale": {"type": "utc"},
                    "axis": {"format": "%H:%M", "title": "UTC", "tickCount": 6, "grid": False},
                },
                "x2": {"field": "to"},
                "y": {
                    "field": "n",
                    "type": "quantitative",
                    "axis": {"title": f"{chart.of} a minute", "tickCount": 4, "format": "~s"},
                },
                "y2": {"datum": 0},
            },
        }
    ]
    if chart.usual is not None:
        layers.append(
            {
                "data": {"values": [{"usual": chart.usual}]},
                "mark": {"type": "rule", "color": USUAL, "strokeDash": [5, 3], "size": 1.5},
                "encoding": {"y": {"field": "usual", "type": "quantitative"}},
            }
        )
        # twice: the white edge below keeps the word readable on bars
        layers.extend(
            {
                "data": {"values": [{"usual": chart.usual}]},
                "mark": {"type": "text", "text": "usual", "color": USUAL, "align": "left", "x": 4, "dy": -7, **edge},
                "encoding": {"y": {"field": "usual", "type": "quantitative"}},
            }
            for edge in ({"stroke": "white", "strokeWidth": 4}, {})
        )
    axes = {"labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridColor": "#e4e7eb"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "background": "white",
        "padding": 10,
        "layer": layers,
        "config": {"font": FONT, "view": {"stroke": None}, "axis": axes},
    }


def minutes_a_bar(chart: Chart) -> int:
    """How many minutes a bar stands for."""
    return max(1, -(-len(chart.counts) // MOST_BARS))


def bars(chart: Chart) -> list[float]:
    """The mean of a minute, bar by bar up to the newest; what does not fill a bar at the beginning is left out."""
    size = minutes_a_bar(chart)
    begins = range(len(chart.counts) % size, len(chart.counts), size)
    return [round(sum(chart.counts[at : at + size]) / size, 3) for at in begins]


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
