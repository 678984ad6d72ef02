"""An Envoy of PyPI: the frame of its configuration, in which filters, routes and logs are a test's own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.parsing import real_servers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Config = dict[str, Any]

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
TYPES = "type.googleapis.com/envoy.extensions."
FILTERS = TYPES + "filters.http."
ALWAYS = {"default_value": {"numerator": 100}}
NEVER = {"default_value": {"numerator": 0}}
# Of a route that `ext_authz` is not to be asked for.
UNASKED = {"ext": {"@type": FILTERS + "ext_authz.v3.ExtAuthzPerRoute", "disabled": True}}
UP = {"cluster": "up"}


def text(line: str) -> Config:
    """What an access log has in it for lines of text."""
    return {"log_format": {"text_format_source": {"inline_string": line + "\n"}}}


def json_of(fields: Mapping[str, str]) -> Config:
    """The same for lines of JSON."""
    return {"log_format": {"json_format": dict(fields)}}


def typed(name: str, kind: str, **fields: object) -> Config:
    """An extension of that kind."""
    return {"name": name, "typed_config": {"@type": TYPES + kind, **fields}}


def route(prefix: str, *, of: Mapping[str, Any] = UNASKED, status: int | None = None) -> Config:
    """What becomes of paths that begin so: they go to the service, or are answered with `status`; `of`: by filter,
    what is particular to them.
    """
    done = {"route": UP} if status is None else {"direct_response": {"status": status}}
    own = {"typed_per_filter_config": dict(of)} if of else {}
    return {"match": {"prefix": prefix}, **done, **own}


def one_an_hour(status: int = 429) -> Config:
    """A local rate limit for a route."""
    return {
        "@type": FILTERS + "local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limited",
        "status": {"code": status},
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        "filter_enabled": ALWAYS,
        "filter_enforced": ALWAYS,
    }


def deny(policies: Mapping[str, Config]) -> Config:
    """The filter for roles, denying by `policies`."""
    return typed("rbac", "filters.http.rbac.v3.RBAC", rules={"action": "DENY", "policies": dict(policies)})


def configuration(
    port: int,
    service: int,
    *,
    logs: Mapping[Path, Config],
    filters: Sequence[Config],
    routes: Sequence[Config],
) -> Config:
    """An Envoy on `port` before a `service`: `filters`, then a limit where a route has one (`limit`), then the service
    is asked (`ext`), which denies with 403, then `routes`; written to each of `logs`.
    """
    asked = {"uri": f"http://127.0.0.1:{service}", "cluster": "up", "timeout": "1s"}
    manager = typed(
        "http",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="edge",
        use_remote_address=True,
        delayed_close_timeout="0.1s",
        access_log=[
            typed("file", "access_loggers.file.v3.FileAccessLog", path=str(path), **form) for path, form in logs.items()
        ],
        http_filters=[
            *filters,
            typed("limit", "filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="all"),
            typed(
                "ext",
                "filters.http.ext_authz.v3.ExtAuthz",
                http_service={"server_uri": asked, "path_prefix": "/forbidden"},
            ),
            typed("router", "filters.http.router.v3.Router"),
        ],
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": list(routes)}]},
    )
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _local(service)}}]}]
    return {
        "static_resources": {
            "listeners": [{"address": _local(port), "filter_chains": [{"filters": [manager]}]}],
            "clusters": [{"name": "up", "load_assignment": {"cluster_name": "up", "endpoints": endpoints}}],
        }
    }


@contextmanager
def running(folder: Path, port: int, configured: Config, threads: int) -> Iterator[None]:
    """An Envoy that is `configured` so and listens on `port`; without the program the test skips."""
    (folder / "envoy.json").write_text(json.dumps(configured))
    command = [real_servers.program("envoy"), "-c", folder / "envoy.json", "--concurrency", threads]
    quick = ["--disable-hot-restart", "--file-flush-interval-msec", "50"]
    with real_servers.running([*command, *quick], port, folder / "said"):
        yield


def _local(port: int) -> Config:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
