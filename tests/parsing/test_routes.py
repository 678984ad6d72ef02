from __future__ import annotations

import pytest

from log_sentinel.parsing.escapes import backslashes
from log_sentinel.parsing.request_line import split_request
from log_sentinel.parsing.routes import MALFORMED, OTHER, Routes, route_of, template


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/users/123", "/users/{id}"),
        ("/users/123/", "/users/{id}/"),
        ("//users///123", "/users/{id}"),
        ("/x/3f2504e0-4f89-41d3-9a0c-bea1900d142f", "/x/{uuid}"),
        ("/x/3F2504E0-4F89-41D3-9A0C-BEA1900D142F/y", "/x/{uuid}/y"),
        ("/x/12345678-4f89-41d3-9a0c-bea1900d142f", "/x/{uuid}"),
        ("/x/d41d8cd98f00b204e9800998ecf8427e", "/x/{hash}"),
        ("/x/0123456789abcdef0123", "/x/{hash}"),
        ("/x/507f1f77bcf86cd799439011", "/x/{hash}"),
        ("/x/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/x/{id}"),
        ("/x/2026-11-24", "/x/{date}"),
        ("/x/20261124", "/x/{date}"),
        ("/x/2026-11-24T03:33:33Z", "/x/{date}"),
        ("/x/99999999", "/x/{id}"),
        ("/x/dGhpcyBpcyBhIHRva2Vu1x", "/x/{token}"),
        ("/x/eyJhbGciOiJI.eyJzdWIiOiIx.abc", "/x/{token}"),
        ("/x/bob@example.com", "/x/{email}"),
        ("/x/bob%40example.com", "/x/{email}"),
        ("/x/203.0.113.7", "/x/{ip}"),
        ("/x/order-42", "/x/order-{n}"),
        ("/img/123.png", "/img/{id}.png"),
        ("/x/a;jsessionid=1234", "/x/a"),
        ("/x/%FF%FE", "/x/{bin}"),
        ("/x/" + "long-words-" * 8, "/x/{long}"),
        ("/a/b%2F123", "/a/b%2F123"),
    ],
)
def test_identifiers_become_placeholders(path: str, route: str) -> None:
    assert route == template(path)


@pytest.mark.parametrize(
    "path", ["/v1/users", "/v2.1/x", "/oauth2/token", "/2fa", "/404.html", "/en-US/docs", "/face/dead/cafe", "/123-abc"]
)
def test_words_versions_and_pages_stay(path: str) -> None:
    assert path == template(path)


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ("GET http://example.com/users/1?x=/2 HTTP/1.1", "/users/{id}"),
        ("CONNECT example.com:443 HTTP/1.1", "{authority}"),
        ("OPTIONS * HTTP/1.1", "{asterisk}"),
        ("PRI * HTTP/2.0", "{asterisk}"),
        ("GET /", "/"),
        ("GET /a b/7 HTTP/1.1", "/a b/{id}"),
        (r"\x16\x03\x01\x02", MALFORMED),
        ("-", MALFORMED),
        ("", MALFORMED),
        (r"GET /caf\xC3\xA9/7 HTTP/1.1", "/café/{id}"),
    ],
)
def test_every_form_of_request_line_has_a_route(line: str, route: str) -> None:
    assert route == route_of(split_request(line), backslashes)


def test_routes_past_the_cap_are_one() -> None:
    routes = Routes(2, backslashes)

    assert [routes.of_request(f"GET /{word}") for word in ("a", "b", "c", "a")] == ["/a", "/b", OTHER, "/a"]
    assert routes.full


def test_a_route_is_no_longer_than_its_column() -> None:
    assert len(template("/segment-of-words" * 40)) <= 255


def test_a_path_that_ends_like_a_protocol_keeps_its_end() -> None:
    routes = Routes(10, backslashes)

    assert "/a HTTP/1.1" == routes.of_target(split_request("GET /a HTTP/1.1 HTTP/1.1"))


def test_a_path_behind_no_method_at_all_is_malformed_either_way() -> None:
    routes = Routes(10, backslashes)

    assert (MALFORMED, MALFORMED) == (routes.of_request(" /a"), routes.of_target(split_request(" /a HTTP/1.1")))
