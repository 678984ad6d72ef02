"""What nginx's variables mean and what their values look like, so that a pasted log_format needs no mapping.

Sources: https://nginx.org/en/docs/varindex.html and, for what is escaped and how lists are joined, nginx's
src/http/modules/ngx_http_log_module.c and src/http/ngx_http_upstream.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.parsing import log_format
from log_sentinel.parsing.layout import Literal, Part, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

MEANINGS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "time": (("time_local", "clf"), ("time_iso8601", "iso8601"), ("msec", "epoch_s")),
    "fine_time": (("msec", "epoch_s"),),
    "status": (("status", None),),
    "request": (("request", None),),
    "method": (("request_method", None),),
    "target": (
        ("request_uri", None),
        ("uri+is_args+args", None),
        ("uri+is_args+query_string", None),
        ("uri", None),
        ("document_uri", None),
    ),
    "scheme": (("scheme", None), ("http_x_forwarded_proto", None)),
    "host": (("http_host", None), ("host", None), ("server_name", None)),
    "service": (("proxy_upstream_name", None), ("service_name", None), ("proxy_host", None)),
    "route": (("ingress_name", None),),
    "request_id": (("request_id", None), ("req_id", None), ("kong_request_id", None), ("apisix_request_id", None)),
    "request_bytes": (("request_length", None),),
    "response_bytes": (("body_bytes_sent", None), ("bytes_sent", None)),
    "duration": (("request_time", "s"),),
    "referer": (("http_referer", None),),
    "user_agent": (("http_user_agent", None),),
    "client": (("remote_user", None), ("http_x_consumer_username", None), ("jwt_claim_sub", None)),
    "ip": (("remote_addr", None), ("the_real_ip", None), ("proxy_add_x_forwarded_for", None)),
    "peer": (("realip_remote_addr", None),),
    "forwarded_for": (("http_x_forwarded_for", None), ("proxy_add_x_forwarded_for", None)),
    "forwarded": (("http_forwarded", None),),
    "upstream_addr": (("upstream_addr", None),),
    "upstream_status": (("upstream_status", None),),
    "upstream_time": (("upstream_response_time", "s"),),
}

# Only the diagnosis reads these.
EVIDENCE = {
    name: name
    for name in (
        "limit_req_status",
        "limit_conn_status",
        "upstream_cache_status",
        "ssl_client_verify",
        "connection",
        "upstream_status",
        "auth_status",  # nobody's but ours: see the verdict rule and formats from-nginx
    )
} | {"body": "body_bytes_sent"}

SHAPED = {
    "status": "status",
    "time_local": "clf",
    "time_iso8601": "iso8601",
    "msec": "seconds",
    "scheme": "word",
    "upstream_scheme": "word",
    "host": "host",
    "upstream_host": "host",
    "proxy_add_x_forwarded_for": "list",
    **dict.fromkeys(("request_time", "request_length", "body_bytes_sent", "bytes_sent", "connection", "pid"), "number"),
}
PLAIN = {
    "remote_addr", "remote_port", "realip_remote_addr", "realip_remote_port", "the_real_ip",
    "proxy_protocol_addr", "hostname", "request_method", "request_id",
    "req_id", "kong_request_id", "apisix_request_id", "tcpinfo_rtt",
    "connection_requests", "connection_time", "pipe", "gzip_ratio", "http2", "http3", "https",
    "is_args", "server_name", "server_addr", "server_port", "server_protocol", "limit_req_status",
    "limit_conn_status", "upstream_cache_status", "ssl_protocol", "ssl_cipher", "ssl_client_verify",
    "ssl_server_name", "ssl_session_reused", "namespace", "ingress_name", "service_name", "service_port",
    "proxy_upstream_name", "proxy_alternative_upstream_name", "proxy_host", "proxy_port", "nginx_version",
    "geoip_country_code", "geoip2_data_country_code",
}  # fmt: skip
LISTS = {
    "upstream_addr", "upstream_status", "upstream_response_time", "upstream_connect_time", "upstream_header_time",
    "upstream_queue_time", "upstream_response_length", "upstream_bytes_sent", "upstream_bytes_received",
    "upstream_first_byte_time",
}  # fmt: skip


def parts(text: str) -> list[Part]:
    """The literals and variables of a format's joined text. What nginx does not define itself may hold anything."""
    return _parts(
        text, lambda name: "list" if name in LISTS else SHAPED.get(name, "plain" if name in PLAIN else "text")
    )


def plain_parts(text: str) -> list[Part]:
    """The same for variables that mean nothing to nginx."""
    return _parts(text, lambda _: "plain")


def _parts(text: str, shape: Callable[[str], str]) -> list[Part]:
    found: list[Part] = []
    position = 0
    for match in log_format.VARIABLE.finditer(text):
        name = match[1] or match[2]
        found += [Literal(text[position : match.start()]), Variable(name, shape(name))]
        position = match.end()
    found.append(Literal(text[position:]))
    return [part for part in found if part != Literal("")]
