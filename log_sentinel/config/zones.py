"""Time zones by their names in the tz database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

if TYPE_CHECKING:
    from collections.abc import Callable


def known_zone(otherwise: str) -> Callable[[str], str]:
    """A validator of zones' names; it raises ValueError(`otherwise`) for what is none."""

    def check(name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(otherwise) from None
        return name

    return check


Zone = Annotated[str, AfterValidator(known_zone("no such time zone; write it as in Europe/Berlin or UTC"))]
