"""Brings charts to Slack: as files of the bot's own, which its messages show.

https://docs.slack.dev/messaging/working-with-files#upload: an address is asked for, the bytes go there, and the upload
is declared complete. It needs the scope files:write; without it the chart stays text, and nothing else changes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from log_sentinel.delivery import http
from log_sentinel.delivery.charts.drawing import drawn
from log_sentinel.delivery.slack.calling import Refused
from log_sentinel.delivery.slack.errors import WHEN_FIXED
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.incident import IncidentState

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.slack.calling import Api
    from log_sentinel.delivery.slack.settings import SlackSettings

log = structlog.get_logger(__name__)

# Incidents whose chart is known; one that is told again after so many others gets another one.
REMEMBERED = 500


class Pictures:
    """The charts of incidents, each uploaded when the incident is first told and once more when it is over."""

    def __init__(self, api: Api, settings: SlackSettings) -> None:
        self._api = api
        self._seconds = settings.timeout.total_seconds()
        self._scheme = urlsplit(settings.base_url).scheme
        self._uploaded: OrderedDict[tuple[int | None, bool], str] = OrderedDict()
        self._allowed = True

    def of(self, message: Message) -> str | None:
        """The ID of the file with the message's chart, None where there is none. Raises nothing: the alert goes on."""
        which = (message.number, message.state is IncidentState.RESOLVED)
        if which in self._uploaded or not self._allowed or message.chart is None:
            return self._uploaded.get(which)
        png = drawn(message.chart)
        if png is None:
            return None
        try:
            self._uploaded[which] = self._upload(png, f"{message.chart.of}.png", str(message.chart.caption))
        except Undeliverable as why:
            # what a person has to mend is said once, and tried again after the next start
            self._allowed = not (isinstance(why, Refused) and why.code in WHEN_FIXED)
            log.info("chart could not be uploaded; it is told as text", reason=why.reason)
            return None
        while len(self._uploaded) > REMEMBERED:
            self._uploaded.popitem(last=False)
        return self._uploaded[which]

    def _upload(self, png: bytes, name: str, title: str) -> str:
        place = self._api.call("files.getUploadURLExternal", {"filename": name, "length": len(png)}, form=True)
        address, file = str(place.get("upload_url", "")), str(place.get("file_id", ""))
        if urlsplit(address).scheme not in ("https", self._scheme):
            raise Undeliverable("later", "Slack named an address for the chart that is not encrypted")
        answer = http.post(address, png, {"Content-Type": "image/png"}, seconds=self._seconds)
        if answer.status != 200:
            raise Undeliverable("later", f"Slack did not take the chart (status {answer.status})")
        self._api.call("files.completeUploadExternal", {"files": [{"id": file, "title": title}]})
        return file
