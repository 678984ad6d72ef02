"""POST /push/NAME over real HTTP, with a store that commits when the test says so."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from log_sentinel.sources.push import Push
from log_sentinel.sources.settings import PushSource
from log_sentinel.web import bodies
from log_sentinel.web import push as pushing
from log_sentinel.web.app import app
from log_sentinel.web.serving import Serving
from log_sentinel.web.settings import WebSettings
from tests.sources.watching import CHUNK, MemoryCheckpoints, cut
from tests.web.asking import WELL, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-of-more-than-16"
BODY = json.dumps([{"a": 1}, {"a": 2}]).encode()
MIB = 1 << 20


class Gateway:
    """A served push source, and who posts to it. `store()` commits all that came until then."""

    def __init__(self, serving: Serving, push: Push) -> None:
        self.serving = serving
        self.push = push
        self.taken: list[bytes] = []

    def store(self) -> None:
        while (lines := self.push.read(CHUNK)) is not None:
            self.taken += cut(lines)
            self.push.committed()

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Everything that comes is committed at once."""
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(0.01):
                self.store()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def post(self, body: bytes = BODY, path: str = "/push/kong", token: str | None = TOKEN, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.serving.port, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        connection.request("POST", path, body, sent)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, found, response.read().decode())
        connection.close()
        return answer


@contextmanager
def a_gateway(web: dict[str, object] | None = None, **settings: object) -> Iterator[Gateway]:
    source = PushSource.model_validate({"type": "push", "token": TOKEN, **settings})
    push = Push("kong", source, MemoryCheckpoints(), lambda names: list(dict.fromkeys(names)), lambda: None)
    of_web = WebSettings.model_validate({"listen": "127.0.0.1:0", **(web or {})})
    serving = Serving(of_web.listen, app(lambda: WELL, CollectorRegistry(), of_web, {"kong": push}))
    serving.start()
    try:
        yield Gateway(serving, push)
    finally:
        push.close()
        serving.stop()


@pytest.mark.parametrize(
    ("body", "headers", "taken"),
    [
        (b'{"a":1}', {}, [b'{"a":1}']),
        (BODY, {"Content_Type": "application/json"}, [b'{"a": 1}', b'{"a": 2}']),
        (b'{"a":1}\n{"a":2}\n', {"Content_Type": "application/x-ndjson"}, [b'{"a":1}', b'{"a":2}']),
        (gzip.compress(BODY), {"Content_Encoding": "gzip"}, [b'{"a": 1}', b'{"a": 2}']),
        (gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), {"Content_Encoding": "gzip"}, [b'{"a": 1}', b'{"a": 2}']),
    ],
    ids=["one object", "an array", "a line each", "gzip", "gzip of two members"],
)
def test_what_gateways_send_is_taken_and_counted(body: bytes, headers: dict[str, str], taken: list[bytes]) -> None:
    with a_gateway() as gateway, gateway.storing():
        answer = gateway.post(body, **headers)
    assert (200, {"entries": len(taken), "new": len(taken)}) == (answer.status, answer.json)
    assert taken == gateway.taken


def test_nothing_is_answered_before_it_is_committed() -> None:
    answers: list[Answer] = []
    with a_gateway() as gateway:
        sender = threading.Thread(target=lambda: answers.append(gateway.post()))
        sender.start()
        lines = None
        while lines is None:
            lines = gateway.push.read(CHUNK)
        assert [] == answers
        gateway.push.committed()
        sender.join()
    assert [200] == [answer.status for answer in answers]


@pytest.mark.parametrize("token", [None, "", "another-token-than-that"])
def test_without_the_token_nothing_is_taken(token: str | None) -> None:
    with a_gateway() as gateway:
        answer = gateway.post(token=token)
        assert (401, 0) == (answer.status, gateway.push.behind())


def test_the_token_of_a_gateway_opens_nothing_else() -> None:
    with a_gateway(web={"token": "another-token-than-that"}) as gateway, gateway.storing():
        assert 200 == gateway.post().status
        assert 401 == gateway.post(token="another-token-than-that").status
        assert 401 == gateway.post(path="/metrics").status


def test_without_a_token_of_its_own_that_of_the_web_endpoints_is_asked_for() -> None:
    with a_gateway(web={"token": TOKEN}, token=None) as gateway, gateway.storing():
        assert (200, 401) == (gateway.post().status, gateway.post(token=None).status)


