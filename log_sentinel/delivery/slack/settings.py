"""What people set about a Slack channel."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from log_sentinel.config.durations import Duration
from log_sentinel.delivery.secrets import HeaderSecret
from log_sentinel.delivery.terms import ChannelTerms

# https://docs.slack.dev/reference/objects/user-object
MEMBER = r"^[UW][A-Z0-9]{2,30}$"
MemberId = Annotated[str, StringConstraints(pattern=MEMBER)]


class SlackSettings(ChannelTerms):
    """`[channels.NAME]` with `type = "slack"`: a bot (`token` and `channel`), or an incoming webhook (`webhook_url`).

    The bot needs the scope chat:write (and chat:write.public for channels it was not invited to). With `app_token`
    (scope connections:write) its alerts have buttons, heard by Socket Mode: a connection from here, no port open.
    """

    type: Literal["slack"] = "slack"
    token: HeaderSecret | None = Field(default=None, description="the bot's token, xoxb-...")
    channel: str | None = Field(default=None, description="the channel's name or, better, its ID")
    app_token: HeaderSecret | None = Field(default=None, description="the app's token, xapp-...: alerts have buttons")
    may_press: tuple[MemberId, ...] = Field(default=(), description="whose presses count; without: of all who see them")
    webhook_url: HeaderSecret | None = Field(default=None, description="an incoming webhook: posts only, no threads")
    base_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://")
    timeout: Duration = Field(
        default=timedelta(seconds=20), description="for one request, from connecting to the last byte"
    )
    templates: Path | None = Field(default=None, description="folder with templates of your own")

    @model_validator(mode="after")
    def _buttons_have_a_bot(self) -> Self:
        if self.app_token is not None and self.token is None:
            raise ValueError("app_token is for the buttons of a bot's messages. Set token and channel, or remove it.")
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.webhook_url is not None:
            if self.token is not None:
                raise ValueError("both token and webhook_url are set; a channel is reached by one of them. Remove one.")
            if not self.webhook_url.get_secret_value().startswith(("https://", "http://")):
                raise ValueError(
                    "webhook_url is no URL; it begins with https://hooks.slack.com/. Copy it from the app's page."
                )
        elif self.token is None:
            raise ValueError("no way in; set token (or token_file) and channel, or webhook_url (or webhook_url_file)")
        elif not self.channel:
            raise ValueError('channel is missing; a bot needs to know where to post, as in channel = "#api-alerts"')
        return self

    def recipients(self) -> tuple[str, ...]:
        """One: where exactly it goes may be mended in the settings without losing what waits."""
        return ("slack",)
