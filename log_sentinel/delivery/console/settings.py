"""What people set about the console."""

from __future__ import annotations

from typing import Literal

from log_sentinel.delivery.terms import ChannelTerms


class ConsoleSettings(ChannelTerms):
    """`[channels.NAME]` with `type = "console"`: alerts on standard output."""

    type: Literal["console"] = "console"

    def recipients(self) -> tuple[str, ...]:
        return ("stdout",)
