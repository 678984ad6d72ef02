"""The sign of life: it arrives, or it is said once that it does not."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr, ValidationError

from log_sentinel.delivery.heartbeat import Heartbeat
from log_sentinel.delivery.settings import HeartbeatSettings
from tests.delivery.counterparts import unused_port
from tests.delivery.happenings import NOON
from tests.delivery.http_server import HttpServer, Reply


def heartbeat(url: str) -> Heartbeat:
    return Heartbeat(SecretStr(url), "edge-1")


def test_it_says_who_lives_and_when() -> None:
    with HttpServer() as server:
        assert heartbeat(server.url).beat(NOON)
        told = json.loads(server.requests[0].body)
    assert told == {"instance": "edge-1", "at": "2026-11-24T12:00:00+00:00"}


def test_one_that_does_not_arrive_is_said_once_and_its_url_never(capsys: pytest.CaptureFixture[str]) -> None:
    beats = heartbeat(f"http://127.0.0.1:{unused_port()}/canary")
    assert [beats.beat(NOON), beats.beat(NOON)] == [False, False]
    said = capsys.readouterr().out
    assert said.count("heartbeat does not arrive") == 1
    assert "canary" not in said
    assert beats.failing == "127.0.0.1: connection refused: nothing listens there"


def test_one_that_is_refused_and_then_taken_is_well_again() -> None:
    with HttpServer() as server:
        server.script.append(Reply(404))
        beats = heartbeat(server.url)
        assert not beats.beat(NOON)
        assert beats.failing == "answered 404"
        assert beats.beat(NOON)
        assert beats.failing is None


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="it begins with https://"):
        HeartbeatSettings(url=SecretStr("example.com"))
