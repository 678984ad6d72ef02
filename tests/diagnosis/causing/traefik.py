"""Traefik: its middlewares by address, rate, header and password, forwardAuth, and what its services deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, until_logged
from tests.parsing import real_servers
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

ROUTES = """
http:
  routers:
    net: {{rule: "PathPrefix(`/net`)", service: up, middlewares: [net]}}
    limited: {{rule: "PathPrefix(`/limited`)", service: up, middlewares: [limit]}}
    few: {{rule: "PathPrefix(`/few`)", service: up, middlewares: [slow, few]}}
    asked: {{rule: "PathPrefix(`/asked`)", service: up, middlewares: [asked]}}
    asked-401: {{rule: "PathPrefix(`/asked-401`)", service: up, middlewares: [asked-401], priority: 100}}
    basic: {{rule: "PathPrefix(`/basic`)", service: up, middlewares: [basic]}}
    up: {{rule: "PathPrefix(`/`)", service: up, priority: 1}}
  middlewares:
    net: {{ipAllowList: {{sourceRange: ["127.0.1.0/24"]}}}}
    limit: {{rateLimit: {{average: 1, period: 1h, burst: 1}}}}
    few: {{inFlightReq: {{amount: 1}}}}
    slow: {{addPrefix: {{prefix: "/slow"}}}}
    asked: {{forwardAuth: {{address: "http://127.0.0.1:{service}/forbidden"}}}}
    asked-401: {{forwardAuth: {{address: "http://127.0.0.1:{service}/unauthorized"}}}}
    basic: {{basicAuth: {{users: ["alice:{{SHA}}X8fji//gDKRq3YkUVGSi6vdZ1cI="]}}}}
  services:
    up: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{service}"}}]}}}}
"""
SERVICE = ("upstream", "insufficient_permissions")
SITUATIONS = [
    Situation("allowed", "/ok"),
    Situation("allowed by address", "/net"),
    Situation("ipAllowList", "/net", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation("ipAllowList, POST", "/net", 403, "gateway", "ip_restriction", source="127.0.3", method="POST"),
    Situation("rateLimit", "/limited", 429, "gateway", "rate_limit", at_once=3),
    Situation("inFlightReq", "/few", 429, "gateway", "rate_limit", at_once=3),
    Situation("no password", "/basic", 401, "gateway", "authentication"),
    Situation("forwardAuth", "/asked", 403, "auth_service", "insufficient_permissions"),
    Situation("forwardAuth, POST", "/asked", 403, "auth_service", "insufficient_permissions", method="POST"),
    Situation("forwardAuth with 401", "/asked-401", 401, "auth_service", "authentication"),
    Situation("the service", "/up/forbidden", 403, *SERVICE),
    Situation("the service, POST", "/up/forbidden", 403, *SERVICE, method="POST"),
    Situation("the service's limit", "/up/many", 429, "upstream", "rate_limit"),
    Situation("the service's login", "/up/unauthorized", 401, "upstream", "authentication"),
    Situation("the service is busy", "/up/busy", 503),
]


def written(folder: Path, rounds: int, name: str) -> Written:
    """Asks a new Traefik that logs as `name` says everything, `rounds` times."""
    program = real_servers.program("traefik")
    port, log = free_port(), folder / f"{name}.log"
    with service() as one:
        (folder / "routes.yml").write_text(ROUTES.format(service=one))
        command = [
            program,
            f"--entrypoints.web.address=127.0.0.1:{port}",
            f"--providers.file.filename={folder}/routes.yml",
            "--global.sendanonymoususage=false",
            "--global.checknewversion=false",
            f"--accesslog.filepath={log}",
            f"--accesslog.format={name}",
        ]
        with real_servers.running(command, port, folder / "said"):
            real_servers.until_it_has_routes(port)
            log.write_bytes(b"")
            journal = ask({False: port}, SITUATIONS, rounds, f"traefik {name}")
            until_logged(log, journal)
    return Written(folder, journal)
