"""The line in a syslog message, from the senders that there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.sources.syslog_messages import content

LINE = b'2001:db8::1 - - [24/Nov/2026:03:33:33 +0000] "GET /a: b HTTP/1.1" 403 9 "-" "x: y"'


@pytest.mark.parametrize(
    "header",
    [
        b"<190>Nov 24 03:33:33 web-1 nginx: ",
        b"<190>Nov  4 03:33:33 nginx: ",
        b"<134>Nov 24 03:33:39 haproxy[1234]: ",
        b"<134>Nov 24 03:33:39 lb.example.com haproxy[1234]: ",
        b"<134>1 2026-11-24T03:33:39.823941+00:00 lb haproxy 1234 - - ",
        b'<134>1 2026-11-24T03:33:39Z lb app 1 ID [a@1 b="c\\]d" e="[f"][x@2] \xef\xbb\xbf',
        b"<13>2026-11-24T03:33:39.8+01:00 2001:db8::7 nginx: ",
        b"<13>",
        b"",
    ],
)
@pytest.mark.parametrize("line", [LINE, b'{"status": 403, "uri": "a: b"}'])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\0"])
def test_the_header_is_taken_off_and_nothing_else(header: bytes, line: bytes, end: bytes) -> None:
    assert line == content(header + line + end)


def test_a_message_without_a_line_has_none() -> None:
    assert b"" == content(b"<134>1 - - - - - -")


@given(st.binary(max_size=300))
def test_a_newline_inside_makes_no_second_line(message: bytes) -> None:
    assert b"\n" not in content(b"<13>" + message)
