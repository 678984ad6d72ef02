"""Envoy: its filters for roles, rates, authorization, forged requests and tokens, and what its services deny."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, until_logged
from tests.parsing import real_envoy
from tests.parsing.real_envoy import JSON, OWN, UNASKED, json_of, one_an_hour, route, text
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {"json": "", "own": OWN}
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


def _configuration(folder: Path, port: int, upstream: int) -> dict[str, Any]:
    csrf = {"csrf": {"@type": real_envoy.FILTERS + "csrf.v3.CsrfPolicy", "filter_enabled": real_envoy.ALWAYS}}
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
    return real_envoy.configuration(
        port,
        upstream,
        logs={folder / "json.log": json_of(JSON), folder / "own.log": text(OWN)},
        filters=[
            real_envoy.deny(policies),
            real_envoy.typed("csrf", "filters.http.csrf.v3.CsrfPolicy", filter_enabled=real_envoy.NEVER),
        ],
        routes=[
            route("/asked", of={}),
            route("/direct", status=403),
            route("/plan", status=429),
            route("/limited", of={"limit": one_an_hour(), **UNASKED}),
            route("/hurry", of={"limit": one_an_hour(503), **UNASKED}),
            route("/csrf", of={**csrf, **UNASKED}),
            route("/"),
        ],
    )


def written(folder: Path, rounds: int, _: str = "") -> Written:
    """Asks a new Envoy in `folder` everything, `rounds` times; it logs in all of FORMATS at once."""
    port = free_port()
    with service() as one, real_envoy.running(folder, port, _configuration(folder, port, one), threads=2):
        journal = ask({False: port}, SITUATIONS, rounds, "envoy")
        for name in FORMATS:
            until_logged(folder / f"{name}.log", journal)
    return Written(folder, journal)
