"""Sends to Slack.

With a bot token: the opening message is posted, later steps go to its thread, and it is edited to the incident's
present state. The edit comes first: it may be repeated, a post may not, so a send that fails half way is simply tried
again. With an incoming webhook, which can neither thread nor edit, every step is a message of its own under the
incident's number.

When an earlier attempt may have arrived, the channel is searched for our metadata before anything is posted again. That
needs the scope channels:history (groups:history for private channels) and, after a restart, the channel's ID in the
settings: only posting takes a name.

slack-sdk's own retries are off: the outbox retries, and must know of every attempt.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from log_sentinel.delivery import http
from log_sentinel.delivery.slack.errors import EDIT_REFUSED, OPENING_GONE, TOO_RICH, refusal
from log_sentinel.delivery.slack.limits import SECONDS_BETWEEN_MESSAGES
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.incident import HappeningKind
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from urllib.request import Request

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.slack.settings import SlackSettings
    from log_sentinel.model.notification import Notification

log = structlog.get_logger(__name__)

OPENS = frozenset({HappeningKind.OPENED})
# Seen in the whole channel, not in the thread alone, if the incident is critical.
LOUD = frozenset({HappeningKind.ESCALATED, HappeningKind.RESOLVED})
EDITED = frozenset({"text", "blocks", "link_names", "parse"})
# Apps that are distributed commercially outside Slack's Marketplace get no more at once
# (https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps).
LOOK_BACK_MESSAGES = 15
CLOCKS_APART_SECONDS = 120
# The token has no history scope, or only a name of the channel is known.
MAY_NOT_LOOK = frozenset({"missing_scope", "channel_not_found", "not_in_channel", "no_permission"})
# slack-sdk logs answers and errors whole; what we tell of them, we tell ourselves
_SILENT = logging.Logger("slack_sdk", logging.CRITICAL + 1)


class SlackChannel:
    """A Slack channel: by bot token or by incoming webhook."""

    pace_seconds = SECONDS_BETWEEN_MESSAGES

    def __init__(self, settings: SlackSettings) -> None:
        self._layout = Layout(settings.templates)
        self._way: Bot | Hook = Hook(settings) if settings.webhook_url is not None else Bot(settings)

    def send(self, notification: Notification, message: Message) -> str | None:
        """Tells it; gives "CHANNEL_ID:TS" of what was posted (None by webhook). Raises Undeliverable."""
        return self._way.tell(notification, message, self._layout)

    def probe(self) -> str:
        """Whether we are let in, without posting; gives who we are there. Raises Undeliverable."""
        return self._way.probe()

    def close(self) -> None:
        """Holds nothing open."""


class Bot:
    """chat.postMessage and chat.update with a bot's token."""

    def __init__(self, settings: SlackSettings) -> None:
        if settings.token is None or settings.channel is None:
            raise ValueError("a bot needs token and channel")
        self._channel = settings.channel
        # chat.postMessage takes a name, looking back only an ID: known once something was posted
        self._channel_id: str | None = None
        self._may_look_back = True
        self._client = _Client(
            settings.token.get_secret_value(),
            base_url=settings.base_url,
            timeout=int(settings.timeout.total_seconds()) or 1,
            retry_handlers=[],
            logger=_SILENT,
        )

    def tell(self, notification: Notification, message: Message, layout: Layout) -> str:
        if notification.unclear and (arrived := self._arrived(notification)) is not None:
            return arrived
        opening = notification.opening_ref
        if opening is None:
            return self._post(layout.incident(message), layout.plain(message), self._channel)
        channel, _, ts = opening.partition(":")
        self._edit(layout.incident(message), layout.plain(message), channel, ts)
        loud = message.kind in LOUD and message.severity is Severity.CRITICAL
        try:
            return self._post(layout.step(message), layout.plain(message), channel, thread_ts=ts, reply_broadcast=loud)
        except _Refused as why:
            if why.code not in OPENING_GONE:
                raise
        return self._post(layout.incident(message), layout.plain(message), self._channel)

    def _arrived(self, notification: Notification) -> str | None:
        """The mark of this very message if an earlier attempt of ours brought it there, as far as the token lets us
        look.
        """
        if not self._may_look_back:
            return None
        channel, _, ts = (notification.opening_ref or f"{self._channel_id or self._channel}:").partition(":")
        where = {"channel": channel, "oldest": f"{notification.created_at.timestamp() - CLOCKS_APART_SECONDS:.6f}"}
        method = "conversations.replies" if ts else "conversations.history"
        seen = {"include_all_metadata": True, "limit": LOOK_BACK_MESSAGES, **where, **({"ts": ts} if ts else {})}
        try:
            messages = self._call(method, seen).get("messages", [])
        except _Refused as why:
            if why.code in MAY_NOT_LOOK:
                self._may_look_back = why.code != "missing_scope"
                log.info("cannot look whether a message has arrived; it may be told twice", reason=why.code)
                return None
            if why.code in OPENING_GONE:
                return None
            raise
        keys = {str(_key_of(one)): str(one.get("ts")) for one in messages if isinstance(one, dict)}
        found = keys.get(notification.idempotency_key)
        return None if found is None else f"{channel}:{found}"

    def probe(self) -> str:
        answer = self._call("auth.test", {})
        return f"bot {answer.get('user', '?')} of {answer.get('team', '?')}, posting to {self._channel}"

    def _post(self, rich: dict[str, Any], plain: dict[str, Any], channel: str, **thread: Any) -> str:
        answer = self._rich_or_plain("chat.postMessage", {"channel": channel, **thread}, rich, plain)
        self._channel_id = answer["channel"]
        return f"{answer['channel']}:{answer['ts']}"

    def _edit(self, rich: dict[str, Any], plain: dict[str, Any], channel: str, ts: str) -> None:
        # the metadata stays that of the opening: by it the opening is known again
        rich, plain = ({name: value for name, value in one.items() if name in EDITED} for one in (rich, plain))
        try:
            self._rich_or_plain("chat.update", {"channel": channel, "ts": ts}, rich, plain)
        except _Refused as why:
            if why.code not in EDIT_REFUSED:
                raise

    def _rich_or_plain(
        self, method: str, where: dict[str, Any], rich: dict[str, Any], plain: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            return self._call(method, {**where, **rich})
        except _Refused as why:
            if why.code not in TOO_RICH:
                raise
        return self._call(method, {**where, **plain})

    def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.api_call(method, json=body)
        except SlackApiError as why:
            # `why` holds the request, its token included: none of it goes on
            status, code = why.response.status_code, str(why.response.get("error", ""))
            headers = {str(name).lower(): str(value) for name, value in why.response.headers.items()}
        else:
            return dict(answer.data) if isinstance(answer.data, dict) else {}
        raise _Refused(status, code, http.Answer(status, headers, b""))


def _key_of(message: dict[str, Any]) -> object:
    payload = message.get("metadata", {}).get("event_payload", {})
    return payload.get("key") if isinstance(payload, dict) else None


class Hook:
    """An incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

    def __init__(self, settings: SlackSettings) -> None:
        if settings.webhook_url is None:
            raise ValueError("a webhook needs webhook_url")
        self._url = settings.webhook_url
        self._seconds = settings.timeout.total_seconds()

    def tell(self, notification: Notification, message: Message, layout: Layout) -> None:
        first = notification.opening_ref is None and message.kind in OPENS
        try:
            self._post(layout.incident(message) if first else layout.step(message))
        except _Refused as why:
            if why.code not in TOO_RICH:
                raise
            self._post(layout.plain(message))

    def probe(self) -> str:
        # a webhook can only be tried by posting; that it answers at all is what can be known without
        try:
            self._post({})
        except _Refused as why:
            if why.code not in (*TOO_RICH, "no_text", "missing_text_or_fallback_or_attachments"):
                raise
        return "incoming webhook"

    def _post(self, payload: dict[str, Any]) -> None:
        body = {name: value for name, value in payload.items() if name not in ("link_names", "parse", "metadata")}
        answer = http.post(
            self._url.get_secret_value(),
            json.dumps(body).encode(),
            {"Content-Type": "application/json; charset=utf-8"},
            seconds=self._seconds,
        )
        if answer.status != 200:
            raise _Refused(answer.status, answer.text.strip()[:80], answer)


class _Refused(Undeliverable):
    """Slack said no; `code` is its word for it."""

    def __init__(self, status: int, code: str, answer: http.Answer) -> None:
        after = http.asked_to_wait(answer, datetime.now(UTC))
        known = code if code.replace("_", "").isalnum() and code.isascii() else ""
        verdict = refusal("ratelimited" if status == 429 else known or f"status {status}", after)
        super().__init__(verdict.retry, verdict.reason, verdict.after, unclear=verdict.unclear or status >= 500)
        self.code = code


class _Client(WebClient):
    """slack-sdk's client with our POST below it: a deadline for the whole exchange, a bounded answer, no redirects."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        data = req.data if isinstance(req.data, bytes) else b""
        answer = http.post(url, data, dict(req.header_items()), seconds=self.timeout)
        if answer.status == 429:
            return {"status": 429, "headers": answer.headers, "body": '{"ok": false, "error": "ratelimited"}'}
        if not _is_json_object(answer.text):
            raise Undeliverable(
                "later",
                f"Slack's answer is not Slack's: status {answer.status} and no JSON. "
                "Is base_url right, or a proxy in the way?",
                http.asked_to_wait(answer, datetime.now(UTC)),
                unclear=answer.status == 200 or answer.status >= 500,
            )
        return {"status": answer.status, "headers": answer.headers, "body": answer.text}


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
