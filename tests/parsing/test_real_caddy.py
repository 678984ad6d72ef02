"""A real Caddy writes the lines, with times in three forms."""

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

# site -> how it writes its log
FORMATS = {
    "plain": "",
    "iso": "time_format iso8601",
    "milliseconds": "time_format unix_milli_float",
}
SITE = """
http://:{port} {{
    log {{
        output file {folder}/{name}.log
        format json {{
            {format}
        }}
    }}
    @denied path /denied*
    respond @denied 403
    @limited path /limited*
    respond @limited "slow down" 429
    @byip {{
        path /byip*
        remote_ip 127.0.0.0/8
    }}
    respond @byip "not from here" 403
    @failed path /failed*
    error @failed "forbidden" 403
    handle_path /up/* {{
        reverse_proxy 127.0.0.1:{upstream}
    }}
    handle_path /gone/* {{
        reverse_proxy 127.0.0.1:1
    }}
    respond "hi"
}}
"""
PATHS = [b"/ok", b"/denied", b"/limited", b"/up/forbidden", b"/up/many", b"/byip", b"/failed"]
EXPECTED = {
    ("denied", 403): ("gateway", "resource_policy"),
    ("byip", 403): ("gateway", "resource_policy"),
    ("failed", 403): ("gateway", "resource_policy"),
    ("limited", 429): ("gateway", "rate_limit"),
    ("up", 403): ("upstream", "insufficient_permissions"),
    ("up", 429): ("upstream", "rate_limit"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Caddy whose sites have all been asked the same."""
    caddy = real_servers.program("caddy")
    folder = tmp_path_factory.mktemp("caddy")
    ports = {name: free_port() for name in FORMATS}
    with real_servers.upstream() as upstream:
        sites = [
            SITE.format(name=name, port=port, folder=folder, format=FORMATS[name], upstream=upstream)
            for name, port in ports.items()
        ]
        (folder / "Caddyfile").write_text("{\n admin off\n auto_https off\n default_bind 127.0.0.1\n}" + "".join(sites))
        command = [caddy, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
        home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with real_servers.running(command, max(ports.values()), folder / "said", home):
            for name, port in ports.items():
                real_servers.ask_everything(port, PATHS)
                for path in (b"/gone/x", b"/last"):
                    real_servers.asked(port, real_servers.request(path))
                real_servers.until_written(folder / f"{name}.log")
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_of_caddy_is_read_and_all_sites_agree(written: Path, name: str) -> None:
    parser = compiled(definition("caddy"), ParseOptions())
    expected, found = (parser.events(real_servers.lines(written / f"{each}.log")) for each in ("plain", name))

    assert ([], True) == (found.rejects.rows(), found.frame.height > 120)
    for column in ["status", "method", "path", "query", "route", "ip", "user_agent", "response_bytes"]:
        assert expected.frame[column].to_list() == found.frame[column].to_list(), column
    apart = found.frame["time"][-1] - expected.frame["time"][-1]
    assert abs(apart.total_seconds()) < 60


@pytest.mark.parametrize("name", FORMATS)
def test_each_denial_of_caddy_is_judged_right(written: Path, name: str) -> None:
    form = definition("caddy")
    judged = judge(compiled(form, ParseOptions()).parse(real_servers.lines(written / f"{name}.log")).denials, form)
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for row in judged.iter_rows(named=True):
        found.setdefault((row["path"].split("/")[1], row["status"]), set()).add((row["denied_by"], row["cause"]))

    assert {key: {verdict} for key, verdict in EXPECTED.items()} == found
    assert ["127.0.0.1"] == judged["ip"].unique().to_list()
