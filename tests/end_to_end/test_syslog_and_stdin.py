"""A real nginx and a real HAProxy that send their log as syslog, and a pipe, to the running daemon."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import real_nginx
from tests.end_to_end.numbered_log import NumberedLog
from tests.end_to_end.real_nginx import a_real_nginx
from tests.end_to_end.running import (
    BEGAN,
    PROGRAM,
    a_daemon,
    environment,
    health,
    number,
    rows,
    run,
    settings_file,
    wait_until,
)
from tests.parsing import real_servers
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

UDP = """
global
  log 127.0.0.1:{port} local0
"""
RING = """
ring sentinel
  format rfc5424
  maxlen 4096
  size 1048576
  timeout connect 5s
  timeout server 10s
  server sentinel 127.0.0.1:{port} log-proto octet-count
global
  log ring@sentinel local0
"""
HAPROXY = """
defaults
  mode http
  log global
  option httplog
  timeout connect 1s
  timeout client 2s
  timeout server 2s
frontend edge
  bind 127.0.0.1:{port}
  http-request deny deny_status 403 if {{ path_beg /denied }}
  http-request return status 200
"""


def test_what_a_real_nginx_sends_as_syslog_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    port = free_port()
    settings = settings_file(
        tmp_path / "etc", f'[sources.edge]\ntype = "syslog"\nlisten = "127.0.0.1:{port}"\n', url=url
    )
    monkeypatch.setattr(
        real_nginx,
        "CONFIGURATION",
        real_nginx.CONFIGURATION.replace("{folder}/access.log", f"syslog:server=127.0.0.1:{port},tag=nginx"),
    )
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        with a_real_nginx(tmp_path / "nginx") as nginx:
            assert {403} == set(nginx.get("/admin", at=BEGAN, times=20))
            assert {200} == set(nginx.get("/", at=BEGAN, times=30))
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") == 50, "all requests")
        assert [("nginx-combined", "/admin", 403, 20)] == rows(
            url, "select format, path, status, count(*) from denials group by 1, 2, 3"
        )
        _, found = health(settings)
        assert "ok" == next(part["state"] for part in found["parts"] if part["name"] == "source edge")
        ran = run("doctor", "--config", settings, cwd=tmp_path)
        assert f"syslog at 127.0.0.1:{port} (udp, tcp)" in " ".join(ran.stdout.split())


@pytest.mark.parametrize("target", [UDP, RING], ids=["UDP, RFC 3164", "TCP, RFC 5424, counted"])
def test_what_a_real_haproxy_sends_as_syslog_is_stored(target: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    haproxy = real_servers.program("haproxy")
    to, port = free_port(), free_port()
    settings = settings_file(tmp_path / "etc", f'[sources.lb]\ntype = "syslog"\nlisten = "127.0.0.1:{to}"\n', url=url)
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(target.format(port=to) + HAPROXY.format(port=port))
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        command: list[str | Path] = [haproxy, "-db", "-f", configuration]
        with real_servers.running(command, port, tmp_path / "haproxy.out", real_servers.libraries()):
            for _ in range(20):
                real_servers.asked(port, real_servers.request(b"/denied"))
                real_servers.asked(port, real_servers.request(b"/"))
            daemon.wait_until(
                lambda: number(url, "select sum(n) from traffic where status in (200, 403)") == 40, "all requests"
            )
    assert [("haproxy-http", "gateway", "resource_policy", 20)] == rows(
        url, "select format, denied_by, cause, count(*) from denials where path = '/denied' group by 1, 2, 3"
    )


def test_what_was_received_is_stored_before_the_daemon_stops(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    port = free_port()
    source = f'[sources.edge]\ntype = "syslog"\nlisten = "127.0.0.1:{port}"\nprotocols = ["tcp"]\n'
    settings = settings_file(tmp_path / "etc", source, url=url)
    log = NumberedLog(tmp_path / "access.log", 7, BEGAN)
    log.write(20_000)
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
            sender.sendall(log.path.read_bytes())
            sender.shutdown(socket.SHUT_WR)
            # closed by the daemon once it has taken all of it
            assert sender.recv(1) == b""
        assert 0 == daemon.stop()
    assert log.expected.requests == number(url, "select sum(n) from traffic")


def test_what_comes_through_a_pipe_is_stored_and_at_its_end_the_daemon_stops(database_url: str, tmp_path: Path) -> None:
    log = NumberedLog(tmp_path / "access.log", 5, BEGAN)
    log.write(30_000)
    settings = settings_file(tmp_path / "etc", "", url=database_url)
    with log.path.open("rb") as file:
        ran = subprocess.run(
            [PROGRAM, "run", "-", "--config", settings],
            stdin=file,
            cwd=tmp_path,
            env=environment(None),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert 0 == ran.returncode, ran.stderr
    assert log.expected.requests == number(database_url, "select sum(n) from traffic")
    assert len(log.expected.denied) == number(database_url, "select count(*) from denials")


def test_a_reload_loses_nothing_of_a_pipe(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    log = NumberedLog(tmp_path / "access.log", 6, BEGAN + timedelta(hours=1))
    log.write(4000)
    data = log.path.read_bytes()
    settings = settings_file(tmp_path / "etc", "", url=url)
    process = subprocess.Popen(
        [PROGRAM, "run", "-", "--config", settings],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(None),
        text=False,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()))
    reader.start()
    # the half of a line is held over the reload
    process.stdin.write(data[: len(data) // 2])
    process.stdin.flush()
    wait_until(lambda: number(url, "select sum(n) from traffic") > 1900, "the first half")
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: sum(b'"watching"' in line for line in said) == 2, "the reload")
    process.stdin.write(data[len(data) // 2 :])
    process.stdin.close()
    assert 0 == process.wait(30)
    reader.join()
    process.stderr.close()
    assert log.expected.requests == number(url, "select sum(n) from traffic")
