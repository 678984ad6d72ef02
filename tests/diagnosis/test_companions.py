"""Error logs beside access logs: both written by hand as real servers write them."""

from __future__ import annotations

import json

import polars as pl

from log_sentinel.content import shipped
from log_sentinel.diagnosis.companions import explained
from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.companions import ErrorLogParser
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from log_sentinel.parsing.error_logs import ErrorLog, load
from tests.parsing.builders import batch, definition, line, parser

NGINX = load(shipped("parsers") / "error-logs" / "nginx-error.toml")
APACHE = load(shipped("parsers") / "error-logs" / "apache-error.toml")


def error(
    message: str, request: str = "GET /v1/orders/42 HTTP/1.1", *, second: int = 33, ip: str = "203.0.113.7"
) -> str:
    return (
        f"2026/11/24 03:33:{second} [error] 1#1: *7 {message}, client: {ip}, server: _, "
        f'request: "{request}", host: "x"\n'
    )


LIMITED = 'limiting requests, excess: 2.990 by zone "api"'


def joined(access: str, errors: str, log: ErrorLog = NGINX, *, candidates: bool = False) -> list[dict[str, object]]:
    name = "nginx-combined" if log is NGINX else "apache-combined"
    parsed = parser(name).parse(batch(access))
    judged = judge(parsed.candidates if candidates else parsed.denials, definition(name))
    companions = ErrorLogParser(log, "UTC").parse(batch(errors, start=7000)).companions
    found = explained(judged, companions, log)
    assert dict(judged.schema) | {"companion": pl.Int64} == dict(found.schema)
    return found.to_dicts()


def test_a_limit_names_its_zone() -> None:
    (row,) = joined(line(429), error(LIMITED))

    assert (row["denied_by"], row["cause"], row["cause_confidence"]) == ("gateway", "rate_limit", 0.97)
    assert row["companion"] == 0
    assert json.loads(str(row["evidence"]))[0] == {
        "field": "error_log",
        "value": "limit_req (zone api)",
        "says": "limit_req refused it",
    }


def test_a_503_with_a_limit_beside_it_is_a_denial() -> None:
    rows = joined(line(503) + line(503, "GET /other HTTP/1.1"), error(LIMITED), candidates=True)

    assert [(row["path"], row["cause"]) for row in rows] == [("/v1/orders/42", "rate_limit")]


def test_a_deny_rule_is_surer_for_a_method_that_limit_except_leaves() -> None:
    requests = [f"{method} /x HTTP/1.1" for method in ("GET", "POST", "PUT")]
    rows = joined(
        "".join(line(403, request) for request in requests),
        "".join(error("access forbidden by rule", request) for request in requests),
    )

    assert [(row["method"], row["cause"], row["cause_confidence"]) for row in rows] == [
        ("GET", "ip_restriction", 0.9),
        ("POST", "ip_restriction", 0.6),
        ("PUT", "resource_policy", 0.5),
    ]


