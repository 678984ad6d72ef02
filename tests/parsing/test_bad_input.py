"""What no log should have and every log has, line by line: never an exception, never a wrong event, always a reason."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from log_sentinel.parsing import parser as parser_module
from log_sentinel.parsing.careful import NO_FIT, NO_STATUS, NO_TIME
from log_sentinel.parsing.json_lines import NO_OBJECT, NOT_JSON, TOO_DEEP, TWICE
from tests.parsing.builders import batch, line, parser

MB = 1 << 20
GOOD = line(403, "GET /good HTTP/1.1").encode()
KONG = {
    "request": {"uri": "/good", "method": "GET"},
    "response": {"status": 403},
    "started_at": 1795491213522,
    "client_ip": "203.0.113.9",
}


def kong(**other: object) -> bytes:
    """A line of Kong's; what is None is left out."""
    entry = {name: value for name, value in (KONG | other).items() if value is not None}
    return json.dumps(entry).encode() + b"\n"


@dataclass(frozen=True)
class Bad:
    """`data` with the paths of the denials that must come of it, and the reasons of what must be rejected."""

    data: bytes
    paths: tuple[str | None, ...] = ()
    reasons: tuple[str, ...] = ()
    format: str = "nginx-combined"


def nginx_json(request: str = "GET /good HTTP/1.1", time: str = "2026-11-24T03:33:33+00:00") -> bytes:
    """A line of nginx's with escape=json: what is no printable text is \\u00XX."""
    return json.dumps({"time_iso8601": time, "remote_addr": "203.0.113.7", "request": request, "status": 403}).encode()


