"""The generic webhook: what is posted, how it is signed, what its answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.undeliverable import Undeliverable
from tests.delivery.counterparts import BEARER, HMAC_KEY, Webhook
from tests.delivery.happenings import message, notification, opened
from tests.delivery.http_server import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    one = Webhook(tmp_path)
    yield one
    one.close()


def test_each_attempt_at_one_message_carries_the_same_idempotency_key(webhook: Webhook) -> None:
    channel = open_channel(webhook.settings())
    for _ in range(2):
        channel.send(notification(opened()), message())
    assert [one.headers["idempotency-key"] for one in webhook.server.requests] == ["1042.3.7", "1042.3.7"]
    assert [f"Bearer {BEARER}"] * 2 == [one.headers["authorization"] for one in webhook.server.requests]


def test_the_signature_is_over_the_time_and_the_very_bytes(webhook: Webhook) -> None:
    open_channel(webhook.settings()).send(notification(opened()), message())
    request = webhook.server.requests[0]
    time, signature = (part.partition("=")[2] for part in request.headers["x-log-sentinel-signature"].split(","))
    expected = hmac.new(HMAC_KEY.encode(), time.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert expected == signature


def test_the_facts_are_there_for_programs(webhook: Webhook) -> None:
    open_channel(webhook.settings()).send(notification(opened()), message())
    told = json.loads(webhook.server.requests[0].body)
    assert (told["version"], told["happening"], told["key"]) == (1, "opened", "1042.3.7")
    assert tuple(told["incident"][name] for name in ("key", "observed", "expected", "since")) == (
        "acme-prod",
        412,
        3.0,
        "2026-11-24T11:54:00Z",
    )


@pytest.mark.parametrize(
    ("status", "retry", "said"),
    [
        (408, "later", "127.0.0.1 answered 408"),
        (425, "later", "127.0.0.1 answered 425"),
        (503, "later", "127.0.0.1 answered 503"),
        (400, "never", "127.0.0.1 answered 400: it does not take this message"),
        (413, "never", "127.0.0.1 answered 413: it does not take this message"),
        (401, "when_fixed", "127.0.0.1 answered 401. Check url, and the credentials it wants."),
        (404, "when_fixed", "127.0.0.1 answered 404. Check url, and the credentials it wants."),
        (302, "when_fixed", "127.0.0.1 answered 302, a redirect, which is not followed. Set url to where it leads."),
    ],
)
def test_what_an_answer_means(webhook: Webhook, status: int, retry: str, said: str) -> None:
    webhook.server.script.append(Reply(status))
    with pytest.raises(Undeliverable) as why:
        open_channel(webhook.settings()).send(notification(opened()), message())
    assert (retry, said) == (why.value.retry, why.value.reason)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_a_yes(webhook: Webhook, status: int) -> None:
    webhook.server.script.append(Reply(status, b""))
    open_channel(webhook.settings()).send(notification(opened()), message())
