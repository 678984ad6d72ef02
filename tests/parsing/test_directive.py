from __future__ import annotations

import pytest

from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.definitions import BadDefinition
from log_sentinel.parsing.directive import from_directive
from tests.parsing.builders import COMBINED, batch, parser_of

# Shapes people run, from the wild: what nginx writes for one request, and what it must read as.
REAL = [
    (
        f"log_format main '{COMBINED} '\n    '\"$http_x_forwarded_for\"';",
        '203.0.113.7 - bob [24/Nov/2026:03:33:33 +0000] "GET /a HTTP/1.1" 403 153 "-" "curl" "198.51.100.4"',
        {"client": "bob", "user_agent": "curl"},
    ),
    (
        COMBINED
        + " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr"
        " $upstream_response_length $upstream_response_time $upstream_status $req_id",
        (
            '203.0.113.7 - - [24/Nov/2026:03:33:33 +0000] "GET /a HTTP/1.1" 403 0 "-" "curl" 77 0.104 [api-80] [] '
            "172.17.0.6:8080, 172.17.0.7:8080 61, 100 0.100, 0.004 502, 403 d41d8cd98f00b204e9800998ecf8427e"
        ),
        {
            "service": "api-80",
            "upstream_addr": "172.17.0.7:8080",
            "upstream_status": 403,
            "upstream_ms": 104.0,
            "duration_ms": 104.0,
            "request_bytes": 77,
            "request_id": "d41d8cd98f00b204e9800998ecf8427e",
            "upstream_attempts": '[{"status": 502, "addr": "172.17.0.6:8080", "ms": 100.0, "then": "retry"}, '
            '{"status": 403, "addr": "172.17.0.7:8080", "ms": 4.0}]',
        },
    ),
    (
        (
            '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time'
            ' "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time'
            ' "$upstream_scheme://$upstream_host$upstream_uri" "$apisix_request_id"'
        ),
        (
            '203.0.113.7 - - [24/Nov/2026:03:33:33 +0000] api.example.com "GET /a HTTP/1.1" 403 9 0.000 "-" "curl" - -'
            ' - "http://api.example.com/a" "r1"'
        ),
        {"host": "api.example.com", "upstream_status": None, "request_id": "r1"},
    ),
    (
        f'{COMBINED}rt=$request_time urt="$upstream_response_time"',
        '203.0.113.7 - - [24/Nov/2026:03:33:33 +0000] "GET /a HTTP/1.1" 403 9 "-" "curl"rt=0.010 urt="0.004"',
        {"duration_ms": 10.0, "upstream_ms": 4.0},
    ),
    (
        (
            '"time:$time_local\\thost:$remote_addr\\tforwardedfor:$http_x_forwarded_for\\treq:$request\\tstatus:$status"\n'
            '"\\tua:$http_user_agent\\treqtime:$request_time\\tvhost:$host"'
        ),
        (
            "time:24/Nov/2026:03:33:33 +0000\thost:203.0.113.7\tforwardedfor:-\treq:GET /a HTTP/1.1\tstatus:403"
            "\tua:curl x\treqtime:0.002\tvhost:example.com"
        ),
        {"user_agent": "curl x", "host": "example.com"},
    ),
    (
        (
            "[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host"
            ' "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server]'
            ' "$http_user_agent" "$http_referer"'
        ),
        (
            '[24/Nov/2026:03:33:33 +0000] - 403 403 - GET https example.com "/a" [Client 203.0.113.7] [Length 12]'
            ' [Gzip -] [Sent-to 10.0.0.5] "curl" "-"'
        ),
        {"scheme": "https", "host": "example.com", "response_bytes": 12, "upstream_status": 403},
    ),
    (
        (
            "[$time_local] $remote_addr $remote_user $http_host $uri $request_method $status"
            ' $body_bytes_sent "$http_referer" $request_time $upstream_addr $upstream_status "$http_user_agent"'
        ),
        '[24/Nov/2026:03:33:33 +0000] 203.0.113.7 - example.com /a GET 403 5 "-" 0.001 10.0.0.5:80 403 "curl"',
        {"host": "example.com", "upstream_addr": "10.0.0.5:80"},
    ),
    (
        (
            'escape=json \'{"@timestamp":"$time_iso8601","clientip":"$remote_addr","responsetime":$request_time,\'\n'
            '\'"upstreamtime":"$upstream_response_time","url":"$uri","method":"$request_method","status":"$status"}\''
        ),
        (
            '{"@timestamp":"2026-11-24T03:33:33+00:00","clientip":"203.0.113.7","responsetime":0.500,'
            '"upstreamtime":"","url":"/a","method":"GET","status":"403"}'
        ),
        {"duration_ms": 500.0},
    ),
    (
        "$msec $remote_addr $request_method ${scheme}://$host$request_uri $status",
        "1795491213.522 203.0.113.7 GET https://example.com/a 403",
        {"host": "example.com", "scheme": "https"},
    ),
]


@pytest.mark.parametrize(("directive", "line", "expected"), REAL)
def test_formats_from_the_wild_are_read(directive: str, line: str, expected: dict[str, object]) -> None:
    parsed = parser_of(directive).parse(batch(line + "\n"))

    assert parsed.reject_counts == {}
    row = parsed.denials.row(0, named=True)
    common = {"ip": "203.0.113.7", "path": "/a", "method": "GET", "status": 403, "route": "/a"}
    assert common | expected == {name: row[name] for name in common | expected}