KONG_GOOD = kong()
INPUT = {
    "invalid UTF-8 in a path": Bad(line(403).encode().replace(b"/v1", b"/caf\xe9"), ("/caf\ufffd/orders/42",)),
    "invalid UTF-8 in JSON": Bad(KONG_GOOD.replace(b"/good", b"/caf\xe9"), ("/caf\ufffd",), format="kong-file-log"),
    "invalid UTF-8 alone": Bad(bytes(range(128, 256)) + b"\n" + GOOD, ("/good",), (NO_FIT,)),
    "NUL bytes in a line": Bad(GOOD.replace(b"/good", b"/go\0d"), ("/go\ufffdd",)),
    "NUL bytes where a crash left a hole": Bad(b"\0" * 4096 + GOOD + b"\0" * 100 + b"\n", ("/good",)),
    "NUL bytes in JSON": Bad(KONG_GOOD.replace(b"203", b"2\x003"), (), (NOT_JSON,), "kong-file-log"),
    "a TLS handshake on a plain port": Bad(
        line(403, r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03").encode(),
        ("\x16\x03\x01\x02\0\x01\0\x01\ufffd\x03\x03",),
    ),
    "a TLS handshake on a plain port in JSON": Bad(
        nginx_json("\x16\x03\x01\x02\0\x01\x01\xfc"), ("\x16\x03\x01\x02\0\x01\x01\xfc",), format="nginx-json"
    ),
    "a request that is a dash in JSON": Bad(nginx_json("-"), (None,), format="nginx-json"),
    "a request that is empty in JSON": Bad(nginx_json(""), (None,), format="nginx-json"),
    "a request that is a dash": Bad(line(403, "-").encode(), (None,)),
    "a request that is empty": Bad(line(403, "").encode(), (None,)),
    "a line of 10 MB that fits": Bad(line(403, f"GET /{'a' * 10 * MB} HTTP/1.1").encode(), ("/" + "a" * 2047,)),
    "a line of 10 MB that does not": Bad(b'" ' * 5 * MB + b"\n" + GOOD, ("/good",), (NO_FIT,)),
    "2 MB of blanks within JSON": Bad(
        nginx_json().replace(b", ", b"," + b" " * 2 * MB, 1) + b"\n" + nginx_json(), ("/good",) * 2, format="nginx-json"
    ),
    "a name of 2 MB in JSON": Bad(
        b'{"' + b"n" * 2 * MB + b'": 1, ' + nginx_json()[1:], ("/good",), format="nginx-json"
    ),
    "a line of 10 MB of JSON": Bad(kong(more="[" * 10 * MB), ("/good",), format="kong-file-log"),
    "no newline at the end": Bad(GOOD.rstrip(b"\n"), ("/good",)),
    "no newline at the end of JSON": Bad(KONG_GOOD.rstrip(b"\n"), ("/good",), format="kong-file-log"),
    "CRLF": Bad(GOOD.replace(b"\n", b"\r\n") * 2, ("/good", "/good")),
    "CRLF after JSON": Bad(KONG_GOOD.replace(b"\n", b"\r\n") * 2, ("/good", "/good"), format="kong-file-log"),
    "a byte order mark": Bad(b"\xef\xbb\xbf" + GOOD * 2, ("/good", "/good")),
    "a byte order mark before JSON": Bad(b"\xef\xbb\xbf" + KONG_GOOD, ("/good",), format="kong-file-log"),
    "the year 1970": Bad(line(403, time="01/Jan/1970:00:00:00 +0000").encode() + GOOD, ("/good",), (NO_TIME,)),
    "the year 1970 in JSON": Bad(kong(started_at=0), (), (NO_TIME,), "kong-file-log"),
    "the year 2100": Bad(line(403, time="01/Jan/2100:00:00:00 +0000").encode() + GOOD, ("/good",), (NO_TIME,)),
    "the year 2100 in JSON": Bad(kong(started_at=4_102_444_800_000), (), (NO_TIME,), "kong-file-log"),
    "the 30th of February": Bad(line(403, time="30/Feb/2026:00:00:00 +0000").encode(), (), (NO_TIME,)),
    "a month nobody has": Bad(line(403, time="01/Foo/2026:00:00:00 +0000").encode(), (), (NO_TIME,)),
    "a leap second": Bad(line(403, time="31/Dec/2016:23:59:60 +0000").encode(), ("/v1/orders/42",)),
    "a leap second in JSON": Bad(nginx_json(time="2016-12-31T23:59:60+00:00"), ("/good",), format="nginx-json"),
    "JSON with a status twice": Bad(
        KONG_GOOD.replace(b'{"status": 403}', b'{"status": 200, "status": 403}'), (), (TWICE,), "kong-file-log"
    ),
    "JSON with a response twice": Bad(
        KONG_GOOD.replace(b'"response"', b'"response": {"status": 200}, "response"'), (), (TWICE,), "kong-file-log"
    ),
    "JSON with another name twice": Bad(
        KONG_GOOD.replace(b'"client_ip"', b'"client_ip": "192.0.2.1", "client_ip"'), ("/good",), format="kong-file-log"
    ),
    "JSON nested 10,000 deep": Bad(b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"\n", (), (TOO_DEEP,), "kong-file-log"),
    "JSON arrays 10,000 deep": Bad(b"[" * 10_000 + b"]" * 10_000 + b"\n", (), (TOO_DEEP,), "kong-file-log"),
    "JSON that is no object": Bad(b'"text"\n1\nnull\n[]\n[1]\n', (), (NO_OBJECT,) * 5, "kong-file-log"),
    "JSON that is torn": Bad(KONG_GOOD[:-20] + b"\n" + KONG_GOOD, ("/good",), (NOT_JSON,), "kong-file-log"),
    "numbers as strings": Bad(
        kong(response={"status": "403"}, started_at="1795491213522"), ("/good",), format="kong-file-log"
    ),
    "strings as numbers": Bad(kong(request={"uri": 7, "method": 7}), ("7 7",), format="kong-file-log"),
    "a status that is none": Bad(kong(response={"status": "40x"}), (), (NO_STATUS,), "kong-file-log"),
    "a status that is true": Bad(kong(response={"status": True}), (), (NO_STATUS,), "kong-file-log"),
    "a status that is false": Bad(kong(response={"status": False}), (), (NO_STATUS,), "kong-file-log"),
    "a status that is a list": Bad(kong(response={"status": [403]}), (), (NO_STATUS,), "kong-file-log"),
    "a status with a fraction": Bad(kong(response={"status": 403.5}), (), (NO_STATUS,), "kong-file-log"),
    "digits that are not ASCII": Bad(line("٤٠٣").encode(), (), (NO_FIT,)),
    "a missing status": Bad(kong(response=None), (), (NO_STATUS,), "kong-file-log"),
    "a missing time": Bad(kong(started_at=None), (), (NO_TIME,), "kong-file-log"),
    "a missing request": Bad(kong(request=None), (None,), format="kong-file-log"),
    "missing fields at the end": Bad(GOOD.rsplit(b' "', 1)[0] + b"\n", (), (NO_FIT,)),
    "blanks around a line": Bad(b"  \t" + GOOD.rstrip(b"\n") + b" \t\n", ("/good",)),
    "blank lines": Bad(b"\n \t\r\n" + GOOD + b"\n\n", ("/good",)),
    "nothing": Bad(b""),
}


@pytest.mark.parametrize("way", ["fast", "careful"])
@pytest.mark.parametrize("name", INPUT)
def test_bad_input_is_an_event_that_is_right_or_a_reject_with_its_reason(
    name: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser_module, "SMALL", dict.fromkeys(("text", "json"), 0 if way == "fast" else 10**12))
    bad = INPUT[name]
    reasons = {reason: bad.reasons.count(reason) for reason in bad.reasons}

    parsed = parser(bad.format).parse(batch(bad.data))

    assert list(bad.paths) == [path and path[:2048] for path in parsed.denials["path"].to_list()]
    assert reasons == parsed.reject_counts
    assert sorted(bad.reasons) == sorted(parsed.rejects["reason"].to_list())
    assert len(bad.paths) + len(bad.reasons) == parsed.lines
    assert len(bad.paths) == parsed.traffic["n"].sum()
    assert all(len(sample) <= 300 for sample in parsed.rejects["sample"])


@pytest.mark.parametrize("name", ["a leap second", "a leap second in JSON"])
def test_a_leap_second_is_the_last_moment_before_it(name: str) -> None:
    parsed = parser(INPUT[name].format).parse(batch(INPUT[name].data))

    assert "2016-12-31T23:59:59.999000+00:00" == parsed.denials["time"][0].isoformat()
