"""What holds for every channel, against its real other side."""

from __future__ import annotations

import io
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from log_sentinel.delivery.channels import CHANNELS, open_channel
from log_sentinel.delivery.message.listing import compose_list
from log_sentinel.delivery.trying import try_channel
from log_sentinel.delivery.undeliverable import Undeliverable
from tests.delivery.counterparts import COUNTERPARTS, HTTP, NETWORK, channel_to
from tests.delivery.happenings import NOON, acknowledged, grew, message, notification, opened, resolved
from tests.delivery.http_server import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def other_side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    counterpart: Any = COUNTERPARTS[request.param](tmp_path)
    yield counterpart
    counterpart.close()


def every(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("other_side", names, indirect=True)


def failure_of(settings: Any, happening: Any = None) -> Undeliverable:
    told = happening or opened()
    channel, to = open_channel(settings), settings.recipients()[0]
    with pytest.raises(Undeliverable) as caught:
        channel.send(notification(told, recipient=to), message(told))
    return caught.value


def test_every_kind_of_channel_is_in_the_suite() -> None:
    assert {kind.name for kind in CHANNELS} == {name.removesuffix("-webhook") for name in COUNTERPARTS} | {"webhook"}


@every([*COUNTERPARTS])
def test_an_alert_and_what_follows_arrive_with_who_how_many_and_the_number(other_side: Any) -> None:
    channel = channel_to(other_side)
    reference = None
    for happening in (opened(), grew(), acknowledged(), resolved()):
        told = notification(happening, recipient=other_side.recipient, opening_ref=reference)
        mark = channel.send(told, message(happening))
        reference = reference or mark
    assert len(other_side.texts()) == 4
    first = other_side.texts()[0]
    assert [text for text in ("acme-prod", "412", "1042") if text not in first] == []


@every([*COUNTERPARTS])
def test_a_list_of_many_incidents_arrives_as_one_message(other_side: Any) -> None:
    told = [
        notification(opened(id=number, key=f"<!channel> client {number}"), id=number, recipient=other_side.recipient)
        for number in range(1, 31)
    ]
    channel_to(other_side).send(told[-1], compose_list(told, instance="edge-1", now=NOON))
    (text,) = other_side.texts()
    assert "30 incidents (30 open), 13,020 denials in all." in text.replace("=\n", "")
    assert "None" not in text


@every([*COUNTERPARTS])
def test_knocking_tells_nobody_anything(other_side: Any) -> None:
    assert channel_to(other_side).probe()
    assert [text for text in other_side.texts() if "acme" in text or "est message" in text] == []


@every([*COUNTERPARTS])
def test_a_test_message_says_that_it_is_one(other_side: Any) -> None:
    result = try_channel("ops", other_side.settings())
    assert (result.ok, result.name) == (True, "ops")
    assert "This is a test of the channel" in "\n".join(other_side.texts()).replace("=\n", "")


@every(NETWORK)
def test_a_dead_host_is_tried_later_and_said_plainly(other_side: Any) -> None:
    why = failure_of(other_side.dead())
    assert (why.retry, why.unclear) == ("later", False)
    assert "connection refused" in why.reason
    result = try_channel("ops", other_side.dead())
    assert (False, why.reason.split(":")[0]) == (result.ok, result.said.split(":")[0])


@every(NETWORK)
def test_a_wrong_secret_needs_somebody_and_says_what_to_do(other_side: Any) -> None:
    why = failure_of(other_side.wrong_secret())
    assert why.retry == "when_fixed"
    assert any(word in why.reason for word in ("Copy", "Check", "Make")), why.reason


@every(HTTP)
def test_a_429_is_retried_after_the_time_it_names(other_side: Any) -> None:
    other_side.server.script.append(Reply(429, b"slow down", {"Retry-After": "37"}))
    why = failure_of(other_side.settings())
    assert (why.retry, why.after) == ("later", 37.0)


@every(HTTP)
@pytest.mark.parametrize("said", ["", "abc", "-1", "٣", "1e9"])
def test_a_retry_after_that_makes_no_sense_is_as_if_there_were_none(other_side: Any, said: str) -> None:
    header = {"Retry-After": said.encode().decode("latin-1")} if said else {}
    other_side.server.script.append(Reply(429, b"", header))
    why = failure_of(other_side.settings())
    assert (why.retry, why.after) == ("later", None)


@every(HTTP)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_retried_and_may_have_arrived(other_side: Any, status: int) -> None:
    other_side.server.script.append(Reply(status, b"<html>Bad gateway</html>"))
    why = failure_of(other_side.settings())
    assert (why.retry, why.unclear) == ("later", True)


@every(HTTP)
def test_an_answer_that_never_comes_is_given_up_in_time_and_is_unclear(other_side: Any) -> None:
    other_side.server.script.append(Reply(hang=True))
    why = failure_of(other_side.settings(timeout="1s"))
    assert (why.retry, why.unclear) == ("later", True)


@every(HTTP)
def test_an_answer_that_drips_for_ever_is_given_up_in_time(other_side: Any) -> None:
    other_side.server.script.append(Reply(drip=True))
    why = failure_of(other_side.settings(timeout="1s"))
    assert (why.retry, why.unclear) == ("later", True)


@every(HTTP)
def test_a_connection_cut_before_the_answer_is_unclear(other_side: Any) -> None:
    other_side.server.script.append(Reply(drop=True))
    why = failure_of(other_side.settings())
    assert (why.retry, why.unclear) == ("later", True)


@every(HTTP)
def test_a_redirect_is_not_followed(other_side: Any) -> None:
    other_side.server.script.append(Reply(307, b"", {"Location": f"{other_side.server.url}/elsewhere"}))
    failure_of(other_side.settings())
    assert [request.path for request in other_side.server.requests if "elsewhere" in request.path] == []


@every(HTTP)
def test_a_huge_answer_is_not_read_to_its_end(other_side: Any) -> None:
    other_side.server.script.append(Reply(500, b"x" * 5_000_000))
    why = failure_of(other_side.settings())
    assert len(why.reason) < 300


@every(NETWORK)
def test_no_secret_is_in_any_error_log_repr_or_traceback(
    other_side: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    told = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(told))
    caplog.set_level(logging.DEBUG)
    settings = [other_side.settings(), other_side.dead(), other_side.wrong_secret()]
    for one in settings:
        told.write(f"{one!r} {one} {one.model_dump()!r} {one.model_dump_json()}")
        for trouble in (Reply(drop=True), Reply(500, b"oops"), Reply(400, b"{}")):
            if hasattr(other_side, "server"):
                other_side.server.script.append(trouble)
            try:
                channel = open_channel(one)
                told.write(f"{channel!r}")
                channel.send(notification(opened(), recipient=other_side.recipient), message())
            except Undeliverable as why:
                told.write("".join(traceback.TracebackException.from_exception(why, capture_locals=False).format()))
                told.write(f"{why!r} {why} {why.__cause__!r} {why.args}")
    structlog.reset_defaults()
    everything = told.getvalue() + caplog.text + "".join(capsys.readouterr())
    # every secret of these tests has this word in it, the wrong ones too
    assert "canary" not in everything
