"""Calls Slack's Web API through slack-sdk, with our own POST below it.

slack-sdk's own retries are off: the outbox retries, and must know of every attempt. Its log is, too: it would write
answers and errors whole, tokens included.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from log_sentinel.delivery import http
from log_sentinel.delivery.slack.errors import refusal
from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from urllib.request import Request

    from pydantic import SecretStr

    from log_sentinel.delivery.slack.settings import SlackSettings

# What slack-sdk would say; what is worth telling, we tell ourselves.
SILENT = logging.Logger("slack_sdk", logging.CRITICAL + 1)


class Api:
    """The methods of Slack's Web API, by one token."""

    def __init__(self, settings: SlackSettings, token: SecretStr) -> None:
        self.client = Client(
            token.get_secret_value(),
            base_url=settings.base_url,
            timeout=int(settings.timeout.total_seconds()) or 1,
            retry_handlers=[],
            logger=SILENT,
        )

    def call(self, method: str, body: dict[str, Any], *, form: bool = False) -> dict[str, Any]:
        """Slack's answer to `method`; `form`: for the methods that take no JSON.

        Raises Refused when Slack says no, Undeliverable when it says nothing.
        """
        try:
            answer = self.client.api_call(method, data=body) if form else self.client.api_call(method, json=body)
        except SlackApiError as why:
            # `why` holds the request, its token included: none of it goes on
            status, code = why.response.status_code, str(why.response.get("error", ""))
            headers = {str(name).lower(): str(value) for name, value in why.response.headers.items()}
        else:
            return dict(answer.data) if isinstance(answer.data, dict) else {}
        raise Refused(status, code, http.Answer(status, headers, b""))


class Refused(Undeliverable):
    """Slack said no; `code` is its word for it."""

    def __init__(self, status: int, code: str, answer: http.Answer) -> None:
        after = http.asked_to_wait(answer, datetime.now(UTC))
        known = code if code.replace("_", "").isalnum() and code.isascii() else ""
        verdict = refusal("ratelimited" if status == 429 else known or f"status {status}", after)
        super().__init__(verdict.retry, verdict.reason, verdict.after, unclear=verdict.unclear or status >= 500)
        self.code = code


class Client(WebClient):
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
