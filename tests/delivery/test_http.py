"""One POST: deadlines, proxies, certificates, and that the URL, which may be the secret, is in no error."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest
import trustme

from log_sentinel.delivery import http
from log_sentinel.delivery.undeliverable import Undeliverable
from tests.delivery.http_server import HttpServer, Reply

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("url", ["", "ftp://example.com/canary", "https:///canary", "file:///etc/canary"])
def test_a_url_that_is_none_needs_somebody(url: str) -> None:
    with pytest.raises(Undeliverable) as why:
        http.post(url, b"", {}, seconds=1)
    assert why.value.retry == "when_fixed"
    assert "canary" not in str(why.value)


def test_a_path_with_control_characters_is_refused_without_showing_it() -> None:
    with HttpServer() as server, pytest.raises(Undeliverable) as why:
        http.post(f"{server.url}/canary\x7f", b"", {}, seconds=1)
    assert "canary" not in str(why.value)


def test_an_answer_over_tls_is_taken_from_those_we_trust_only() -> None:
    authority = trustme.CA()
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(mine)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with HttpServer(ssl_context=mine) as server:
        url = f"https://localhost:{server.port}/x"
        assert http.post(url, b"{}", {}, seconds=5, context=trusting).status == 200
        with pytest.raises(Undeliverable) as why:
            http.post(url, b"{}", {}, seconds=5)
    assert why.value.retry == "when_fixed"
    assert why.value.reason.startswith("localhost: its certificate is not trusted")


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer() as proxy:
        monkeypatch.setenv("http_proxy", f"http://someone:canary@127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        http.post("http://hooks.example.com/path?x=1", b"{}", {}, seconds=5)
        assert proxy.requests[0].path == "http://hooks.example.com/path?x=1"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("abc", None),
        ("-1", None),
        ("", None),
        ("Tue, 24 Nov 2026 12:01:00", None),
        ("99999999999999999999", 999999999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    answer = http.Answer(429, {"retry-after": said}, b"")
    assert seconds == http.asked_to_wait(answer, NOW)


def test_the_answer_is_cut_and_its_repr_shows_nothing_of_it() -> None:
    with HttpServer() as server:
        server.script.append(Reply(200, b"canary" * 100_000))
        answer = http.post(server.url, b"", {}, seconds=5)
    assert len(answer.body) == http.ANSWER_BYTES
    assert "canary" not in repr(answer)
