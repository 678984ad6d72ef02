"""Writes lines as nginx does, from values that are known: the oracle that is neither of the two paths."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

VARIABLE = re.compile(r"\$(\w+)")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def escaped(value: str, mode: str) -> str:
    """ngx_http_log_escape: default writes \\xHH upper case for quotes, backslashes and everything not printable
    ASCII."""
    if mode == "none":
        return value
    if mode == "json":
        return json.dumps(value, ensure_ascii=False)[1:-1]
    raw = value.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02X}" for byte in raw)


def written(log_format: str, values: dict[str, str], mode: str = "default") -> str:
    """One line of `log_format`; a variable without a value is "-", or empty under escape=json."""
    missing = "" if mode == "json" else "-"

    def value(found: re.Match[str]) -> str:
        given = values.get(found[1], "")
        return escaped(given, mode) if given else missing

    return VARIABLE.sub(value, log_format) + "\n"


def time_local(at: datetime) -> str:
    return f"{at.day:02d}/{MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} {at:%z}"


# what clients can put into a header, a path or a user name: anything but a newline (no server lets one in)
client_text = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=30)
hostile_text = st.sampled_from(
    [
        '"', "\\", '\\"', '" 200 5 "-" "-"', "[24/Nov/2026:03:33:33 +0000]",
        '- [24/Nov/2026:03:33:33 +0000] "GET / HTTP/1.1" 200 ',
        " : ", ", ", "-", "a, b : c", "\t", "x y", "{", '","status":"200', "\x7f", "é", "\u2028", "%22", "?a=b#c",
    ]
)  # fmt: skip
text = client_text | hostile_text | st.tuples(client_text, hostile_text, client_text).map("".join)
path_segment = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0? #/"), max_size=12)
path = st.lists(path_segment, max_size=4).map(lambda segments: "/" + "/".join(segments))
moments = st.builds(
    lambda at, offset: at.replace(microsecond=0, tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset))),
    st.datetimes(datetime(1991, 1, 1), datetime(2098, 1, 1)),  # noqa: DTZ001 hypothesis takes naive bounds
    st.sampled_from([0, 60, -300, 330, 765]),
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, str]:
    """The values of one request's variables."""
    at = draw(moments)
    method, target = draw(st.sampled_from(["GET", "POST", "OPTIONS"])), draw(path)
    query = draw(st.sampled_from(["", "a=1", "page=2&token=s3cret"]))
    uri = f"{target}?{query}" if query else target
    return {
        "remote_addr": draw(st.sampled_from(["203.0.113.7", "2001:db8::1", "10.0.0.1", "unix:"])),
        "remote_user": draw(text),
        "time_local": time_local(at),
        "time_iso8601": at.isoformat(timespec="seconds"),
        "msec": f"{at.timestamp():.3f}",
        "request": f"{method} {uri} HTTP/1.1",
        "request_method": method,
        "request_uri": uri,
        "status": draw(st.sampled_from(["200", "403", "429", "503", "404"])),
        "body_bytes_sent": str(draw(st.integers(0, 10**9))),
        "request_time": f"{draw(st.integers(0, 10**6)) / 1000:.3f}",
        "http_referer": draw(text),
        "http_user_agent": draw(text),
        "http_x_forwarded_for": draw(st.sampled_from(["", "198.51.100.4", "198.51.100.4, 10.0.0.9"])),
        "upstream_addr": draw(
            st.sampled_from(["", "10.1.1.1:80", "10.1.1.1:80, [2001:db8::7]:80", "10.1.1.1:80 : 10.1.1.2:80"])
        ),
        "upstream_status": draw(st.sampled_from(["", "200", "502, 403", "403 : 200", "-, 429"])),
        "upstream_response_time": draw(st.sampled_from(["", "0.100", "0.100, 0.004", "-, 0.5"])),
        "limit_req_status": draw(st.sampled_from(["", "PASSED", "REJECTED"])),
        "request_id": "f0352978ffd82d3cd5a8a0b1e7c1d41a",
    }
