"""Envoy: its filters for roles, rates, authorization, forged requests and tokens, and what its services deny."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, until_logged
from tests.parsing import real_servers
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%'
)
OWN = REQUEST + ' %RESPONSE_CODE_DETAILS% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS% "%REQ(USER-AGENT)%" "%UPSTREAM_HOST%"'
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
FORMATS = {"json": "", "own": OWN}
TYPES = "type.googleapis.com/envoy.extensions."
FILTERS = TYPES + "filters.http."
SERVICE = ("upstream", "insufficient_permissions")
GATEWAY = ("gateway", "insufficient_permissions")
SITUATIONS = [
    Situation("allowed", "/ok"),
    Situation("RBAC by path", "/admin", 403, *GATEWAY, ("resource_policy",)),
    Situation("RBAC by address", "/net", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation("local rate limit", "/limited", 429, "gateway", "rate_limit", at_once=2),
    Situation("local rate limit with 503", "/hurry", 503, "gateway", "rate_limit", at_once=2),
    Situation("ext_authz", "/asked", 403, "auth_service", "insufficient_permissions"),
    Situation("direct response", "/direct", 403, "gateway", "resource_policy"),
    Situation("direct response with 429", "/plan", 429, "gateway", "rate_limit", ("resource_policy",)),
    Situation("forged", "/csrf", 403, "gateway", "resource_policy", method="POST",
        headers=(("Origin", "http://evil.example"),)),
    Situation("the service", "/up/forbidden", 403, *SERVICE),
    Situation("the service, POST", "/up/forbidden", 403, *SERVICE, method="POST"),
    Situation("the service's limit", "/up/many", 429, "upstream", "rate_limit"),
    Situation("the service's login", "/up/unauthorized", 401, "upstream", "authentication"),
    Situation("the service is busy", "/up/busy", 503),
]  # fmt: skip


def _typed(name: str, kind: str, **fields: object) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": TYPES + kind, **fields}}


def _limit(status: int) -> dict[str, Any]:
    return {
        "@type": FILTERS + "local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limited",
        "status": {"code": status},
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
    }


def _configuration(folder: Path, port: int, upstream: int) -> dict[str, Any]:
    always = {"default_value": {"numerator": 100}}
    logs = [
        _typed("file", "access_loggers.file.v3.FileAccessLog", path=f"{folder}/{name}.log", log_format=form)
        for name, form in (
            ("json", {"json_format": JSON}),
            ("own", {"text_format_source": {"inline_string": OWN + "\n"}}),
        )
    ]
    unasked = {"ext": {"@type": FILTERS + "ext_authz.v3.ExtAuthzPerRoute", "disabled": True}}
    csrf = {"csrf": {"@type": FILTERS + "csrf.v3.CsrfPolicy", "filter_enabled": always}}
    up = {"cluster": "up"}
    routes = [
        {"match": {"prefix": "/asked"}, "route": up},
        {"match": {"prefix": "/direct"}, "direct_response": {"status": 403}, "typed_per_filter_config": unasked},
        {"match": {"prefix": "/plan"}, "direct_response": {"status": 429}, "typed_per_filter_config": unasked},
        {"match": {"prefix": "/limited"}, "route": up, "typed_per_filter_config": {"limit": _limit(429), **unasked}},
        {"match": {"prefix": "/hurry"}, "route": up, "typed_per_filter_config": {"limit": _limit(503), **unasked}},
        {"match": {"prefix": "/csrf"}, "route": up, "typed_per_filter_config": {**csrf, **unasked}},
        {"match": {"prefix": "/"}, "route": up, "typed_per_filter_config": unasked},
    ]
    policies = {
        "admins": {
            "permissions": [{"url_path": {"path": {"prefix": "/admin"}}}],
            "principals": [{"any": True}],
        },
        "denied-ips": {
            "permissions": [{"any": True}],
            "principals": [{"direct_remote_ip": {"address_prefix": "127.0.3.0", "prefix_len": 24}}],
        },
    }
    asked = {"uri": f"http://127.0.0.1:{upstream}", "cluster": "up", "timeout": "1s"}
    filters = [
        _typed("rbac", "filters.http.rbac.v3.RBAC", rules={"action": "DENY", "policies": policies}),
        _typed("csrf", "filters.http.csrf.v3.CsrfPolicy", filter_enabled={"default_value": {"numerator": 0}}),
        _typed("limit", "filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="all"),
        _typed(
            "ext",
            "filters.http.ext_authz.v3.ExtAuthz",
            http_service={"server_uri": asked, "path_prefix": "/forbidden"},
        ),
        _typed("router", "filters.http.router.v3.Router"),
    ]
    manager = _typed(
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


def written(folder: Path, rounds: int, _: str = "") -> Written:
    """Asks a new Envoy in `folder` everything, `rounds` times; it logs in all of FORMATS at once."""
    program = real_servers.program("envoy")
    port = free_port()
    with service() as one:
        (folder / "envoy.json").write_text(json.dumps(_configuration(folder, port, one)))
        command = [program, "-c", folder / "envoy.json", "--concurrency", "2", "--disable-hot-restart"]
        with real_servers.running([*command, "--file-flush-interval-msec", "50"], port, folder / "said"):
            journal = ask({False: port}, SITUATIONS, rounds, "envoy")
            for name in FORMATS:
                until_logged(folder / f"{name}.log", journal)
    return Written(folder, journal)
