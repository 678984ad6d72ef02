"""A real HAProxy writes the lines; what is made of them is compared with what was asked of it and what it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from tests.parsing import real_servers
from tests.parsing.builders import batch, definition
from tests.ports import free_port

if TYPE_CHECKING:
    from log_sentinel.parsing.definitions import Definition

CAPTURES = "http-request capture req.hdr(User-Agent) len 64\n  capture request header Host len 20"
CUSTOM = r"""log-format "%ci:%cp [%tr] %ft %b/%s %Ta %ST %B %tsc %hr %hs %{+Q}r %ID \"%[capture.req.hdr(0)]\"" """
JSON = """log-format '{"time":"%t","ip":"%ci","status":%ST,"term":"%ts","server":"%s","backend":"%b","ms":%Ta,"ua":"%[\
capture.req.hdr(0),json(utf8s)]","method":"%HM","path":"%HU"}'"""
# frontend -> what it logs, and further lines of its configuration
FORMATS = {
    "plain": ("option httplog", ""),
    "captured": ("option httplog", CAPTURES),
    "both": ("option httplog", CAPTURES + "\n  capture response header Content-Length len 9"),
    "clf": ("option httplog clf", ""),
    "tls": ("option httpslog", ""),
    "custom": (CUSTOM, CAPTURES),
    "json": (JSON, CAPTURES),
}
CONFIGURATION = """
global
  log stdout format raw daemon
defaults
  mode http
  log global
  timeout connect 1s
  timeout client 2s
  timeout server 2s
backend up
  server s1 127.0.0.1:{upstream}
backend gone
  retries 0
  server n1 127.0.0.1:1
"""
FRONTEND = """
frontend fe_{name}
  bind 127.0.0.1:{port}
  {log}
  {more}
  unique-id-format id_{name}_%rt
  stick-table type ip size 1k expire 60s store http_req_rate(60s)
  http-request track-sc0 src if {{ path_beg /limited }}
  http-request deny deny_status 403 if {{ path_beg /denied }}
  http-request deny deny_status 429 if {{ path_beg /limited }} {{ sc_http_req_rate(0) gt 3 }}
  http-request return status 403 content-type text/plain string no if {{ path_beg /returned }}
  http-request tarpit deny_status 429 if {{ path_beg /tarpit }}
  http-response deny deny_status 403 if {{ capture.req.uri -m beg /ok/veiled }}
  use_backend gone if {{ path_beg /gone }}
  default_backend up
"""
PATHS = [b"/ok", b"/denied", b"/limited", b"/up/forbidden", b"/up/many", b"/returned"]
MORE_PATHS = [b"/tarpit", b"/gone", b"/ok/veiled", b"/last"]
# where the answer comes from: status, by whom, why
EXPECTED = {
    ("denied", 403): ("gateway", "resource_policy"),
    ("limited", 429): ("gateway", "rate_limit"),
    ("up", 403): ("upstream", "insufficient_permissions"),
    ("up", 429): ("upstream", "rate_limit"),
    ("returned", 403): ("gateway", "resource_policy"),
    ("tarpit", 429): ("gateway", "rate_limit"),
    ("ok", 403): ("gateway", "resource_policy"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The lines of each frontend, all asked the same."""
    haproxy = real_servers.program("haproxy")
    folder = tmp_path_factory.mktemp("haproxy")
    lines = {}
    with real_servers.upstream() as upstream:
        for name, (log, more) in FORMATS.items():
            port = free_port()
            text = CONFIGURATION.format(upstream=upstream) + FRONTEND.format(name=name, port=port, log=log, more=more)
            (folder / "haproxy.cfg").write_text(text)
            said = folder / f"{name}.log"
            command = [haproxy, "-db", "-f", folder / "haproxy.cfg"]
            with real_servers.running(command, port, said, real_servers.libraries()):
                requests = real_servers.ask_everything(port, PATHS)
                for path in MORE_PATHS:
                    real_servers.asked(port, real_servers.request(path))
                real_servers.until_all_written(said, requests + len(MORE_PATHS))
            lines[name] = b"".join(
                line for line in said.read_bytes().splitlines(keepends=True) if not line.startswith(b"[")
            )
    return lines


def definitions_of(name: str) -> list[Definition]:
    shipped = [] if name in ("custom", "json") else [definition("haproxy-http")]
    return [*shipped, from_directive(FORMATS[name][0])]


def whole_lines(lines: bytes) -> list[bytes]:
    return [line for line in lines.splitlines(keepends=True) if len(line) < 1000]


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_of_haproxy_is_read_with_what_was_asked(written: dict[str, bytes], name: str) -> None:
    asked = compiled(definition("haproxy-http"), ParseOptions()).events(batch(written["plain"])).frame
    for form in definitions_of(name):
        # the clf line has its status behind the request, where a line that is too long has been cut
        told = written[name] if name != "clf" else b"".join(line for line in whole_lines(written[name]))
        events = compiled(form, ParseOptions()).events(batch(told))

        assert ([], True) == (events.rejects.rows(), events.frame.height > 110)
        # a line that is too long is cut, by as much as its other fields are long
        short = pl.col("path").str.len_bytes() < 500
        columns = ["status", "path", "method", "query", "upstream_addr", "service", "ip"]
        for column in columns if name != "json" else columns[:3]:
            expected, found = (
                frame.filter(short)[column].str.replace("fe_[a-z]+|<BADREQ> ", "").to_list()
                if frame[column].dtype == pl.String
                else frame.filter(short)[column].to_list()
                for frame in (asked, events.frame)
            )
            assert sorted(map(str, expected)) == sorted(map(str, found)), (column, form.name)


@pytest.mark.parametrize("name", FORMATS)
def test_each_denial_of_haproxy_is_judged_right(written: dict[str, bytes], name: str) -> None:
    form = definitions_of(name)[-1]
    judged = judge(compiled(form, ParseOptions()).parse(batch(written[name])).denials, form)
    # the JSON line has its reason before its path: all of them are whole enough
    found = {
        (row["path"].split("/")[1], row["status"]): (row["denied_by"], row["cause"])
        for row in judged.iter_rows(named=True)
    }

    assert EXPECTED == found
    assert ["127.0.0.1"] == judged["ip"].unique().to_list()
    assert {"/denied/{id}", "/up/forbidden/{uuid}"} <= set(judged["route"].to_list())


def test_what_clients_send_cannot_make_fields(written: dict[str, bytes]) -> None:
    form = from_directive(CUSTOM)
    events = compiled(form, ParseOptions()).events(batch(written["custom"])).frame

    assert {200, 403, 429, 400, 501, 503} >= set(events["status"].to_list())
    assert '/"raw"\\' in events["path"].to_list()
