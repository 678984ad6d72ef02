"""Sends to Slack.

With a bot token: the opening message is posted, later steps go to its thread, and it is edited to the incident's
present state. The edit comes first: it may be repeated, a post may not, so a send that fails half way is simply tried
again. With an incoming webhook, which can neither thread nor edit, every step is a message of its own under the
incident's number.

When an earlier attempt may have arrived, the channel is searched for our metadata before anything is posted again. That
needs the scope channels:history (groups:history for private channels) and, after a restart, the channel's ID in the
settings: only posting takes a name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog

from log_sentinel.delivery import http
from log_sentinel.delivery.abilities import CannotTell
from log_sentinel.delivery.slack.calling import Api, Refused
from log_sentinel.delivery.slack.errors import EDIT_REFUSED, OPENING_GONE, TOO_RICH
from log_sentinel.delivery.slack.limits import SECONDS_BETWEEN_MESSAGES
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.delivery.slack.mrkdwn import plain
from log_sentinel.delivery.slack.pictures import Pictures
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.incident import HappeningKind
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.presses import Answer, Press
    from log_sentinel.delivery.slack.settings import SlackSettings
    from log_sentinel.delivery.slack.socket_mode import Ears
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


class SlackChannel:
    """A Slack channel: by bot token or by incoming webhook."""

    pace_seconds = SECONDS_BETWEEN_MESSAGES

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._layout = Layout(settings.templates, heard=settings.app_token is not None)
        self._way: Bot | Hook = Hook(settings) if settings.webhook_url is not None else Bot(settings)
        self._ears: Ears | None = None

    def send(self, notification: Notification, message: Message) -> str | None:
        """Tells it; gives the mark of the incident's message in the channel, "CHANNEL_ID:TS" (None by webhook).

        Raises Undeliverable.
        """
        return self._way.tell(notification, message, self._layout)

    def restate(self, notification: Notification, message: Message) -> None:
        """Edits the incident's message to how things stand. Raises Undeliverable."""
        self._way.restate(notification, message, self._layout)

    def arrived(self, notification: Notification, key: str) -> str | None:
        """The mark of the incident's message if our message `key` is in the channel, None if it is not.

        Raises CannotTell and Undeliverable.
        """
        return self._way.arrived(notification, key)

    def probe(self) -> str:
        """Whether we are let in, without posting; gives who we are there. Raises Undeliverable."""
        return self._way.probe()

    def listen(self, hear: Callable[[Press], Answer]) -> None:
        """Begins to pass presses of the buttons on to `hear`, if there are buttons."""
        if self._settings.app_token is not None and isinstance(self._way, Bot):
            # imported here: who has no buttons needs no websocket
            from log_sentinel.delivery.slack.socket_mode import Ears

            self._ears = Ears(self._settings, self._settings.app_token, hear, self._way.answer)

    def deaf(self) -> str | None:
        """Why presses are not heard."""
        return None if self._ears is None else self._ears.deaf

    def close(self) -> None:
        """Hears no more."""
        if self._ears is not None:
            self._ears.close()


