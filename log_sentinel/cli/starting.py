"""What a command over whole files does before it has read one."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A batch makes tens of thousands of tuples and lists, and hardly ever a ring of them
OBJECTS_BETWEEN_SEARCHES = 20_000


@contextmanager
def starting() -> Iterator[None]:
    """Around imports and settings: no search for garbage, which costs a sixth of the start; what is there at the end
    stays, and is not searched later either."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(OBJECTS_BETWEEN_SEARCHES)
        gc.enable()
