"""A real Envoy writes the lines: its default format, Istio's, one of our own, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from tests.parsing import real_servers
from tests.parsing.builders import definition
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.parsing.definitions import Definition

REQUEST = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%'
)
OWN = REQUEST + ' %RESPONSE_CODE_DETAILS% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS% "%REQ(USER-AGENT)%" "%UPSTREAM_HOST%"'
ISTIO = (
    REQUEST + ' %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" '
    "%UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%"
)
JSON = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "x-envoy-origin-path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "response_code": "%RESPONSE_CODE%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "response_flags": "%RESPONSE_FLAGS%",
    "duration": "%DURATION%",
    "upstream_host": "%UPSTREAM_HOST%",
    "user-agent": "%REQ(USER-AGENT)%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
}
FORMATS: dict[str, dict[str, Any]] = {
    "default": {},
    "istio": {"log_format": {"text_format_source": {"inline_string": ISTIO + "\n"}}},
    "own": {"log_format": {"text_format_source": {"inline_string": OWN + "\n"}}},
    "json": {"log_format": {"json_format": JSON}},
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
TYPES = "type.googleapis.com/envoy.extensions."


def typed(name: str, type_name: str, **fields: object) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": TYPES + type_name, **fields}}


def configuration(folder: Path, port: int, upstream: int) -> dict[str, Any]:
    logs = [
        typed("file", "access_loggers.file.v3.FileAccessLog", path=f"{folder}/{name}.log", **form)
        for name, form in FORMATS.items()
    ]
    limit = {
        "@type": TYPES + "filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limited",
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
    }
    unasked = {"ext": {"@type": TYPES + "filters.http.ext_authz.v3.ExtAuthzPerRoute", "disabled": True}}
    routes = [
        {"match": {"prefix": "/auth"}, "route": {"cluster": "up"}},
        {"match": {"prefix": "/direct"}, "direct_response": {"status": 403}, "typed_per_filter_config": unasked},
        {
            "match": {"prefix": "/limited"},
            "route": {"cluster": "up"},
            "typed_per_filter_config": {"limit": limit, **unasked},
        },
        {"match": {"prefix": "/"}, "route": {"cluster": "up"}, "typed_per_filter_config": unasked},
    ]
    policy = {"permissions": [{"url_path": {"path": {"prefix": "/denied"}}}], "principals": [{"any": True}]}
    asked = {"uri": f"http://127.0.0.1:{upstream}", "cluster": "up", "timeout": "1s"}
    filters = [
        typed("rbac", "filters.http.rbac.v3.RBAC", rules={"action": "DENY", "policies": {"denied": policy}}),
        typed("limit", "filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="all"),
        typed(
            "ext",
            "filters.http.ext_authz.v3.ExtAuthz",
            http_service={"server_uri": asked, "path_prefix": "/forbidden"},
        ),
        typed("router", "filters.http.router.v3.Router"),
    ]
    manager = typed(
        "http",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="edge",
        use_remote_address=True,
        delayed_close_timeout="0.1s",
        access_log=logs,
        http_filters=filters,
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
    )
    address = {"socket_address": {"address": "127.0.0.1", "port_value": upstream}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "static_resources": {
            "listeners": [
                {
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                    "filter_chains": [{"filters": [manager]}],
                }
            ],
            "clusters": [{"name": "up", "load_assignment": {"cluster_name": "up", "endpoints": endpoints}}],
        }
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an Envoy that has been asked everything."""
    envoy = real_servers.program("envoy")
    folder = tmp_path_factory.mktemp("envoy")
    port = free_port()
    with real_servers.upstream() as upstream:
        (folder / "envoy.json").write_text(json.dumps(configuration(folder, port, upstream)))
        command = [envoy, "-c", folder / "envoy.json", "--concurrency", "1", "--disable-hot-restart"]
        with real_servers.running([*command, "--file-flush-interval-msec", "50"], port, folder / "said"):
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
