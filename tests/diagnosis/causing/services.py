"""The services behind the servers: they answer as their path says, with bodies of many lengths."""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS_OF = {"forbidden": 403, "many": 429, "unauthorized": 401, "busy": 503, "broken": 500}
SLOW = 0.25


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        words = self.path.split("?")[0].split("/")
        if "slow" in words:
            # an answer that takes its time, not a wait for one
            threading.Event().wait(SLOW)
        status = next((code for word, code in STATUS_OF.items() if word in words), 200)
        # an API's error: one in ten tells a long story
        seed = zlib.crc32(self.path.encode())
        body = b'{"error":"' + b"x" * (seed % 100 if seed % 10 else seed % 1000) + b'"}\n'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def log_message(self, *words: object) -> None:
        """Nothing is logged: the gateway's log is what is looked at."""


class _Service(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *words: object) -> None:
        """A gateway may hang up when it likes."""


@contextmanager
def service() -> Iterator[int]:
    """A service's port."""
    server = _Service(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
