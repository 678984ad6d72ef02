"""What people set about a webhook."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from log_sentinel.config.durations import Duration
from log_sentinel.delivery.secrets import HeaderSecret
from log_sentinel.delivery.terms import ChannelTerms


class WebhookSettings(ChannelTerms):
    """`[channels.NAME]` with `type = "webhook"`: every step of every incident as JSON, by POST.

    The URL is a secret too: for many receivers it is all that is needed to post.
    """

    type: Literal["webhook"] = "webhook"
    url: HeaderSecret
    bearer: HeaderSecret | None = Field(default=None, description="sent as Authorization: Bearer")
    hmac: SecretStr | None = Field(default=None, description="key of the signature in X-Log-Sentinel-Signature")
    templates: Path | None = Field(default=None, description="folder with templates of your own")
    timeout: Duration = Field(
        default=timedelta(seconds=20), description="for one request, from connecting to the last byte"
    )

    @model_validator(mode="after")
    def _is_a_url(self) -> Self:
        if not self.url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("url is no URL; it begins with https://")
        return self

    def recipients(self) -> tuple[str, ...]:
        return ("webhook",)
