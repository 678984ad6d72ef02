"""The fast path, the careful path and a writer that knows what it wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_sentinel.parsing import bulk_json, json_in_order
from log_sentinel.parsing import parser as parser_module
from log_sentinel.parsing.bulk_json import BulkJson
from log_sentinel.parsing.line_starts import LineStarts
from tests.parsing.builders import COMBINED, batch, parser, parser_of
from tests.parsing.writers import requests, text, written

if TYPE_CHECKING:
    from log_sentinel.model.lines import Lines
    from log_sentinel.model.parsed import ParsedLines

MAIN = COMBINED + ' "$http_x_forwarded_for"'
UPSTREAM = (
    COMBINED + " $request_time [$limit_req_status] $upstream_addr $upstream_response_time $upstream_status $request_id"
)
GLUED = COMBINED + 'rt=$request_time urt="$upstream_response_time"'
LTSV = (
    "time:$time_local\thost:$remote_addr\treq:$request\tstatus:$status\tua:$http_user_agent"
    "\tapptime:$upstream_response_time"
)
SPLIT = '[$time_iso8601] $remote_addr "$request_uri" $request_method $status "$http_user_agent" $upstream_status'
AS_JSON = (
    '{"time":"$time_iso8601","ip":"$remote_addr","request":"$request","status":$status,'
    '"ua":"$http_user_agent","user":"$remote_user"}'
)
EPOCH = '$msec|$remote_addr|"$request"|$status|"$http_user_agent"'
FORMATS = {
    "combined": (COMBINED, "default"),
    "main": (MAIN, "default"),
    "upstream": (UPSTREAM, "default"),
    "glued": (GLUED, "default"),
    "ltsv": (LTSV, "default"),
    "split": (SPLIT, "default"),
    "json": (AS_JSON, "json"),
    "epoch": (EPOCH, "default"),
}
several = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def by(way: str, lines: Lines, directive: str, monkeypatch: pytest.MonkeyPatch, **options: object) -> ParsedLines:
    monkeypatch.setattr(parser_module, "SMALL", dict.fromkeys(("text", "json"), 0 if way == "fast" else 10**12))
    return parser_of(directive, **options).parse(lines)


def assert_same(fast: ParsedLines, careful: ParsedLines) -> None:
    assert_frame_equal(careful.denials, fast.denials)
    assert_frame_equal(careful.candidates, fast.candidates)
    assert_frame_equal(careful.traffic.sort(pl.all()), fast.traffic.sort(pl.all()))
    assert_frame_equal(careful.activity.sort(pl.all()), fast.activity.sort(pl.all()))
    assert careful.reject_counts == fast.reject_counts
    assert careful.lines == fast.lines


@pytest.mark.parametrize("name", FORMATS)
@given(values=st.lists(requests(), min_size=1, max_size=12))
@several
def test_both_paths_read_what_was_written(name: str, values: list[dict[str, str]]) -> None:
    log_format, mode = FORMATS[name]
    directive = f"log_format x escape={mode} '{log_format}';"
    data = "".join(written(log_format, each, mode) for each in values)
    with pytest.MonkeyPatch.context() as patch:
        fast, careful = (by(way, batch(data), directive, patch) for way in ("fast", "careful"))
    assert_same(fast, careful)
    assert not fast.reject_counts
    assert len(values) == fast.lines == fast.traffic["n"].sum()
    denied = [each for each in values if each["status"] in ("403", "429")]
    rows = fast.denials.rows(named=True)
    assert [int(each["status"]) for each in denied] == [row["status"] for row in rows]
    for each, row in zip(denied, rows, strict=True):
        path, _, query = each["request_uri"].partition("?")
        given_ip = each["remote_addr"]
        agent = each["http_user_agent"].replace("\x00", "")
        assert datetime.fromisoformat(each["time_iso8601"]).astimezone(UTC) == row["time"]
        assert (path[:2048], each["request_method"]) == (row["path"], row["method"])
        assert (None if given_ip == "unix:" else given_ip) == row["ip"]
        assert (None if agent in ("", "-") else agent[:512]) == row["user_agent"]
        assert (query.replace("s3cret", "[redacted]") or None) == row["query"]
        if "$remote_user" in log_format:
            user = each["remote_user"]
            assert (None if user in ("", "-") else user[:512]) == row["client"]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_fast_path_takes_what_is_written_as_the_format_says(name: str, ends: str) -> None:
    log_format, mode = FORMATS[name]
    values = {
        "remote_addr": "203.0.113.7",
        "remote_user": "alice",
        "time_local": "24/Nov/2026:03:33:33 +0000",
        "time_iso8601": "2026-11-24T03:33:33+00:00",
        "msec": "1795491213.522",
        "request": "GET /a/7?b=1 HTTP/1.1",
        "request_uri": "/a/7?b=1",
        "request_method": "GET",
        "status": "403",
        "body_bytes_sent": "153",
        "http_referer": "https://shop.example.com/?a=1",
        "http_user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "http_x_forwarded_for": "-",
        "request_time": "0.104",
        "limit_req_status": "PASSED",
        "upstream_addr": "10.0.0.7:80",
        "upstream_response_time": "0.104",
        "upstream_status": "403",
        "request_id": "f0352978ffd82d3cd5a8a0b1e7c1d41a",
    }
    line = written(log_format, values, mode).removesuffix("\n") + ends
    bulk = parser_of(f"log_format x escape={mode} '{log_format}';").bulk
    assert bulk is not None
    # one that was torn is left, and so is an empty one
    taken = bulk.read(LineStarts(batch(line + line[:40] + "\n" + "\n" + line)), frozenset({403}))
    assert taken is not None
    assert (taken.lines, taken.left) == (2, [1, 2])
    assert taken.rows.statuses == [403, 403]


@given(
    values=st.lists(requests(), min_size=2, max_size=8),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.binary(max_size=6)), max_size=6),
)
@several
def test_both_paths_agree_on_torn_and_glued_lines(
    values: list[dict[str, str]], cuts: list[tuple[int, int, bytes]]
) -> None:
    for log_format, mode in FORMATS.values():
        data = "".join(written(log_format, each, mode) for each in values).encode()
        for at, length, instead in cuts:
            data = data[:at] + instead + data[at + length :]
        directive = f"log_format x escape={mode} '{log_format}';"
        with pytest.MonkeyPatch.context() as patch:
            fast, careful = (by(way, batch(data), directive, patch) for way in ("fast", "careful"))
        assert_same(fast, careful)


SCALARS = st.sampled_from(
    [None, True, "", "-", "GET", "/a/7?x", "403", "x\ud83d\ude00", 0, 1, 403, 429.0, 40.3, 1795491213522]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["status", "name", "uri"]), inner, max_size=2)
    ),
    max_leaves=4,
)
KONG = st.fixed_dictionaries(
    {"started_at": st.just(1795491213522) | VALUES, "response": st.just({"status": 403}) | VALUES},
    optional={
        "request": st.just({"method": "GET", "uri": "/a/7"}) | VALUES,
        "route": st.just({"name": "orders"}) | VALUES,
        "consumer": st.just({"username": "acme"}) | VALUES,
        "tries": VALUES,
        "client_ip": st.just("203.0.113.7") | VALUES,
        "latencies": VALUES,
    },
)


@given(
    entries=st.lists(KONG, min_size=2, max_size=8),
    cuts=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 60), st.binary(max_size=4)), max_size=4),
    twice=st.booleans(),
)
@several
def test_both_paths_agree_on_json_of_any_shape(
    entries: list[dict[str, object]], cuts: list[tuple[int, int, bytes]], *, twice: bool
) -> None:
    lines = [json.dumps(each) for each in entries]
    if twice:
        lines[0] = lines[0][:-1] + ", " + lines[1][1:]
    data = "".join(line + "\n" for line in lines).encode()
    for at, length, instead in cuts:
        data = data[:at] + instead + data[at + length :]
    read = []
    for small in (0, 10**12):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parser_module, "SMALL", {"text": small, "json": small})
            read.append(parser("kong-file-log").parse(batch(data)))
    assert_same(*read)


FLAT = st.fixed_dictionaries(
    {
        "time_iso8601": st.sampled_from(["2026-11-24T03:33:33+00:00", "2026-11-24T03:34:00+01:00", "x"]),
        "remote_addr": st.sampled_from(["203.0.113.7", "2001:db8::1", "", "-", "unix:", "203.0.113.7, 10.0.0.1"]),
        "remote_user": text,
        "request_method": st.sampled_from(["GET", "POST", "", "-", "get", "GET /a", "\x16\x03"]),
        "request_uri": st.sampled_from(["/a/7?x=/b", "", "-", "*", "a:443", "/#b", "http://h/a/7", "/ü"]) | text,
        "status": st.sampled_from(["200", "403", "429", "503", "40", "", 200, 403, 2, 0, 40.3, 403.0, 1e2, True]),
        "http_user_agent": text,
        "upstream_status": st.sampled_from(["", "403", "403, 200"]) | SCALARS,
    }
)


@given(
    entries=st.lists(FLAT, min_size=2, max_size=8),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :")]),
    raw=st.booleans(),
    missing=st.sets(st.sampled_from(["remote_user", "request_method", "request_uri", "http_user_agent"]), max_size=2),
    cuts=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 40), st.binary(max_size=4)), max_size=3),
)
@several
def test_flat_objects_may_be_cut_instead_of_decoded(
    entries: list[dict[str, object]],
    separators: tuple[str, str],
    missing: set[str],
    cuts: list[tuple[int, int, bytes]],
    *,
    raw: bool,
) -> None:
    kept = [{name: value for name, value in each.items() if name not in missing} for each in entries]
    lines = [json.dumps(each, separators=separators, ensure_ascii=not raw) + "\n" for each in kept]
    data = "".join(lines).encode(errors="replace")  # half a pair of surrogates
    for at, length, instead in cuts:
        data = data[:at] + instead + data[at + length :]
    careful, *fast = (
        read_json(batch(data), small=small, least_to_cut=least, few=few)
        for small, least, few in ((10**12, 0, 0), (0, 0, 0), (0, 10**12, 0), (0, 10**12, 10**12))
    )
    for each in fast:
        assert_same(each, careful)


NGINX_JSON = parser("nginx-json")


def read_json(lines: Lines, *, small: int, least_to_cut: int, few: int) -> ParsedLines:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser_module, "SMALL", {"text": small, "json": small})
        patch.setattr(json_in_order, "LEAST_BYTES", least_to_cut)
        patch.setattr(json_in_order, "LEFT_ONE_IN", 0)
        patch.setattr(json_in_order, "BATCHES_DECODED", 0)
        patch.setattr(bulk_json, "FEW", few)
        return NGINX_JSON.parse(lines)


def test_lines_of_one_order_are_cut_and_others_decoded() -> None:
    entries = [
        {"time": "2026-11-24T03:33:33Z", "uri": f"/a/{number}", "status": 403, "ua": "x" * 900, "ip": "203.0.113.7"}
        for number in range(1200)
    ]
    plain = "".join(json.dumps(each) + "\n" for each in entries)
    few = plain + json.dumps(entries[0] | {"ua": '"'}) + "\n"
    several = few + (json.dumps({"status": 403} | entries[0]) + "\n") * 100
    fast = parser("nginx-json").bulk
    assert isinstance(fast, BulkJson)

    taken = [fast.in_order.read(LineStarts(batch(data)), None) for data in (plain, few, several, plain)]

    assert [None if each is None else (each.lines, each.left) for each in taken] == [
        (1200, []),
        (1200, [1200]),
        None,
        None,  # for a while
    ]


@given(data=st.lists(text.map(str.encode) | st.binary(max_size=40), max_size=12).map(b"\n".join))
@several
def test_no_bytes_raise(data: bytes) -> None:
    for name in ("nginx-combined", "kong-file-log", "nginx-json"):
        with pytest.MonkeyPatch.context() as patch:
            for small in (0, 10**12):
                patch.setattr(parser_module, "SMALL", {"text": small, "json": small})
                parsed = parser(name).parse(batch(data))
                assert parsed.lines == parsed.traffic["n"].sum() + sum(parsed.reject_counts.values())