def test_a_gateway_may_call_us_by_any_name_and_a_browser_may_not_call_at_all() -> None:
    with a_gateway() as gateway, gateway.storing():
        assert 200 == gateway.post(Host="log-sentinel.monitoring.svc").status
        assert 403 == gateway.post(Origin="https://evil.example").status


def test_a_name_that_no_source_has_is_not_found() -> None:
    with a_gateway() as gateway:
        assert 404 == gateway.post(path="/push/other").status


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"", "identity", 400),
        (b"[{", "identity", 400),
        (b"no gzip", "gzip", 400),
        (gzip.compress(BODY)[:-5], "gzip", 400),
        (BODY, "br", 415),
    ],
    ids=["nothing", "half an array", "no gzip", "a gzip cut off", "a coding nobody takes"],
)
def test_what_cannot_be_read_is_refused_and_gives_its_room_back(body: bytes, encoding: str, status: int) -> None:
    with a_gateway() as gateway:
        assert status == gateway.post(body, Content_Encoding=encoding).status
        assert 0 == gateway.push.behind()


def test_a_body_over_the_limit_is_refused_and_what_comes_next_is_taken() -> None:
    with a_gateway(max_body_bytes=1024) as gateway, gateway.storing():
        assert 413 == gateway.post(b"x" * 1025).status
        assert 200 == gateway.post(b"x" * 1024).status


def test_a_bomb_is_refused_when_it_passes_the_limit_not_when_it_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (64 * MIB))
    with a_gateway(max_body_bytes=MIB) as gateway:
        answer = gateway.post(bomb, Content_Encoding="gzip")
        assert (413, 0) == (answer.status, gateway.push.behind())


def test_when_as_much_waits_as_may_the_sender_is_told_when_to_come_again() -> None:
    with a_gateway(max_body_bytes=1024) as gateway:
        gateway.push.hold(2000)
        answer = gateway.post(b"x" * 100)
        assert (429, "5") == (answer.status, answer.headers["retry-after"])
        gateway.push.let_go(2000)
        with gateway.storing():
            assert 200 == gateway.post(b"x" * 100).status


def test_what_is_not_stored_in_time_may_come_again_and_is_not_kept_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "ANSWER_SECONDS", 0.05)
    with a_gateway() as gateway:
        answer = gateway.post()
        assert (503, "5") == (answer.status, answer.headers["retry-after"])
        assert 0 == gateway.push.behind()


def test_a_body_that_comes_too_slowly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "RECEIVE_SECONDS", 0.1)
    with a_gateway() as gateway, socket.create_connection(("127.0.0.1", gateway.serving.port), timeout=20) as slow:
        slow.sendall(
            b"POST /push/kong HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\nfirst"
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        assert 0 == gateway.push.behind()


def test_who_is_not_stored_when_we_stop_is_told_so() -> None:
    answers: list[Answer] = []
    with a_gateway() as gateway:
        sender = threading.Thread(target=lambda: answers.append(gateway.post()))
        sender.start()
        while gateway.push.read(CHUNK) is None:
            pass
        gateway.push.close()
        sender.join()
        assert 503 == gateway.post().status
    assert [(503, "5")] == [(answer.status, answer.headers["retry-after"]) for answer in answers]


def test_answers_are_counted_by_their_status() -> None:
    with a_gateway() as gateway, gateway.storing():
        for token in (TOKEN, TOKEN, None):
            gateway.post(token=token)
    assert {200: 2, 401: 1} == dict(gateway.push.answers)


def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    with a_gateway(max_body_bytes=MIB) as gateway, gateway.storing():
        connection = http.client.HTTPConnection("127.0.0.1", gateway.serving.port, timeout=20)
        authorized = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/push/kong", iter([BODY[:7], BODY[7:]]), authorized, encode_chunked=True)
        assert json.loads(connection.getresponse().read()) == {"entries": 2, "new": 2}
        connection.request("POST", "/push/kong", iter([b"x" * 65536] * 20), authorized, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert 0 == gateway.push.behind()


def test_a_sender_that_goes_in_the_middle_of_its_body_gives_its_room_back() -> None:
    with a_gateway() as gateway:
        with socket.create_connection(("127.0.0.1", gateway.serving.port), timeout=20) as gone:
            gone.sendall(
                b"POST /push/kong HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
                b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\nfirst"
            )
            while not gateway.push.behind():
                pass
        while gateway.push.behind():
            pass
