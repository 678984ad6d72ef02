import socket

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from log_sentinel.web.app import app
from log_sentinel.web.serving import ListenError, PortInUse, Serving
from log_sentinel.web.settings import WebSettings
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
