"""A local HTTP server whose answers a test scripts: it keeps what it was sent."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What to answer. `hang`: nothing, until the client gives up. `drop`: the request is read, then the line is cut.
    `drip`: a header line that never ends."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    drip: bool = False


class HttpServer:
    """Answers by the next scripted reply, else by `usual`."""

    def __init__(self, usual: Callable[[Request], Reply] | None = None, ssl_context: Any = None) -> None:
        self.requests: list[Request] = []
        self.script: deque[Reply] = deque()
        self.usual = usual or (lambda _: Reply())
        self.let_go = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner.answer(self)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the name of the library's parameter
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if ssl_context is not None:
            self._server.socket = ssl_context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        request = Request(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body)
        self.requests.append(request)
        reply = self.script.popleft() if self.script else self.usual(request)
        if reply.hang:
            self.let_go.wait(60)
            return
        if reply.drip:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.let_go.wait(0.05):
                try:
                    handler.wfile.write(b"a")
                except OSError:
                    return
        if reply.drop:
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            handler.wfile.write(reply.body)
        except OSError:
            return

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> HttpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
