"""HAProxy: its rules by address, path, method, header, certificate and rate, and what its servers deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, two_ports, until_logged
from tests.diagnosis.causing.tls import certificate, client
from tests.parsing import real_servers

if TYPE_CHECKING:
    from pathlib import Path

OWN = 'log-format "%ci:%cp [%tr] %ft %b/%s %Ta %ST %B %tsc %hr %{+Q}r"'
FORMATS = {"httplog": "option httplog", "clf": "option httplog clf", "own": OWN}
# of two threads that write a line at once, one drops it
CONFIGURATION = """
global
  log stdout format raw daemon
  nbthread 1
defaults
  mode http
  log global
  {log}
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout tarpit 100ms
backend up
  http-request set-path %[path,regsub(^/up,)]
  server s1 127.0.0.1:{service}
backend veiled
  http-response deny deny_status 403 if {{ status 200 }}
  server s1 127.0.0.1:{service}
backend guarded
  acl known http_auth_group(people) admins
  http-request auth realm x if !known
  server s1 127.0.0.1:{service}
userlist people
  group admins
  user alice insecure-password open groups admins
frontend fe
  bind 127.0.0.1:{port}
  bind 127.0.0.1:{tls} ssl crt {folder}/both.pem ca-file {folder}/cert.pem verify optional
  stick-table type ip size 1m expire 600s store http_req_rate(600s)
  acl limited path_beg /limited /hurry
  http-request track-sc0 src if limited
  http-request deny deny_status 429 if {{ path_beg /limited }} {{ sc_http_req_rate(0) gt 1 }}
  http-request deny deny_status 503 if {{ path_beg /hurry }} {{ sc_http_req_rate(0) gt 1 }}
  http-request deny if {{ path_beg /net }} {{ src 127.0.3.0/24 }}
  http-request deny if {{ path_beg /admin }}
  http-request deny if {{ path_beg /.git /backup }}
  http-request deny if {{ path_beg /reading }} !{{ method GET HEAD }}
  http-request deny if {{ path_beg /scanned }} {{ req.hdr(User-Agent) -i -m sub sqlmap }}
  http-request deny if {{ path_beg /certified }} !{{ ssl_c_used }}
  http-request return status 403 content-type application/json string '{{"error":"no"}}' if {{ path_beg /returned }}
  http-request return status 429 content-type application/json string '{{"error":"no"}}' if {{ path_beg /plan }}
  http-request tarpit deny_status 429 if {{ path_beg /tarpit }}
  use_backend veiled if {{ path_beg /veiled }}
  use_backend guarded if {{ path_beg /guarded }}
  default_backend up
"""
RULE = ("gateway", "resource_policy")
SITUATIONS = [
    Situation("allowed", "/ok"),
    Situation("allowed by rate", "/net"),
    Situation("src", "/net", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation("path", "/admin", 403, *RULE),
    Situation("hidden files", "/.git/config", 403, *RULE, exact=True),
    Situation("method", "/reading", 403, *RULE, method="DELETE"),
    Situation("method, POST", "/reading", 403, *RULE, method="POST"),
    Situation("user agent", "/scanned", 403, *RULE, headers=(("User-Agent", "sqlmap/1.8"),)),
    Situation("no certificate", "/certified", 403, "gateway", "authentication",
        ("insufficient_permissions", "resource_policy"), tls=True),
    Situation("return 403", "/returned", 403, *RULE),
    Situation("return 429", "/plan", 429, "gateway", "rate_limit"),
    Situation("rate", "/limited", 429, "gateway", "rate_limit", at_once=3),
    Situation("rate with 503", "/hurry", 503, "gateway", "rate_limit", at_once=3),
    Situation("tarpit", "/tarpit", 429, "gateway", "rate_limit"),
    Situation("response rule", "/veiled/ok", 403, *RULE),
    Situation("no password", "/guarded", 401, "gateway", "authentication"),
    Situation("the server", "/up/forbidden", 403, "upstream", "insufficient_permissions"),
    Situation("the server, POST", "/up/forbidden", 403, "upstream", "insufficient_permissions", method="POST"),
    Situation("the server's limit", "/up/many", 429, "upstream", "rate_limit"),
    Situation("the server's login", "/up/unauthorized", 401, "upstream", "authentication"),
    Situation("the server is busy", "/up/busy", 503),
]  # fmt: skip


def written(folder: Path, rounds: int, name: str) -> Written:
    """Asks a new HAProxy that logs as `name` says everything, `rounds` times."""
    haproxy = real_servers.program("haproxy")
    certificate(folder)
    ports = two_ports()
    with service() as one:
        (folder / "haproxy.cfg").write_text(
            CONFIGURATION.format(folder=folder, service=one, log=FORMATS[name], port=ports[False], tls=ports[True])
        )
        said = folder / "said"
        command = [haproxy, "-db", "-f", folder / "haproxy.cfg"]
        with real_servers.running(command, ports[False], said, real_servers.libraries()):
            journal = ask(ports, SITUATIONS, rounds, f"haproxy {name}", client())
            until_logged(said, journal)
    # what it says of itself stands in the same stream
    lines = [line for line in said.read_bytes().splitlines(keepends=True) if not line.startswith(b"[")]
    (folder / f"{name}.log").write_bytes(b"".join(lines))
    return Written(folder, journal)
