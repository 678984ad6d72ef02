"""A real Traefik writes the lines, as JSON and in both of its common formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.compiling import ParseOptions, compiled
from tests.parsing import real_servers
from tests.parsing.builders import definition
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

# format -> the definition that reads it
FORMATS = {"json": "traefik-json", "common": "traefik-clf", "genericCLF": "nginx-combined"}
ROUTES = """
http:
  routers:
    denied: {{rule: "PathPrefix(`/denied`)", service: up, middlewares: [deny]}}
    limited: {{rule: "PathPrefix(`/limited`)", service: up, middlewares: [limit]}}
    auth: {{rule: "PathPrefix(`/auth`)", service: up, middlewares: [asked]}}
    up: {{rule: "PathPrefix(`/`)", service: up, priority: 1}}
  middlewares:
    deny: {{ipAllowList: {{sourceRange: ["10.0.0.0/8"]}}}}
    limit: {{rateLimit: {{average: 1, period: 1h, burst: 1}}}}
    asked: {{forwardAuth: {{address: "http://127.0.0.1:{upstream}/forbidden"}}}}
  services:
    up: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{upstream}"}}]}}}}
"""
PATHS = [b"/ok", b"/denied", b"/limited", b"/up/forbidden", b"/up/many", b"/auth"]
EXPECTED = {
    ("denied", 403): ("gateway", "ip_restriction"),
    ("limited", 429): ("gateway", "rate_limit"),
    ("up", 403): ("upstream", "insufficient_permissions"),
    ("up", 429): ("upstream", "rate_limit"),
    ("auth", 403): ("auth_service", "insufficient_permissions"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of three Traefiks, one for each format, that have all been asked the same."""
    traefik = real_servers.program("traefik")
    folder = tmp_path_factory.mktemp("traefik")
    with real_servers.upstream() as upstream:
        (folder / "routes.yml").write_text(ROUTES.format(upstream=upstream))
        for name in FORMATS:
            port, log = free_port(), folder / f"{name}.log"
            command = [
                traefik,
                f"--entrypoints.web.address=127.0.0.1:{port}",
                f"--providers.file.filename={folder}/routes.yml",
                "--global.sendanonymoususage=false",
                "--global.checknewversion=false",
                f"--accesslog.filepath={log}",
                f"--accesslog.format={name}",
                "--accesslog.fields.headers.names.User-Agent=keep",
            ]
            with real_servers.running(command, port, folder / f"{name}.said"):
                real_servers.until_it_has_routes(port)
                log.write_bytes(b"")
                real_servers.ask_everything(port, PATHS)
                real_servers.asked(port, real_servers.request(b"/last"))
                real_servers.until_written(log)
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_of_traefik_is_read_and_all_formats_agree(written: Path, name: str) -> None:
    expected, found = (
        compiled(definition(FORMATS[each]), ParseOptions()).events(real_servers.lines(written / f"{each}.log"))
        for each in ("json", name)
    )

    assert ([], True) == (found.rejects.rows(), found.frame.height > 105)
    for column in ["method", "path", "query", "route", "ip"]:
        assert expected.frame[column].to_list() == found.frame[column].to_list(), column
    # a client that says no more is gone for Traefik, or has its answer already: that is a race in each run
    asked = zip(expected.frame["status"].to_list(), found.frame["status"].to_list(), strict=True)
    assert [] == [both for both in asked if both[0] != both[1] and 499 not in both]


@pytest.mark.parametrize("name", ["json", "common"])
def test_each_denial_of_traefik_is_judged_right(written: Path, name: str) -> None:
    form = definition(FORMATS[name])
    judged = judge(compiled(form, ParseOptions()).parse(real_servers.lines(written / f"{name}.log")).denials, form)
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for row in judged.iter_rows(named=True):
        found.setdefault((row["path"].split("/")[1], row["status"]), set()).add((row["denied_by"], row["cause"]))

    assert {key: {verdict} for key, verdict in EXPECTED.items()} == found