class Bot:
    """chat.postMessage and chat.update with a bot's token."""

    def __init__(self, settings: SlackSettings) -> None:
        if settings.token is None or settings.channel is None:
            raise ValueError("a bot needs token and channel")
        self._channel = settings.channel
        # chat.postMessage takes a name, looking back only an ID: known once something was posted
        self._channel_id: str | None = None
        self._may_look_back = True
        self._api = Api(settings, settings.token)
        self._pictures = Pictures(self._api, settings)

    def tell(self, notification: Notification, message: Message, layout: Layout) -> str:
        opening = notification.opening_ref
        whole = self._whole(message, layout)
        if opening is None:
            return self._post(whole, self._channel)
        channel, _, ts = opening.partition(":")
        self._edit(whole, channel, ts)
        loud = message.kind in LOUD and message.severity is Severity.CRITICAL
        step = [layout.step(message), layout.plain(message)]
        try:
            self._post(step, channel, thread_ts=ts, reply_broadcast=loud)
        except Refused as why:
            if why.code not in OPENING_GONE:
                raise
            return self._post(whole, self._channel)
        return opening

    def restate(self, notification: Notification, message: Message, layout: Layout) -> None:
        channel, _, ts = (notification.opening_ref or "").partition(":")
        self._edit(self._whole(message, layout), channel, ts)

    def _whole(self, message: Message, layout: Layout) -> list[dict[str, Any]]:
        """The incident as it stands, at its best first: what Slack does not take is tried more plainly."""
        without = [layout.incident(message), layout.plain(message)]
        picture = self._pictures.of(message)
        # a file that was uploaded just now may not be ready to be shown
        return without if picture is None else [layout.incident(message, picture), *without]

    def answer(self, press: Press, member: str, answer: Answer) -> None:
        """Tells what came of a press: in the alert's thread, or to who pressed alone. It is not tried twice."""
        channel, _, ts = press.where.partition(":")
        text = {"channel": channel, "text": plain(answer.says), "link_names": False, "parse": "none"}
        try:
            if answer.to_all:
                self._api.call("chat.postMessage", {**text, "thread_ts": ts})
            elif answer.says:
                self._api.call("chat.postEphemeral", {**text, "user": member})
        except Undeliverable as why:
            log.info("the answer to a press was not told", incident=press.incident, reason=why.reason)

    def arrived(self, notification: Notification, key: str) -> str | None:
        if not self._may_look_back:
            raise CannotTell
        channel, _, ts = (notification.opening_ref or f"{self._channel_id or self._channel}:").partition(":")
        where = {"channel": channel, "oldest": f"{notification.created_at.timestamp() - CLOCKS_APART_SECONDS:.6f}"}
        method = "conversations.replies" if ts else "conversations.history"
        seen = {"include_all_metadata": True, "limit": LOOK_BACK_MESSAGES, **where, **({"ts": ts} if ts else {})}
        try:
            messages = self._api.call(method, seen).get("messages", [])
        except Refused as why:
            if why.code in OPENING_GONE:
                return None
            if why.code not in MAY_NOT_LOOK:
                raise
            self._may_look_back = why.code != "missing_scope"
            log.info("cannot look whether a message has arrived; it may be told twice", reason=why.code)
            raise CannotTell from None
        keys = {str(_key_of(one)): str(one.get("ts")) for one in messages if isinstance(one, dict)}
        found = keys.get(key)
        return None if found is None else f"{channel}:{ts or found}"

    def probe(self) -> str:
        answer = self._api.call("auth.test", {})
        return f"bot {answer.get('user', '?')} of {answer.get('team', '?')}, posting to {self._channel}"

    def _post(self, forms: list[dict[str, Any]], channel: str, **thread: Any) -> str:
        answer = self._as_rich_as_taken("chat.postMessage", {"channel": channel, **thread}, forms)
        self._channel_id = answer["channel"]
        return f"{answer['channel']}:{answer['ts']}"

    def _edit(self, forms: list[dict[str, Any]], channel: str, ts: str) -> None:
        # the metadata stays that of the opening: by it the opening is known again
        edits = [{name: value for name, value in form.items() if name in EDITED} for form in forms]
        try:
            self._as_rich_as_taken("chat.update", {"channel": channel, "ts": ts}, edits)
        except Refused as why:
            if why.code not in EDIT_REFUSED:
                raise

    def _as_rich_as_taken(self, method: str, where: dict[str, Any], forms: list[dict[str, Any]]) -> dict[str, Any]:
        *richer, plainest = forms
        for form in richer:
            try:
                return self._api.call(method, {**where, **form})
            except Refused as why:
                if why.code not in TOO_RICH:
                    raise
        return self._api.call(method, {**where, **plainest})


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
        except Refused as why:
            if why.code not in TOO_RICH:
                raise
            self._post(layout.plain(message))

    def arrived(self, notification: Notification, key: str) -> str | None:
        raise CannotTell

    def restate(self, notification: Notification, message: Message, layout: Layout) -> None:
        """A webhook changes nothing."""

    def probe(self) -> str:
        # a webhook can only be tried by posting; that it answers at all is what can be known without
        try:
            self._post({})
        except Refused as why:
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
            raise Refused(answer.status, answer.text.strip()[:80], answer)
