from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from log_sentinel.diagnosis.verdict import judge
from log_sentinel.model.columns import DENIALS, JUDGED, empty
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from tests.parsing.builders import COMBINED, batch, definition, line

if TYPE_CHECKING:
    from log_sentinel.parsing.definitions import Definition


def verdict(found: Definition, text: str) -> dict[str, object]:
    denials = compiled(found, ParseOptions()).parse(batch(text)).denials
    return judge(denials, found).row(0, named=True)


def nginx(status: int, limit: str = "-", upstream: str = "-") -> tuple[str, str, float]:
    found = from_directive(COMBINED + " $limit_req_status $upstream_status")
    row = verdict(found, line(status)[:-1] + f" {limit} {upstream}\n")
    return str(row["denied_by"]), str(row["cause"]), float(str(row["cause_confidence"]))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ((429, "REJECTED"), ("gateway", "rate_limit", 0.99)),
        ((403, "REJECTED"), ("gateway", "rate_limit", 0.99)),
        ((429, "PASSED", "429"), ("upstream", "rate_limit", 0.95)),
        ((429, "PASSED", "502, 429"), ("upstream", "rate_limit", 0.95)),
        ((403, "PASSED", "403"), ("upstream", "insufficient_permissions", 0.7)),
        ((403, "PASSED", "502, 403"), ("upstream", "insufficient_permissions", 0.7)),
        ((403, "PASSED", "403 : 200"), ("upstream", "insufficient_permissions", 0.65)),
        ((429, "PASSED", "429 : 200"), ("upstream", "rate_limit", 0.9)),
        ((403, "PASSED", "200"), ("gateway", "unknown", 0.3)),
        ((429, "PASSED", "-"), ("gateway", "rate_limit", 0.9)),
        ((403, "PASSED", "-"), ("gateway", "unknown", 0.3)),
        ((403, "REJECTED_DRY_RUN", "-"), ("gateway", "unknown", 0.3)),
        ((403, "-", "502"), ("gateway", "gateway_misconfiguration", 0.8)),
    ],
)
def test_nginx_is_judged_by_what_it_logged(said: tuple[int, str, str], verdict: tuple[str, str, float]) -> None:
    assert verdict == nginx(*said)


@pytest.mark.parametrize(
    ("said", "denied_by"),
    [
        (("GET", "0.000", "-", "-", "-"), "gateway"),
        (("GET", "0.012", "-", "-", "-"), "auth_service"),
        (("POST", "0.012", "-", "-", "-"), "gateway"),
        (("POST", "0.000", "-", "-", "403"), "auth_service"),
        (("GET", "0.012", "403", "-", "200"), "upstream"),
        (("GET", "0.000", "-", "HIT", "-"), "upstream"),
        (("GET", "0.012", "-", "MISS", ""), "auth_service"),
    ],
)
def test_what_a_403_took_and_what_was_asked_for_it_tell_who_denied(
    said: tuple[str, str, str, str, str], denied_by: str
) -> None:
    method, *values = said
    form = from_directive(COMBINED + " $request_time $upstream_status $upstream_cache_status $auth_status")

    row = verdict(form, line(403)[:-1].replace('"GET ', f'"{method} ') + " " + " ".join(values) + "\n")

    assert denied_by == row["denied_by"], row["evidence"]


def test_without_upstream_status_its_absence_says_nothing() -> None:
    row = verdict(
        from_directive("$remote_addr [$time_local] $status"), "203.0.113.7 [24/Nov/2026:03:33:33 +0000] 403\n"
    )

    assert (row["denied_by"], row["cause"], row["cause_confidence"], row["evidence"]) == (
        "unknown",
        "unknown",
        0.0,
        "[]",
    )


@pytest.mark.parametrize(
    ("status", "length", "denied_by"),
    [
        # as nginx makes them: without its version, with it, padded for browsers
        (403, 146, "gateway"),
        (403, 153, "gateway"),
        (403, 555, "gateway"),
        (429, 162, "gateway"),
        (429, 169, "gateway"),
        (429, 571, "gateway"),
        (403, 38, "upstream"),
        (403, 2048, "upstream"),
        (429, 38, "unknown"),
        # a HEAD's
        (403, 0, "unknown"),
    ],
)
def test_the_length_of_nginxs_own_page_tells_who_denied(status: int, length: int, denied_by: str) -> None:
    row = verdict(definition("nginx-combined"), line(status).replace(" 153 ", f" {length} "))

    assert denied_by == row["denied_by"]
    assert status == 429 or float(str(row["cause_confidence"])) < 0.5


@pytest.mark.parametrize(
    ("told", "denied_by"),
    [
        ({"source": "kong"}, "gateway"),
        ({"source": "upstream"}, "upstream"),
        ({"latencies": {"proxy": -1}}, "gateway"),
        ({"upstream_status": "502, 401"}, "upstream"),
        ({}, "unknown"),
    ],
)
def test_kong_says_who_wanted_credentials(told: dict[str, object], denied_by: str) -> None:
    entry = {"request": {"uri": "/a"}, "response": {"status": 401}, "started_at": 1795491213522} | told
    kong = definition("kong-file-log")
    denials = compiled(kong, ParseOptions(statuses=frozenset({401}))).parse(batch(json.dumps(entry) + "\n")).denials

    row = judge(denials, kong).row(0, named=True)

    assert ("authentication", denied_by) == (row["cause"], row["denied_by"])


