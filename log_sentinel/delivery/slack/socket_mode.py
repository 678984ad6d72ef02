"""Hears the buttons by Socket Mode: a websocket that we open, so that nothing has to reach us.

https://docs.slack.dev/apis/events-api/using-socket-mode. slack-sdk keeps the connection: pings, and a new one when
Slack announces that it ends this one. When and how often one is asked for is decided here, since slack-sdk would ask
every few seconds for ever. A press must be answered within 3 seconds, so it is confirmed first and acted on then.

All daemons with one app token share its presses: Slack gives each to one of them. They have to share their database.
"""

from __future__ import annotations

import socket
import threading
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from log_sentinel.delivery.pauses import Gate
from log_sentinel.delivery.presses import Answer
from log_sentinel.delivery.slack.buttons import press_of
from log_sentinel.delivery.slack.calling import SILENT, Api, Refused
from log_sentinel.delivery.slack.errors import APPS
from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

    from log_sentinel.delivery.presses import Press
    from log_sentinel.delivery.slack.settings import SlackSettings

log = structlog.get_logger(__name__)

# How soon a connection that is gone is seen.
LOOK_SECONDS = 1.0
# Between two calls of apps.connections.open, however well they go.
PACE = timedelta(seconds=5)
# Slack sends what was not confirmed in time again, under the same number.
REMEMBERED = 200
HTTPS = 443
NEW_TOKEN = f"Copy the app-level token (xapp-...) from {APPS}, Basic Information, with the scope connections:write"


class Ears:
    """Passes presses on to `hear`, and by `say` tells the member who pressed what came of it.

    `deaf`: why presses are not heard now, None while they are.
    """

    def __init__(
        self,
        settings: SlackSettings,
        app_token: SecretStr,
        hear: Callable[[Press], Answer],
        say: Callable[[Press, str, Answer], None],
    ) -> None:
        self.deaf: str | None = "not connected yet"
        self._hear, self._say = hear, say
        self._may_press = settings.may_press
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._client = _Client(settings, app_token)
        self._client.socket_mode_request_listeners.append(self._heard)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._stay_connected, name="slack buttons", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends; a press that is being acted on is finished first."""
        self._stopping.set()
        self._thread.join()
        self._client.hang_up()
        with suppress(Exception):  # whatever a connection that is on its way out says
            self._client.close()

    def _stay_connected(self) -> None:
        while not self._stopping.is_set():
            if self._client.is_connected():
                if self.deaf is not None:
                    log.info("buttons are heard")
                self.deaf = None
            else:
                self._note(self._client.try_to_connect() or "Slack does not take the connection")
            self._stopping.wait(LOOK_SECONDS)

    def _note(self, why: str) -> None:
        if self._client.is_connected():
            return
        if why != self.deaf:
            log.warning("buttons are not heard", reason=why)
        self.deaf = why

    def _heard(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            self._act(request)
        except Exception:  # slack-sdk would swallow it; whoever pressed sees that nothing changed
            log.exception("a button could not be acted on")

    def _act(self, request: SocketModeRequest) -> None:
        found = press_of(request.payload) if request.type == "interactive" else None
        if found is None or request.envelope_id in self._seen:
            log.debug("not a press of our buttons", type=request.type)
            return
        self._seen[request.envelope_id] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        press, member = found
        if self._may_press and member not in self._may_press:
            log.warning("a button was pressed by somebody who may not", who=press.who, incident=press.incident)
            self._say(press, member, Answer("You are not among those whose presses count (may_press in the settings)."))
            return
        self._say(press, member, self._hear(press))


class _Ending:
    """A socket that says when the other side has ended: slack-sdk would go on asking it at full speed."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def recv(self, size: int) -> bytes:
        data: bytes = self._of.recv(size)
        if not data:
            raise ConnectionResetError("the other side has ended the connection")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


class _Client(SocketModeClient):
    """slack-sdk's client, asking for its address by our own call and no more often than Slack bears."""

    def __init__(self, settings: SlackSettings, app_token: SecretStr) -> None:
        self._api = Api(settings, app_token)
        self._plain_allowed = urlsplit(settings.base_url).scheme == "http"
        self._gate, self._why = Gate(PACE), ""
        super().__init__(
            app_token="",
            logger=SILENT,
            web_client=self._api.client,
            auto_reconnect_enabled=False,
            # one after the other: two people who press at once are told of each other
            concurrency=1,
        )

    def connect(self) -> None:
        super().connect()
        session = self.current_session
        if session is not None and session.sock is not None:
            session.sock = _Ending(session.sock)  # type: ignore[assignment]

    def hang_up(self) -> None:
        """Ends what is being received: closing waits for it, for some seconds."""
        session = self.current_session
        with suppress(OSError, AttributeError):
            session.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def try_to_connect(self) -> str | None:
        """Connects if it is time to; gives what is in the way, None if nothing that has a name is."""
        try:
            self.connect_to_new_endpoint()
        except Undeliverable as why:
            return why.reason
        return None

    def issue_new_wss_url(self) -> str:
        """Where to connect to. Raises Undeliverable, also when it is not time yet."""
        now = datetime.now(UTC)
        if not self._gate.is_open(now):
            raise Undeliverable("later", self._why)
        try:
            address = self._address()
        except Undeliverable as why:
            self._gate.failed(why, now)
            self._why = why.reason
            raise
        self._gate.passed(now)
        self._why = "the connection broke"
        return address

    def _address(self) -> str:
        try:
            address = str(self._api.call("apps.connections.open", {}).get("url", ""))
        except Refused as why:
            if why.retry != "when_fixed":
                raise
            raise Undeliverable(why.retry, f"Slack refuses the app token ({why.code}). {NEW_TOKEN}.") from None
        found = urlsplit(address)
        # slack-sdk speaks TLS on this port only
        if found.scheme == "wss" and found.port in (None, HTTPS):
            return address
        if found.scheme == "ws" and self._plain_allowed:
            return address
        raise Undeliverable("later", "Slack named an address that is not encrypted")
