"""What people set about a service that apprise reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from log_sentinel.delivery.secrets import HeaderSecret
from log_sentinel.delivery.terms import ChannelTerms


class AppriseSettings(ChannelTerms):
    """`[channels.NAME]` with `type = "apprise"`: one service, by its apprise URL, as in `pagerduty://KEY@APIKEY`.

    The URL is a secret: it holds the service's keys.
    """

    type: Literal["apprise"] = "apprise"
    url: HeaderSecret
    templates: Path | None = Field(default=None, description="folder with templates of your own")

    def recipients(self) -> tuple[str, ...]:
        return ("apprise",)
