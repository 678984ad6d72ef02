"""What the shell may offer for a word that is begun, where only the settings know.

A completion is asked for at the press of a key: whatever is wrong with the settings, it offers and says nothing then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.cli import opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def format_names(begun: str) -> list[str]:
    """The log formats whose names begin so."""
    return _beginning(begun, lambda: opening.formats(opening.settings(None)))


def channel_names(begun: str) -> list[str]:
    """The channels whose names begin so."""
    return _beginning(begun, lambda: opening.settings(None).settings.channels)


def _beginning(begun: str, names: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return sorted(name for name in names() if name.startswith(begun))
    except Exception:  # noqa: BLE001  # a word half typed is no place to tell of it
        return []