def test_what_is_remembered_of_one_denial_is_not_told_of_another() -> None:
    form = from_directive(COMBINED + " $upstream_status $request_time")
    told = [
        ("153", "-", "0.000"),
        ("155", "-", "0.000"),
        ("153", "-", "0.007"),
        ("38", "403", "0.007"),
        ("9", "500", "1"),
    ]
    lines = [line(403).replace(" 153 ", f" {size} ")[:-1] + f" {status} {time}\n" for size, status, time in told]
    denials = compiled(form, ParseOptions(error_log=True)).parse(batch("".join(lines * 2))).denials

    together = judge(denials, form)
    alone = pl.concat([judge(denials[number : number + 1], form) for number in range(denials.height)])

    assert together.equals(alone)
    assert len(set(together["evidence"].to_list())) == 4


def test_kongs_own_answers_are_no_pages_of_nginx() -> None:
    row = verdict(definition("kong-access"), line(403)[:-1] + ' kong_request_id: "f0352978ffd82d3cd5a8a0b1e7c1d41a"\n')

    assert ("unknown", "unknown") == (row["denied_by"], row["cause"])


def test_the_evidence_is_what_was_seen_and_what_it_says() -> None:
    row = verdict(from_directive(COMBINED + " $upstream_status"), line(403)[:-1] + " 403\n")

    assert json.loads(str(row["evidence"])) == [
        {"field": "status", "value": "403", "says": "the upstream itself answered 403"},
        {"field": "upstream_status", "value": "403", "says": ""},
    ]
    assert json.loads(str(row["cause_alternatives"])) == [["resource_policy", 0.15], ["ip_restriction", 0.1]]


def kong(status: int, **more: object) -> tuple[object, object]:
    entry = {
        "request": {"uri": "/", "method": "GET"},
        "response": {"status": status},
        "started_at": 1795491213522,
    } | more
    row = verdict(definition("kong-file-log"), json.dumps(entry) + "\n")
    return row["denied_by"], row["cause"]


def test_kong_is_judged_by_who_answered_and_for_whom() -> None:
    route, consumer = {"name": "orders"}, {"username": "acme"}

    assert kong(429, source="kong") == ("gateway", "rate_limit")
    assert kong(429, source="kong", tries=[{"ip": "10.0.0.1"}], upstream_status="200") == ("gateway", "rate_limit")
    assert kong(403, source="upstream", upstream_status="403") == ("upstream", "insufficient_permissions")
    assert kong(403, source="kong", route=route, consumer=consumer) == ("gateway", "insufficient_permissions")
    assert kong(403, source="exit", route=route) == ("gateway", "ip_restriction")
    assert kong(403, source="kong") == ("gateway", "gateway_misconfiguration")
    assert kong(403, latencies={"proxy": -1}, route=route) == ("gateway", "ip_restriction")
    assert kong(403, latencies={"proxy": 4}, upstream_status="403") == ("upstream", "insufficient_permissions")
    assert kong(403) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("handler", "watched", "denied_by"),
    [
        ("proxy-server", True, "upstream"),
        ("proxy-server", False, "unknown"),
        ("-", True, "gateway"),
        ("-", False, "gateway"),
        ("httpd/unix-directory", True, "unknown"),
    ],
)
def test_apaches_handler_tells_who_was_to_answer(handler: str, watched: bool, denied_by: str) -> None:
    form = from_directive(r'LogFormat "%a %t \"%r\" %>s %R" handled')
    text = f'203.0.113.7 [24/Nov/2026:03:33:33 +0000] "GET /v1/orders/42 HTTP/1.1" 403 {handler}\n'
    denials = compiled(form, ParseOptions(error_log=watched)).parse(batch(text)).denials

    assert [denied_by] == judge(denials, form)["denied_by"].to_list()


def test_many_denials_keep_their_order_and_lose_their_evidence_columns() -> None:
    found = from_directive(COMBINED + " $limit_req_status")
    text = "".join(line(429)[:-1] + f" {status}\n" for status in ("REJECTED", "PASSED") * 500)
    denials = compiled(found, ParseOptions()).parse(batch(text)).denials

    judged = judge(denials, found)

    assert dict(judged.schema) == JUDGED
    assert judged["origin_offset"].equals(denials["origin_offset"])
    assert judged["denied_by"].to_list() == ["gateway", "unknown"] * 500


def test_no_denials_are_no_verdicts() -> None:
    assert dict(judge(empty(DENIALS), definition("nginx-combined")).schema) == JUDGED
    assert judge(empty(DENIALS), definition("nginx-combined")).is_empty()


def test_a_definition_without_rules_knows_nothing() -> None:
    bare = definition("nginx-combined").model_copy(update={"verdicts": ()})
    denials = compiled(bare, ParseOptions()).parse(batch(line(403) * 2)).denials

    assert judge(denials, bare)["cause"].to_list() == ["unknown"] * 2
    assert judge(denials.clear(), bare).is_empty()
    assert pl.Series(judge(denials, bare)["rules_version"]).to_list() == [bare.rules_version] * 2