@pytest.mark.parametrize(
    "log_format",
    ["$remote_addr $time_local", "$status $request", "no variables", ""],
)
def test_a_format_without_time_or_status_is_refused(log_format: str) -> None:
    with pytest.raises(BadDefinition):
        from_directive(log_format)


def test_a_refusal_says_what_is_missing() -> None:
    with pytest.raises(BadDefinition) as refused:
        from_directive("log_format mine '$remote_addr $time_local';")
    assert str(refused.value) == (
        "log_format mine, no status; an event needs $time_local, $time_iso8601 or $msec, and $status."
        " Add it in nginx.conf."
    )


def test_unknown_variables_and_unquoted_free_text_do_no_harm() -> None:
    parser = parser_of("$remote_addr $my_own_var $http_user_agent $request_time [$time_local] $status $geoip_city $foo")

    parsed = parser.parse(
        batch("203.0.113.7 a Mozilla/5.0 (X11; 3 x) 0.001 [24/Nov/2026:03:33:33 +0000] 403 New York b\n")
    )

    assert parsed.denials["user_agent"].to_list() == ["Mozilla/5.0 (X11; 3 x)"]


def test_the_definition_is_named_after_the_directive() -> None:
    assert from_directive(f"log_format Up_Stream '{COMBINED}';").name == "nginx-up-stream"


def test_milliseconds_come_from_msec_beside_a_time_without() -> None:
    parsed = parser_of(COMBINED + " $msec").parse(
        batch('1.2.3.4 - - [24/Nov/2026:03:33:33 +0000] "GET / HTTP/1.1" 403 1 "-" "-" 1795491213.522\n')
    )

    assert parsed.denials["time"].dt.millisecond().to_list() == [522]


AS_JSON = """log_format main escape=json '{"t":"$time_iso8601","who":{"ip":"$remote_addr","a.b":"$remote_user"},'
    '"status":$status,"req":"$request","up":["$upstream_status"],"limit":"$limit_req_status"}';"""


def test_a_format_that_writes_json_is_read_as_json() -> None:
    form = from_directive(AS_JSON)
    moved = '{"new":1,"status":403,"req":"GET /a HTTP/1.1","who":{"a.b":"bob","ip":"203.0.113.7"},"limit":"REJECTED",'
    read = compiled(form, ParseOptions()).events(batch(moved + '"t":"2026-11-24T03:33:33+00:00"}\n')).frame

    assert form.kind == "json"
    assert [("203.0.113.7", "bob", 403, "/a")] == read.select("ip", "client", "status", "path").rows()
    assert [("gateway", "rate_limit")] == judge(read, form).select("denied_by", "cause").rows()


@pytest.mark.parametrize(
    "text",
    [
        """escape=json '{"t":"$time_iso8601","status":$status,"took":$upstream_response_time}'""",
        """escape=json '{"t":"$time_iso8601","status":$status,"url":"$scheme://$host$request_uri"}'""",
        """'{"t":"$time_iso8601","status":$status,"agent":"$http_user_agent"}'""",
        """escape=json '{"t":"$time_iso8601","status":$status} $request'""",
    ],
)
def test_a_format_whose_lines_need_not_be_json_is_read_as_text(text: str) -> None:
    form = from_directive(f"log_format main {text};")

    assert form.kind == "text"


def test_a_hole_in_what_should_be_json_is_read() -> None:
    form = """escape=json '{"t":"$time_iso8601","took":$upstream_response_time,"status":$status}'"""
    read = parser_of(form).events(batch('{"t":"2026-11-24T03:33:33+00:00","took":,"status":403}\n')).frame

    assert [403] == read["status"].to_list()


@pytest.mark.parametrize("many", [1, 1000])
@pytest.mark.parametrize(
    ("form", "line"),
    [
        ('$remote_addr [$time_local] $status "$http_user_agent" $mine $yours', '{ip} [{time}] 403 "x"  '),
        ('$remote_addr [$time_local] $status "$http_user_agent" $mine $yours', '{ip} [{time}] 403 "x"  b'),
        ("escape=none '$remote_addr [$time_local] $status $upstream_status'", "{ip} [{time}] 403 "),
        ("$mine $remote_addr [$time_local] $status", " {ip} [{time}] 403"),
    ],
)
def test_what_the_configuration_sets_may_be_empty_at_either_end(form: str, line: str, many: int) -> None:
    whole = line.format(ip="203.0.113.7", time="24/Nov/2026:03:33:33 +0000") + "\n"
    read = parser_of(form).events(batch(whole * many))

    assert ([], {("203.0.113.7", 403)}) == (read.rejects.rows(), set(read.frame.select("ip", "status").rows()))


def test_a_line_torn_before_what_is_never_empty_is_refused() -> None:
    read = parser_of("$remote_addr [$time_local] $status $request_time")

    assert 1 == read.events(batch("203.0.113.7 [24/Nov/2026:03:33:33 +0000] 403\n")).rejects.height


def test_a_decoded_path_with_blanks_ends_before_method_and_status() -> None:
    """Twelfth of the formats that people run: $uri is not quoted."""
    form = "[$time_local] $remote_addr $http_host $uri $request_method $status $body_bytes_sent"
    read = parser_of(form).events(batch("[24/Nov/2026:03:33:33 +0000] 203.0.113.7 edge /a b c GET 403 2\n")).frame

    assert [("/a b c", "GET", 403, "edge")] == read.select("path", "method", "status", "host").rows()