def test_an_entry_ends_what_was_drawn_from_the_error_logs_silence() -> None:
    form = from_directive(r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %R"')
    served = line(403, "GET /up/7 HTTP/1.1")[:-1] + " proxy-server\n"
    denied = judge(compiled(form, ParseOptions(error_log=True)).parse(batch(served)).denials, form)
    entry = (
        "[Tue Nov 24 03:33:33.010524 2026] [authz_core:error] [pid 1:tid 2] [client 203.0.113.7:37752] "
        "AH01630: client denied by server configuration: proxy:http://127.0.0.1:8080/up/7\n"
    )
    log = load(shipped("parsers") / "error-logs" / "apache-error.toml")

    told = explained(denied, ErrorLogParser(log, "UTC").parse(batch(entry)).companions, log).row(0, named=True)

    before, after = (
        (row["denied_by"], row["cause"], row["cause_confidence"]) for row in (denied.row(0, named=True), told)
    )
    assert before == ("upstream", "insufficient_permissions", 0.65)
    assert after == ("gateway", "ip_restriction", 0.6)
    said = [each["says"] for each in json.loads(told["evidence"]) if each["says"]]
    assert said == ["a Require or Deny directive refused it"]


APACHES = "[Tue Nov 24 03:33:33.010524 2026] [x:error] [pid 1:tid 2] [client 203.0.113.7:37752] "
NO_CERTIFICATE = APACHES + "AH10158: cannot perform post-handshake authentication\n"


def test_an_entry_that_names_no_request_makes_no_denial_of_a_servers_failure() -> None:
    assert joined(line(503), NO_CERTIFICATE, APACHE, candidates=True) == []
    assert len(joined(line(403).replace(" 153 ", " 239 "), NO_CERTIFICATE, APACHE)) == 1


def test_an_entry_that_names_no_request_is_for_one_whose_line_does_not_tell() -> None:
    short = line(403, "GET /up/7 HTTP/1.1").replace(" 153 ", " 38 ")
    rows = joined(line(429) + short + line(403, "GET /own HTTP/1.1").replace(" 153 ", " 239 "), NO_CERTIFICATE, APACHE)

    assert [(row["path"], row["cause"]) for row in rows] == [("/own", "authentication")]


def test_behind_a_prefix_that_a_proxy_takes_away_a_request_is_known_by_the_end_of_its_path() -> None:
    refused = APACHES + "AH01630: client denied by server configuration: proxy:http://127.0.0.1:8080/orders/8/items\n"
    paths = ["/up/orders/7/items", "/up/orders/8/items"]

    rows = joined("".join(line(403, f"GET {path} HTTP/1.1") for path in paths), refused, APACHE)

    assert [row["path"] for row in rows] == ["/up/orders/8/items"]


def test_each_entry_explains_one_request() -> None:
    rows = joined(line(403) * 5, error("access forbidden by rule") * 3)

    assert [row["origin_offset"] for row in rows] == [0, len(line(403)), 2 * len(line(403))]
    assert len({row["companion"] for row in rows}) == 3


def test_another_address_path_or_time_is_another_request() -> None:
    denied = "access forbidden by rule"

    assert joined(line(403), error(denied, ip="203.0.113.8")) == []
    assert joined(line(403), error(denied, "GET /v1/orders/43 HTTP/1.1")) == []
    assert joined(line(403), error(denied, second=36)) == []
    assert len(joined(line(403), error(denied, second=35))) == 1


def test_escaped_bytes_of_the_access_log_meet_raw_ones_of_the_error_log() -> None:
    rows = joined(
        line(403, r"GET /a\x22b/caf\xC3\xA9 HTTP/1.1"), error("access forbidden by rule", 'GET /a"b/café HTTP/1.1')
    )

    assert [row["path"] for row in rows] == ['/a"b/café']


def apache_error(file: str) -> str:
    return (
        "[Tue Nov 24 03:33:33.010524 2026] [authz_core:error] [pid 2560:tid 140] [client 203.0.113.7:37752] "
        f"AH01630: client denied by server configuration: {file}\n"
    )


def test_apaches_entries_name_a_file_that_the_path_leads_to() -> None:
    asked = line(403, "GET /rewritten/7 HTTP/1.1") + line(403, "GET /admin/caf%C3%A9/7 HTTP/1.1")
    (row,) = joined(asked, apache_error("/var/www/admin/caf\\xc3\\xa9"), APACHE)

    assert (row["path"], row["denied_by"], row["cause"]) == ("/admin/caf%C3%A9/7", "gateway", "ip_restriction")
    assert joined(line(403, "GET /other HTTP/1.1"), apache_error("/var/www/admin"), APACHE) == []
    assert len(joined(line(403, "GET / HTTP/1.1"), apache_error("/var/www/html/"), APACHE)) == 1
    assert len(joined(line(403, "GET /up/x HTTP/1.1"), apache_error("proxy:http://10.0.0.1:80/x"), APACHE)) == 1


def test_an_entry_finds_the_request_whose_path_its_file_ends_with_before_one_that_shares_a_name() -> None:
    asked = line(403, "GET /rewritten/7 HTTP/1.1") + line(403, "GET /admin/7 HTTP/1.1")
    entries = apache_error("/somewhere/else/7") + apache_error("/var/www/admin/7")

    found = {row["path"]: row["companion"] for row in joined(asked, entries, APACHE)}

    assert {"/rewritten/7": 0, "/admin/7": 1} == found


def test_by_a_name_alone_no_cause_is_surer_than_that() -> None:
    entry = (
        "[Tue Nov 24 03:33:33.010524 2026] [core:error] [pid 1:tid 1] (13)Permission denied: [client 203.0.113.7:1] "
    )
    message = "AH00132: file permissions deny server access: "
    rows = [
        joined(line(403, f"GET /{path}/7 HTTP/1.1"), f"{entry}{message}/srv/admin/7\n", APACHE)[0]
        for path in ("admin", "alias")
    ]

    assert [0.95, 0.7] == [row["cause_confidence"] for row in rows]


def test_an_entry_that_names_a_path_belongs_to_no_other() -> None:
    entry = "[Tue Nov 24 03:33:33.010524 2026] [auth_basic:error] [pid 1:tid 1] [client 203.0.113.7:1] "
    refused = f'{entry}AH01631: user alice: authorization failure for "/reports/7":\n'

    assert [] == joined(line(403, "GET /other/7 HTTP/1.1"), refused, APACHE)
    assert "insufficient_permissions" == joined(line(403, "GET /reports/7 HTTP/1.1"), refused, APACHE)[0]["cause"]


def test_deny_all_over_hidden_files_is_a_policy_and_not_a_restriction_of_addresses() -> None:
    causes = {}
    for path in ("/.git/config", "/a/.env", "/dump.sql", "/.well-known/x", "/admin/7"):
        asked = f"GET {path} HTTP/1.1"
        causes[path] = joined(line(403, asked), error("access forbidden by rule", asked))[0]["cause"]

    assert ["resource_policy"] * 3 + ["ip_restriction"] * 2 == list(causes.values())


def judged_with(log_format: str, access: str, errors: str, **options: object) -> list[dict[str, object]]:
    form = from_directive(log_format)
    parsed = compiled(form, ParseOptions(**options)).parse(batch(access))  # type: ignore[arg-type]
    companions = ErrorLogParser(NGINX, "UTC").parse(batch(errors, start=7000)).companions
    return explained(judge(parsed.denials, form), companions, NGINX).to_dicts()


NUMBERED = '$remote_addr [$time_local] "$request" $status $connection $http_x_forwarded_for'


def test_a_connections_number_tells_requests_apart_that_look_alike() -> None:
    one = '203.0.113.7 [24/Nov/2026:03:33:33 +0000] "GET /v1/orders/42 HTTP/1.1" 403 {} -\n'
    rows = judged_with(NUMBERED, one.format(5) + one.format(7), error("access forbidden by rule"))

    assert [row["origin_offset"] for row in rows] == [len(one.format(5))]
    assert judged_with(NUMBERED, one.format(5), error("access forbidden by rule")) == []


def test_a_log_with_decoded_paths_or_without_methods_is_explained_as_well() -> None:
    entry = error("access forbidden by rule", "GET /a//caf%C3%A9/./x%20y?q=1 HTTP/1.1")
    decoded = "203.0.113.7 [24/Nov/2026:03:33:33 +0000] GET /a/caf\\xC3\\xA9/x y 403\n"
    bare = "203.0.113.7 [24/Nov/2026:03:33:33 +0000] /a//caf%C3%A9/./x%20y 403\n"

    assert len(judged_with("$remote_addr [$time_local] $request_method $uri $status", decoded, entry)) == 1
    assert len(judged_with("$remote_addr [$time_local] $request_uri $status", bare, entry)) == 1
    assert judged_with("$remote_addr [$time_local] $request_uri $status", bare.replace("caf", "tea"), entry) == []


def test_behind_a_proxy_the_entry_has_the_proxys_address() -> None:
    access = '10.0.0.1 [24/Nov/2026:03:33:33 +0000] "GET /v1/orders/42 HTTP/1.1" 403 - 203.0.113.7\n'
    entry = error("access forbidden by rule", ip="10.0.0.1")
    (row,) = judged_with(NUMBERED, access, entry, trusted_proxies=("10.0.0.0/8",))

    assert (row["ip"], row["peer_ip"], row["cause"]) == ("203.0.113.7", "10.0.0.1", "ip_restriction")


def test_nothing_to_join_is_nothing_explained() -> None:
    assert joined("", "") == []
