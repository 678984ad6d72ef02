from __future__ import annotations

import gc
import json
import sys

import pytest

from log_sentinel.parsing import bulk_json, json_in_order
from log_sentinel.parsing import parser as parser_module
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.json_paths import PathDecoder, steps, walk
from tests.parsing.builders import batch, definition, parser


@pytest.fixture(params=["careful", "fast", "fast by columns", "in order"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs over both paths, and over the fast one with either way of counting, cutting what can be cut."""
    small = 10**12 if request.param == "careful" else 0
    monkeypatch.setattr(parser_module, "SMALL", {"text": small, "json": small})
    monkeypatch.setattr(bulk_json, "FEW", 0 if request.param == "fast by columns" else 10**12)
    if request.param == "in order":
        monkeypatch.setattr(json_in_order, "LEAST_BYTES", 0)
        monkeypatch.setattr(json_in_order, "LEFT_ONE_IN", 0)
    return str(request.param)


def kong(**changes: object) -> dict[str, object]:
    entry: dict[str, object] = {
        "request": {"uri": "/v1/orders/42", "method": "GET", "headers": {"host": "API.example.com"}},
        "response": {"status": 403},
        "client_ip": "203.0.113.9",
        "started_at": 1795491213522,
    }
    return entry | changes


def lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_a_batch_that_was_parsed_is_freed_at_once() -> None:
    """A ring would hold its megabytes until garbage is searched for."""
    entries = batch(lines(kong()) * 500 + "{torn\n" + lines(kong()) * 500)
    gc.disable()
    try:
        before = sys.getrefcount(entries.data)
        parser("kong-file-log").parse(entries)
        after = sys.getrefcount(entries.data)
    finally:
        gc.enable()
    assert before == after


def test_a_route_without_a_name_is_made_from_the_path() -> None:
    parsed = parser("kong-file-log").parse(batch(lines(kong(), kong(route=None), kong(route={"name": None}))))

    assert parsed.denials["route"].to_list() == ["/v1/orders/{id}"] * 3
    assert parsed.denials["host"].to_list() == ["api.example.com"] * 3


def test_most_routes_may_have_no_name_in_one_batch_and_all_of_them_in_the_next() -> None:
    read, named, nameless = parser("kong-file-log"), kong(route={"name": "orders"}), kong()
    routes = [
        read.parse(batch(lines(*entries))).denials["route"].to_list()
        for entries in ([named, nameless, nameless], [nameless, named, nameless], [named] * 3, [named, nameless, named])
    ]

    template = "/v1/orders/{id}"
    assert routes == [
        ["orders", template, template],
        [template, "orders", template],
        ["orders"] * 3,
        ["orders", template, "orders"],
    ]


def test_a_request_of_an_unexpected_shape_counts_without_a_route() -> None:
    parsed = parser("kong-file-log").parse(batch(lines(kong(), kong(request="GET /"), kong(route={"name": "a"}))))

    assert parsed.denials["route"].to_list() == ["/v1/orders/{id}", "{malformed}", "a"]
    assert sorted(parsed.traffic["route"]) == ["/v1/orders/{id}", "a", "{malformed}"]


def test_numbers_may_be_written_as_strings() -> None:
    parsed = parser("kong-file-log").parse(
        batch(lines(kong(response={"status": "429", "size": "46"}, started_at="1795491213522")))
    )

    assert parsed.denials.select("status", "response_bytes").rows() == [(429, 46)]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "no JSON object"),
        ("17", "no JSON object"),
        ('"text"', "no JSON object"),
        ("{}", "no time, or one no gateway can have had"),
        ("{}{}", "not JSON"),
        (json.dumps(kong(response={})), "no status"),
        (json.dumps(kong(response="403")), "no status"),
        (json.dumps(kong(response={"status": True})), "no status"),
        (json.dumps(kong(response={"status": [403]})), "no status"),
        (json.dumps(kong(response={"status": 40.3})), "no status"),
        (json.dumps(kong(started_at=[1])), "no time, or one no gateway can have had"),
        ('{"a":' * 20_000 + "1" + "}" * 20_000, "JSON nested too deep"),
        ('{"session":{},"started_at":1795491213522}', "no status"),
    ],
)
def test_what_is_no_request_is_rejected_with_a_reason(entry: str, reason: str) -> None:
    parsed = parser("kong-file-log").parse(batch(lines(kong()) + entry + "\n" + lines(kong())))

    assert parsed.reject_counts == {reason: 1}
    assert parsed.denials.height == 2


@pytest.mark.parametrize(
    "twice",
    [
        '"response":{"status":403,"status":200}',
        '"response":{"status":403},"response":{"status":200}',
        '"response":{"status":403},"response":{}',
        '"response":{},"response":{"status":403}',
        '"response":null,"response":{"status":403}',
        '"response":[],"response":{"status":403}',
        '"response":{"status":null,"status":403}',
        r'"response":{"status":403,"st\u0061tus":200}',
        r'"response":{"status":403},"respons\u0065":{"status":200}',
    ],
)
def test_a_name_that_stands_twice_cannot_change_the_status(twice: str) -> None:
    entry = '{"request":{"uri":"/","method":"GET"},"started_at":1795491213522,' + twice + "}\n"
    parsed = parser("kong-file-log").parse(batch(lines(kong()) + entry))

    assert parsed.reject_counts == {"a JSON name that decides the status stands twice": 1}


@pytest.mark.parametrize(
    "twice",
    [
        '"status":403,"status":200',
        '"status":403,"response":1,"response":1',
        '"reply":{"code":403},"reply":{"code":200}',
        '"reply":{"code":403},"reply":{"state":200}',
        '"reply":{},"reply":{"state":403}',
        '"reply":{"code":{"x":1}},"reply":{"code":403}',
    ],
)
def test_wherever_the_status_may_stand_it_stands_once(twice: str) -> None:
    columns = definition("nginx-json").columns
    status = columns["status"].model_copy(update={"source": ("status", "response", "reply.code", "reply.state")})
    several = definition("nginx-json").model_copy(update={"columns": columns | {"status": status}})
    entry = '{"time":"2026-11-24T03:33:33Z",%s}\n'
    data = entry % '"status":403' + entry % twice + entry % '"reply":{"state":403}'
    parsed = compiled(several, ParseOptions()).parse(batch(data))

    assert parsed.reject_counts == {"a JSON name that decides the status stands twice": 1}
    assert parsed.denials.height == 2


def test_the_status_is_the_first_that_is_given() -> None:
    at = '"time":"2026-11-24T03:33:33Z"'
    entries = ['"status":403', '"response":"429"', '"status":"","response":403', '"status":403,"response":200', '"x":1']
    parsed = parser("nginx-json").parse(batch("".join(f"{{{at},{entry}}}\n" for entry in entries)))

    assert parsed.denials["status"].to_list() == [403, 429, 403, 403]
    assert parsed.reject_counts == {"no status": 1}


@pytest.mark.parametrize(
    "line",
    ["{}{}", "{} {}", '{"x":1}\n{"x":\n2}\n{"x":3}{"x":4}', '{"x":\n1}', '{"x":\n{}}', "\n", " ", '{"x":"\n"}', "]"],
)
def test_what_is_not_one_object_a_line_takes_nothing_from_its_neighbours(line: str) -> None:
    entry = lines(kong())
    parsed = parser("kong-file-log").parse(batch(entry + line + "\n" + entry * 300))

    assert parsed.denials["origin_offset"].to_list() == [
        0,
        *(len(entry) + len(line) + 1 + nth * len(entry) for nth in range(300)),
    ]
    assert parsed.denials["status"].to_list() == [403] * 301


def test_a_header_of_that_name_changes_nothing() -> None:
    request = {"uri": "/", "method": "GET", "headers": {"status": "200", "response": '{"status": 200}', "x": "\x01"}}
    parsed = parser("kong-file-log").parse(batch(lines(kong(request=request))))

    assert parsed.denials["status"].to_list() == [403]


def test_an_object_over_two_lines_is_two_rejects() -> None:
    whole = json.dumps(kong())
    parsed = parser("kong-file-log").parse(
        batch(whole.replace(', "response"', ',\n "response"') + "\n" + whole + whole + "\n")
    )

    assert parsed.reject_counts == {"not JSON": 3}


def test_undecodable_bytes_become_replacement_characters() -> None:
    raw = json.dumps(kong(request={"uri": "/caf@", "method": "GET"})).encode().replace(b"@", b"\xe9") + b"\n"
    parsed = parser("kong-file-log").parse(batch(raw * 2))

    assert parsed.denials["path"].to_list() == ["/caf\ufffd"] * 2
    assert parsed.denials["origin_offset"].to_list() == [0, len(raw)]


def test_an_array_on_a_line_gives_its_requests_offsets_of_their_own() -> None:
    parsed = parser("kong-file-log").parse(batch(lines([kong(), kong()], kong())))

    first = len(lines([kong(), kong()]))
    assert parsed.denials["origin_offset"].to_list() == [0, 1, first]


def test_paths_reach_into_lists_and_odd_names() -> None:
    value = {"a.b": {"c": [1, {"d": 2}]}, "x-y": None}

    assert steps(r"a\.b.c.-1.d") == ("a.b", "c", "-1", "d")
    assert walk(value, steps(r"a\.b.c.-1.d")) == 2
    assert walk(value, ("x-y", "z")) is None
    assert walk(value, steps(r"a\.b.c.7")) is None


def test_a_path_may_lead_through_another_ones_end() -> None:
    decoder = PathDecoder([("a",), ("a", "b")])

    (row,), _ = decoder.decode(b'{"a":{"b":1}}')
    get, _, rest = decoder.place(("a", "b"))
    assert walk(get(row), rest) == 1


ROUTES = [
    ("GET /a/7?x=/1 HTTP/1.1", "/a/{id}"),
    ("GET /a#f?x HTTP/2.0", "/a"),
    ("GET http://example.com/a/7 HTTP/1.1", "/a/{id}"),
    ("CONNECT example.com:443 HTTP/1.1", "{authority}"),
    ("OPTIONS * HTTP/1.1", "{asterisk}"),
    ("\x16\x03\x01:80", "{malformed}"),
    ("GET /", "/"),
    ("-", "{malformed}"),
    ("", "{malformed}"),
]


@pytest.mark.parametrize(("line", "route"), ROUTES)
def test_counts_and_denials_have_the_same_route(line: str, route: str) -> None:
    entry = {"time": "2026-11-24T03:33:33Z", "status": 403, "request": line, "remote_addr": "203.0.113.7"}
    parsed = parser("nginx-json").parse(batch(lines(entry, entry)))

    assert parsed.denials["route"].to_list() == [route] * 2
    assert parsed.traffic.select("route", "status", "n").rows() == [(route, 403, 2)]
    assert parsed.activity.select("dimension", "key", "n").rows() == [("ip", "203.0.113.7", 2)]


def test_method_and_target_may_be_apart_or_missing() -> None:
    common = {"time": "2026-11-24T03:33:33Z", "status": 403}
    entries = [{"method": "PUT", "uri": "/a/7?x"}, {"uri": "/a/7"}, {"method": "PUT"}, {"request": "", "uri": "/b"}]
    parsed = parser("nginx-json").parse(batch(lines(*(common | entry for entry in entries))))

    assert parsed.denials["route"].to_list() == ["/a/{id}", "/a/{id}", "{malformed}", "/b"]
    assert sorted(parsed.traffic.select("route", "n").rows()) == [("/a/{id}", 2), ("/b", 1), ("{malformed}", 1)]


def test_true_is_not_one() -> None:
    parsed = parser("kong-file-log").parse(
        batch(lines(*(kong(response={"status": 403, "size": size}) for size in (True, 1, 1.0, "1", [1]))))
    )

    assert parsed.denials["response_bytes"].to_list() == [None, 1, 1, 1, None]
