"""Packages that a library uses where it finds them, and can do without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Meanwhile, importing one of `packages` fails as if it were not installed, unless it was imported before."""
    absent = [package for package in packages if package not in sys.modules]
    # what the import system documents for this
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for package in absent:
            sys.modules.pop(package, None)
