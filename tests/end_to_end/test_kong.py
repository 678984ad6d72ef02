"""Kong's file-log lines, as its serializer documents them, from the file to the message.

Kong itself is not run here; the fields are those that its serializer, kong/pdk/log.lua, is documented to write.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.end_to_end.running import a_daemon, number, rows, settings_file

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = timedelta(minutes=1)
RULE = """
description = "A client is denied often"
kind = "threshold"
dimension = "client"
window = "3m"
at_least = 20
for = "2m"
keep_firing_for = "3m"
severity = "warning"
"""


def kong_line(at: datetime, status: int, consumer: str | None = None, *, by_kong: bool = True) -> str:
    """One request of the route `orders`, answered by Kong itself or by the service behind it."""
    entry: dict[str, Any] = {
        "request": {
            "id": "f0352978ffd82d3cd5a8a0b1e7c1d41a",
            "uri": "/v1/orders/42?apikey=c4n4ry-d0-n0t-pr1nt",
            "url": "http://api.example.com:8000/v1/orders/42",
            "method": "POST",
            "size": 151,
            "querystring": {"apikey": "c4n4ry-d0-n0t-pr1nt"},
            "headers": {"host": "api.example.com:8000", "user-agent": "okhttp/4.12.0"},
        },
        "response": {"status": status, "size": 331, "headers": {"content-type": "application/json; charset=utf-8"}},
        "latencies": {"kong": 1, "proxy": -1 if by_kong else 12, "request": 14, "receive": 0},
        "upstream_uri": "" if by_kong else "/v1/orders/42",
        "upstream_status": "" if by_kong else str(status),
        "route": {"id": "r1", "name": "orders"},
        "service": {"id": "s1", "name": "orders-svc"},
        "client_ip": "203.0.113.9",
        "started_at": int(at.timestamp() * 1000),
        "source": "kong" if by_kong else "upstream",
        "workspace": "w1",
        "workspace_name": "default",
    }
    if consumer is not None:
        entry["consumer"] = {"id": "c1", "username": consumer}
        entry["authenticated_entity"] = {"id": "k1"}
    if not by_kong:
        entry["tries"] = [{"ip": "192.0.2.7", "port": 8080, "code": status, "balancer_latency": 0}]
    # Kong's encoder escapes slashes
    return json.dumps(entry, separators=(",", ":")).replace("/", "\\/") + "\n"


def test_a_consumer_that_kong_denies_is_told_with_its_name_and_the_cause(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "client-spike.toml").write_text(RULE)
    log = tmp_path / "logs" / "access.json"
    log.parent.mkdir()
    settings = settings_file(
        tmp_path / "etc",
        f'learn_from = "1h"\nrules = ["{tmp_path}/alerts/*.toml"]\n'
        f'[sources.kong]\npath = "{log}"\nstart = "beginning"\n[channels.here]\ntype = "console"\n',
        url=database_url,
    )
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    written = 0

    def write(at: datetime, denied: int, served: int = 5) -> None:
        nonlocal written
        written += denied + served
        with log.open("a") as file:
            file.writelines(kong_line(at, 403, "acme-prod") for _ in range(denied))
            file.writelines(kong_line(at, 200, "acme-prod", by_kong=False) for _ in range(served))

    for back in range(10, 0, -1):
        write(now - back * MINUTE, denied=0)
    with a_daemon(settings) as daemon:
        daemon.wait_until(
            lambda: rows(database_url, "select watermark from detector_state where watermark is not null"),
            "detection to have begun",
        )
        for ahead in range(5):
            write(now + ahead * MINUTE, denied=12)
        write(now + 5 * MINUTE, denied=0)
        daemon.says("acme-prod")
        for ahead in range(6, 15):
            write(now + ahead * MINUTE, denied=0)
        daemon.wait_until(
            lambda: rows(database_url, "select key from incidents where state = 'resolved'") == [("acme-prod",)],
            "the incident to be over",
        )
        daemon.wait_until(lambda: number(database_url, "select sum(n) from traffic") == written, "all requests")
    assert rows(
        database_url, "select distinct status, client, route, service, denied_by, cause, ip, format from denials"
    ) == [
        (
            403,
            "acme-prod",
            "orders",
            "orders-svc",
            "gateway",
            "insufficient_permissions",
            "203.0.113.9",
            "kong-file-log",
        )
    ]
    assert number(database_url, "select count(*) from denials") == 60
    assert rows(database_url, "select query from denials where query like '%c4n4ry%'") == []
    told = [line for line in daemon.said if "acme-prod" in line and not line.startswith("{")]
    assert [line for line in told if "resolved" in line.lower()]
