"""A real Envoy writes the lines: its default format, Istio's, one of our own, and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from tests.parsing import real_envoy, real_servers
from tests.parsing.builders import definition
from tests.parsing.real_envoy import JSON, OWN, REQUEST, UNASKED, json_of, one_an_hour, route, text
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.parsing.definitions import Definition

ISTIO = (
    REQUEST + ' %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" '
    "%UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%"
)
FORMATS: dict[str, dict[str, Any]] = {
    "default": {},
    "istio": text(ISTIO),
    "own": text(OWN),
    "json": json_of(JSON),
}
PATHS = [b"/ok", b"/denied", b"/limited", b"/up/forbidden", b"/up/many", b"/auth", b"/direct"]
# without the details of the answer, the default format shows only flags and whether a server was asked
EXPECTED = {
    ("denied", 403): ("gateway", "insufficient_permissions"),
    ("limited", 429): ("gateway", "rate_limit"),
    ("up", 403): ("upstream", "insufficient_permissions"),
    ("up", 429): ("upstream", "rate_limit"),
    ("auth", 403): ("auth_service", "insufficient_permissions"),
    ("direct", 403): ("gateway", "resource_policy"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an Envoy that has been asked everything."""
    folder = tmp_path_factory.mktemp("envoy")
    port = free_port()
    denied = {"permissions": [{"url_path": {"path": {"prefix": "/denied"}}}], "principals": [{"any": True}]}
    with real_servers.upstream() as upstream:
        configured = real_envoy.configuration(
            port,
            upstream,
            logs={folder / f"{name}.log": form for name, form in FORMATS.items()},
            filters=[real_envoy.deny({"denied": denied})],
            routes=[
                route("/auth", of={}),
                route("/direct", status=403),
                route("/limited", of={"limit": one_an_hour(), **UNASKED}),
                route("/"),
            ],
        )
        with real_envoy.running(folder, port, configured, threads=1):
            real_servers.ask_everything(port, PATHS)
            real_servers.asked(port, real_servers.request(b"/last"))
            for name in FORMATS:
                real_servers.until_written(folder / f"{name}.log")
    return folder


def definitions_of(name: str) -> list[Definition]:
    match name:
        case "json":
            return [definition("envoy-json")]
        case "own":
            return [from_directive(OWN)]
        case "istio":
            return [definition("envoy-text"), from_directive(ISTIO)]
    return [definition("envoy-text")]


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_of_envoy_is_read_and_all_formats_agree(written: Path, name: str) -> None:
    expected = compiled(definition("envoy-json"), ParseOptions()).events(real_servers.lines(written / "json.log"))
    for form in definitions_of(name):
        found = compiled(form, ParseOptions()).events(real_servers.lines(written / f"{name}.log"))

        assert ([], True) == (found.rejects.rows(), found.frame.height > 125)
        for column in ["status", "method", "path", "query", "route", "time"]:
            assert expected.frame[column].to_list() == found.frame[column].to_list(), column


@pytest.mark.parametrize("name", ["istio", "own", "json"])
def test_each_denial_of_envoy_is_judged_right(written: Path, name: str) -> None:
    form = definitions_of(name)[-1]
    judged = judge(compiled(form, ParseOptions()).parse(real_servers.lines(written / f"{name}.log")).denials, form)
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for row in judged.iter_rows(named=True):
        found.setdefault((row["path"].split("/")[1], row["status"]), set()).add((row["denied_by"], row["cause"]))

    assert {key: {verdict} for key, verdict in EXPECTED.items()} == found
    assert ["127.0.0.1"] == judged["ip"].drop_nulls().unique().to_list()
