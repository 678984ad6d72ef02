"""The other end of Socket Mode: a websocket server (RFC 6455) that sends what a test says and keeps what it is sent."""

from __future__ import annotations

import base64
import hashlib
import json
import socketserver
import struct
import threading
from contextlib import suppress
from queue import Queue
from typing import Any

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class SocketModeServer:
    """Every connection is greeted as Slack does; `send` goes to the newest."""

    def __init__(self) -> None:
        self.received: Queue[dict[str, Any]] = Queue()
        self.connected: Queue[int] = Queue()
        self._newest: _Connection | None = None
        self._count = 0
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                owner.serve(_Connection(self.request))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/link/?ticket=canary-ticket"

    def serve(self, connection: _Connection) -> None:
        connection.shake_hands()
        self._newest = connection
        self._count += 1
        connection.send(TEXT, json.dumps({"type": "hello", "num_connections": 1}).encode())
        self.connected.put(self._count)
        with connection.reading, suppress(OSError, EOFError):
            for kind, data in connection.frames():
                if kind == PING:
                    connection.send(PONG, data)
                elif kind == TEXT:
                    self.received.put(json.loads(data))

    def send(self, message: object) -> None:
        """As Slack sends it; text goes as it is."""
        assert self._newest is not None
        self._newest.send(TEXT, (message if isinstance(message, str) else json.dumps(message)).encode())

    def hang_up(self) -> None:
        """The line is cut without a word."""
        assert self._newest is not None
        self._newest.cut()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._newest is not None:
            self._newest.cut()


class _Connection:
    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.reading = socket.makefile("rb")
        self._sending = threading.Lock()

    def shake_hands(self) -> None:
        key = ""
        while line := self.reading.readline().strip():
            name, _, value = line.decode().partition(":")
            if name.lower() == "sec-websocket-key":
                key = value.strip()
        accept = base64.b64encode(hashlib.sha1(f"{key}{MAGIC}".encode()).digest()).decode()
        head = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
        self._socket.sendall("\r\n".join([*head, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())

    def frames(self) -> Any:
        """Kind and data of each frame: a client masks what it sends, and none of ours is in parts."""
        while True:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size > 125:
                (size,) = struct.unpack("!H" if size == 126 else "!Q", self._exactly(2 if size == 126 else 8))
            mask, data = self._exactly(4), self._exactly(size)
            if first & 0x0F == CLOSE:
                return
            yield first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))

    def _exactly(self, n: int) -> bytes:
        data: bytes = self.reading.read(n)
        if len(data) < n:
            raise EOFError
        return data

    def send(self, kind: int, data: bytes) -> None:
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack("!H", len(data))
        with self._sending, suppress(OSError):
            self._socket.sendall(bytes([0x80 | kind]) + size + data)

    def cut(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(2)
