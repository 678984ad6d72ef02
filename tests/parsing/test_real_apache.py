"""A real Apache writes the lines, in seven formats and with its error log beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from log_sentinel.content import shipped
from log_sentinel.diagnosis.companions import explained
from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.companions import ErrorLogParser
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from log_sentinel.parsing.error_logs import load
from tests.parsing import real_apache, real_servers
from tests.parsing.builders import definition
from tests.parsing.real_apache import COMBINED, COMMON, VHOST
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.parsing.definitions import Definition

FORMATS = {
    "combined": COMBINED,
    "common": COMMON,
    "vhost": rf"{VHOST} %D",
    "pieces": r"[%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] %a %{c}a \"%r\" %>s %b \"%{User-Agent}i\" %I %O %D %L %X",
    "milliseconds": r"%{msec}t %a \"%r\" %>s %b \"%{User-Agent}i\"",
    "fields": r"%a %{%Y-%m-%dT%H:%M:%S%z}t %m \"%U%q\" %H %>s %B %{ms}T \"%{Host}i\" \"%{User-Agent}i\"",
    "json": r"{\"time\":\"%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t\",\"ip\":\"%a\",\"method\":\"%m\","
    r"\"path\":\"%U%q\",\"status\":%>s,\"ua\":\"%{User-Agent}i\"}",
}
SHIPPED = {"combined": "apache-combined", "common": "apache-combined", "vhost": "apache-vhost-combined"}
MODULES = "log_config autoindex proxy proxy_http logio"
DIRECTIVES = """
LogLevel info
<Directory {folder}/html>
  Require all granted
</Directory>
<Location /denied>
  Require ip 10.0.0.0/8
</Location>
<Location /basic>
  AuthType Basic
  AuthName x
  AuthUserFile {folder}/users
  Require user alice
</Location>
Redirect 429 /limited
RewriteEngine on
RewriteRule ^/rewritten - [F]
ProxyPass /up http://127.0.0.1:{upstream}/
"""
PATHS = [b"/ok", b"/denied", b"/limited", b"/up/forbidden", b"/up/many", b"/rewritten"]
EXPECTED = {
    ("denied", 403): ("gateway", "ip_restriction"),
    ("limited", 429): ("gateway", "rate_limit"),
    ("up", 403): ("upstream", "insufficient_permissions"),
    ("up", 429): ("upstream", "rate_limit"),
    ("rewritten", 403): ("gateway", "unknown"),
    ("folder", 403): ("gateway", "gateway_misconfiguration"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an Apache that has been asked everything."""
    folder = tmp_path_factory.mktemp("apache")
    real_servers.make_reachable(folder)
    (folder / "html" / "folder").mkdir(parents=True)
    for page in ("ok", "index.html"):
        (folder / "html" / page).write_text("hello\n")
    port = free_port()
    with real_servers.upstream() as upstream:
        directives = DIRECTIVES.format(folder=folder, upstream=upstream)
        with real_apache.running(folder, port, directives, FORMATS, MODULES):
            real_servers.ask_everything(port, PATHS)
            for path in (b"/folder/", b"/basic", b"/last"):
                real_servers.asked(port, real_servers.request(path))
            for name in FORMATS:
                real_servers.until_written(folder / f"{name}.log")
    return folder


def definitions_of(name: str) -> list[Definition]:
    shipped_ones = [definition(SHIPPED[name])] if name in SHIPPED else []
    return [*shipped_ones, from_directive(f'LogFormat "{FORMATS[name]}" {name}')]


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_of_apache_is_read_and_all_formats_agree(written: Path, name: str) -> None:
    expected = compiled(definition("apache-combined"), ParseOptions()).events(
        real_servers.lines(written / "combined.log")
    )
    # what Apache logs piece by piece it has decoded and cleaned before
    whole = ["method", "path", "query", "route"] if "%r" in FORMATS[name] else []
    agents = ["user_agent"] if "User-Agent" in FORMATS[name] else []
    sizes = ["response_bytes"] if "%b" in FORMATS[name] and "%O" not in FORMATS[name] else []
    for form in definitions_of(name):
        found = compiled(form, ParseOptions()).events(real_servers.lines(written / f"{name}.log"))

        assert ([], True) == (found.rejects.rows(), found.frame.height > 110)
        assert expected.frame["time"].to_list() == found.frame["time"].dt.truncate("1s").to_list()
        for column in ["status", "ip", *whole, *agents, *sizes]:
            assert expected.frame[column].to_list() == found.frame[column].to_list(), column


def test_with_apaches_error_log_the_causes_are_right(written: Path) -> None:
    form = definition("apache-combined")
    log = load(shipped("parsers") / "error-logs" / "apache-error.toml")
    judged = judge(compiled(form, ParseOptions()).parse(real_servers.lines(written / "combined.log")).denials, form)
    companions = ErrorLogParser(log, "UTC").parse(real_servers.lines(written / "error.log")).companions
    told = {row["origin_offset"]: row for row in explained(judged, companions, log).iter_rows(named=True)}
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for row in judged.filter(pl.col("path").str.starts_with("/")).iter_rows(named=True):
        verdict = told.get(row["origin_offset"], row)
        found.setdefault((row["path"].split("/")[1], row["status"]), set()).add(
            (verdict["denied_by"], verdict["cause"])
        )

    # a name that is too long for the disk is refused as well
    found.pop(("ok", 403), None)
    assert {key: {verdict} for key, verdict in EXPECTED.items()} == found
