"""A row of counts as a text picture, for where no image can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(counts: Sequence[float], width: int = 36) -> str:
    """`counts`, oldest first, as at most `width` bars from zero to the largest; a bar that stands for several shows
    the largest.
    """
    if not counts:
        return ""
    size = -(-len(counts) // width)
    # cut from the end, so that the newest bar is never a mixture with nothing
    first = len(counts) % size
    groups = ([counts[:first]] if first else []) + [counts[at : at + size] for at in range(first, len(counts), size)]
    levels = [max(group) for group in groups]
    top = max(levels)
    if top <= 0:
        return BARS[0] * len(levels)
    # anything above zero is seen, however small beside the largest
    return "".join(BARS[min(7, max(int(level > 0), round(level / top * 7)))] for level in levels)
