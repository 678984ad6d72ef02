from __future__ import annotations

import pytest

from log_sentinel.parsing.escapes import backslashes, json_string
from log_sentinel.parsing.request_line import Target, redacted_query, redacted_url, split_request


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("GET /a?x=1#f HTTP/1.1", Target("GET", "/a", "x=1#f")),
        ("GET /a#f?x=1 HTTP/2.0", Target("GET", "/a", "x=1")),
        ("GET /a b c HTTP/1.1", Target("GET", "/a b c")),
        ("GET /", Target("GET", "/")),
        ("POST https://u:p@example.com:8443/x?y HTTP/1.1", Target("POST", "/x", "y", "https", "example.com:8443")),
        ("PATCHp /x HTTP/1.1", Target(path="PATCHp /x HTTP/1.1")),
        (r"\x16\x03\x01", Target(path=r"\x16\x03\x01")),
        ("-", Target()),
        ("", Target()),
    ],
)
def test_a_request_line_is_taken_apart(line: str, target: Target) -> None:
    assert target == split_request(line)


@pytest.mark.parametrize(
    ("query", "redacted"),
    [
        ("page=2&token=abc", "page=2&token=[redacted]"),
        ("API_KEY=1&access%5Ftoken=2", "API_KEY=[redacted]&access%5Ftoken=[redacted]"),
        ("x=eyJhbGciOi.eyJzdWIiOi.c2ln&y=1", "x=[redacted]&y=1"),
        ("token", "token"),
        ("a=1&&b", "a=1&&b"),
        ("", None),
        (None, None),
    ],
)
def test_secrets_are_taken_out_of_a_query(query: str | None, redacted: str | None) -> None:
    assert redacted == redacted_query(query)


def test_a_referer_keeps_neither_password_nor_token() -> None:
    assert redacted_url("https://u:p@example.com/a?sig=1&b=2") == "https://example.com/a?sig=[redacted]&b=2"


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"a\x22b\x5Cc", 'a"b\\c'),
        (r"\"q\"\\x", '"q"\\x'),
        (r"caf\xc3\xa9", "café"),
        (r"\xFF", "\ufffd"),
        (r"\t\n", "\t\n"),
        ("\\", "\\"),
        (r"\xZZ", "xZZ"),
    ],
)
def test_both_nginx_and_apache_escapes_are_undone(escaped: str, plain: str) -> None:
    assert plain == backslashes(escaped)


def test_json_escapes_are_undone_and_what_is_none_stays() -> None:
    assert json_string(r"a\u0022\"\\") == 'a""\\'
    assert json_string(r"\x22") == r"\x22"


def test_a_json_escape_that_was_cut_takes_nothing_with_it() -> None:
    assert ["a\\", "a\\", 'a"', 'a"'] == [json_string(text) for text in (r"a\\", r"a\\\u00", r"a\"", r"a\"\u")]
