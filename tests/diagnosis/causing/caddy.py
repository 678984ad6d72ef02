"""Caddy: answers and errors of its own by address, path, method and certificate, forward_auth, and what its services
deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, two_ports, until_logged
from tests.diagnosis.causing.tls import certificate, client
from tests.parsing import real_servers

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {"json": "json", "iso": "json {\n time_format iso8601\n }"}
OPTIONS = "{\n admin off\n auto_https disable_redirects\n default_bind 127.0.0.1\n skip_install_trust\n}\n"
SITE = """
{address} {{
    {tls}
    log {{
        output file {folder}/{name}.log
        format {format}
    }}
    @net {{
        path /net*
        remote_ip 127.0.3.0/24
    }}
    respond @net 403
    @admin path /admin*
    respond @admin 403
    @hidden path /.git* *.sql
    error @hidden 403
    @reading {{
        path /reading*
        not method GET HEAD
    }}
    respond @reading 403
    @scanned {{
        path /scanned*
        header User-Agent *sqlmap*
    }}
    respond @scanned "no" 403
    @certified {{
        path /certified*
        expression {{tls_client_subject}} == ""
    }}
    respond @certified 403
    @plan path /plan*
    respond @plan "slow down" 429
    @limited path /limited*
    error @limited "too many" 429
    @basic path /basic*
    basic_auth @basic {{
        alice $2b$04$9x9oRaPGzJkSU7xMKCTTKuQSq1vy0NHMtdDwxp9XoMbfdxfTZ4.9G
    }}
    handle /asked* {{
        forward_auth 127.0.0.1:{service} {{
            uri /forbidden
        }}
        respond "in"
    }}
    handle_path /up/* {{
        reverse_proxy 127.0.0.1:{service}
    }}
    handle_path /bare/* {{
        reverse_proxy 127.0.0.1:{service} {{
            header_down -Server
        }}
    }}
    respond "hi"
}}
"""
RULE = ("gateway", "resource_policy")
SERVICE = ("upstream", "insufficient_permissions")
SITUATIONS = [
    Situation("allowed", "/ok"),
    Situation("allowed by address", "/net"),
    Situation("remote_ip", "/net", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation("path", "/admin", 403, *RULE),
    Situation("hidden files", "/.git/config", 403, *RULE, exact=True),
    Situation("dumps", "/backup/site.sql", 403, *RULE, exact=True),
    Situation("method", "/reading", 403, *RULE, method="DELETE"),
    Situation("method, POST", "/reading", 403, *RULE, method="POST"),
    Situation("user agent", "/scanned", 403, *RULE, headers=(("User-Agent", "sqlmap/1.8"),)),
    Situation("no certificate", "/certified", 403, "gateway", "authentication",
        ("insufficient_permissions", "resource_policy"), tls=True),
    Situation("respond 429", "/plan", 429, "gateway", "rate_limit"),
    Situation("error 429", "/limited", 429, "gateway", "rate_limit"),
    Situation("no password", "/basic", 401, "gateway", "authentication"),
    Situation("forward_auth", "/asked", 403, "auth_service", "insufficient_permissions"),
    Situation("the service", "/up/forbidden", 403, *SERVICE),
    Situation("the service, POST", "/up/forbidden", 403, *SERVICE, method="POST"),
    Situation("the service, HEAD", "/up/forbidden", 403, *SERVICE, method="HEAD"),
    Situation("the service, without its name", "/bare/forbidden", 403, *SERVICE),
    Situation("the service's limit", "/up/many", 429, "upstream", "rate_limit"),
    Situation("the service's login", "/up/unauthorized", 401, "upstream", "authentication"),
    Situation("the service is busy", "/up/busy", 503),
]  # fmt: skip


def written(folder: Path, rounds: int, name: str) -> Written:
    """Asks a new Caddy that logs as `name` says everything, `rounds` times."""
    program = real_servers.program("caddy")
    certificate(folder)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    ports = two_ports()
    tls = f"tls {folder}/cert.pem {folder}/key.pem {{\n client_auth {{\n mode request\n }}\n }}"
    with service() as one:
        sites = [
            SITE.format(address=address, tls=more, folder=folder, name=name, format=FORMATS[name], service=one)
            for address, more in ((f"http://:{ports[False]}", ""), (f"https://edge.example.com:{ports[True]}", tls))
        ]
        (folder / "Caddyfile").write_text(OPTIONS + "".join(sites))
        command = [program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
        with real_servers.running(command, ports[False], folder / "said", home):
            journal = ask(ports, SITUATIONS, rounds, f"caddy {name}", client())
            until_logged(folder / f"{name}.log", journal)
    return Written(folder, journal)
