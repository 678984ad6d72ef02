import socket
import sys
import time
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from log_sentinel.web import impatience
from log_sentinel.web.app import app
from log_sentinel.web.serving import ListenError, PortInUse, Serving
from log_sentinel.web.settings import WebSettings
from tests.lengths import times
from tests.web.asking import WELL, ask, served


def serving_on(listen: str) -> Serving:
    return Serving(listen, app(lambda: WELL, CollectorRegistry()))


def test_port_0_takes_a_free_port_and_says_which() -> None:
    with served() as serving:
        assert serving.port > 0
        assert serving.url == f"http://127.0.0.1:{serving.port}/"


def test_a_port_in_use_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as raised:
            serving_on(f"127.0.0.1:{port}").start()

    assert str(raised.value) == (
        f"web.listen: port {port} is in use by another process. Find it with `ss -ltnp 'sport = :{port}'`, "
        "or set another port (0 for any free one)."
    )


def test_an_address_of_another_machine_is_said_plainly() -> None:
    with pytest.raises(ListenError) as raised:
        serving_on("192.0.2.1:9877").start()

    assert str(raised.value) == 'web.listen: "192.0.2.1" is no address of this machine. Use 127.0.0.1.'


def test_a_stopped_server_frees_its_port_for_the_next() -> None:
    with served() as first:
        listen = f"127.0.0.1:{first.port}"
        ask(first, "/livez")
    again = serving_on(listen)
    again.start()
    try:
        assert ask(again, "/livez").status == 200
    finally:
        again.stop()
    assert not again.is_alive


@pytest.mark.parametrize("listen", ["0.0.0.0:9877", "[::]:9877", "10.0.0.1:9877", "gate.example:9877"])
def test_an_address_others_can_reach_is_refused_without_a_token(listen: str) -> None:
    with pytest.raises(ValidationError, match="can be reached from other machines and there is no token"):
        WebSettings(listen=listen)
    assert WebSettings.model_validate({"listen": listen, "token": "0123456789abcdef"}).port == 9877


@pytest.mark.parametrize("listen", ["127.0.0.1:9877", "localhost:1", "[::1]:0", "127.8.8.8:65535"])
def test_the_loopback_needs_no_token(listen: str) -> None:
    assert WebSettings(listen=listen).token is None


@pytest.mark.parametrize(
    "listen",
    ["", "9877", ":9877", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:9877", "a b:1", "127.0.0.1:\uff19\uff18"],
)
def test_what_is_no_address_and_port_is_refused(listen: str) -> None:
    with pytest.raises(ValidationError, match="an address and a port"):
        WebSettings(listen=listen)


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 16 characters"):
        WebSettings.model_validate({"token": "secret"})


def half_of_a_request(serving: Serving, *, after_a_whole_one: bool) -> bytes:
    """What comes back on a connection that sends the half of a request and then nothing."""
    with socket.create_connection(("127.0.0.1", serving.port), timeout=20) as slow:
        if after_a_whole_one:
            slow.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok\n"):
                answer += slow.recv(1000)
        slow.sendall(b"GET /livez HTTP/1.1\r\nHost:")
        return slow.recv(1000)


@pytest.mark.parametrize("after_a_whole_one", [False, True])
def test_a_connection_that_does_not_say_what_it_wants_is_closed(
    monkeypatch: pytest.MonkeyPatch, *, after_a_whole_one: bool
) -> None:
    monkeypatch.setattr(impatience, "HEAD_SECONDS", 0.1)
    with served() as serving:
        assert half_of_a_request(serving, after_a_whole_one=after_a_whole_one) == b""


def test_a_crowd_that_says_nothing_or_half_of_it_keeps_nobody_out_and_takes_few_descriptors() -> None:
    """In a release run the answers' times are in the output."""
    crowd, rounds = times(300, 10_000), 10
    took = []
    with served() as serving, ExitStack() as stack:
        assert serving._server is not None
        held = serving._server.server_state.connections
        for number in range(crowd):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", serving.port), 20))
            if number % 2:
                one.sendall(b"POST /push/edge HTTP/1.1\r\nHost:")
            if number % (crowd // rounds) == 0:
                began = time.monotonic()
                assert ask(serving, "/livez").status == 200
                took.append(time.monotonic() - began)
        assert len(held) <= impatience.MOST_CONNECTIONS + 1
        assert len(held) >= impatience.MOST_CONNECTIONS / 2, "there was no crowd"
        assert ask(serving, "/livez").status == 200
    sys.stdout.write(f"{crowd} connections, answers within {max(took):.3f} s\n")
