"""What people set about the console."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from log_sentinel.delivery.terms import ChannelTerms


class ConsoleSettings(ChannelTerms):
    """`[channels.NAME]` with `type = "console"`: alerts on standard output."""

    type: Literal["console"] = "console"
    templates: Path | None = Field(default=None, description="folder with templates of your own")

    def recipients(self) -> tuple[str, ...]:
        return ("stdout",)
