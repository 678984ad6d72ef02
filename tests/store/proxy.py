"""A small TCP proxy before a Unix socket: passes bytes on, swallows them, or cuts the line at a COMMIT."""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


# A query message of the wire protocol: type, length, text (not the COMMIT of a temporary table's ON COMMIT)
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class Line(Enum):
    """What the proxy does from now on."""

    OPEN = "passes everything"
    SILENT = "takes bytes and answers nothing"
    CUT_BEFORE_COMMIT = "hangs up when a COMMIT comes, which the server never sees"
    CUT_AFTER_COMMIT = "lets the COMMIT through and hangs up before its answer"


class Proxy:
    """Listens on `address` (HOST:PORT) until `close`. `cuts` counts the lines it hung up on."""

    def __init__(self, behind: Path) -> None:
        self.line = Line.OPEN
        self.cuts = 0
        self._behind = behind
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listening.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()
        for end in self._open:
            self._hang_up(end)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._behind))
                self._open += [client, server]
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if COMMIT in data and self.line is Line.CUT_BEFORE_COMMIT:
                    self.cuts += 1
                    break
                if COMMIT in data and self.line is Line.CUT_AFTER_COMMIT:
                    self.cuts += 1
                    # the reading thread passes nothing on in this state, so the server's answer ends here
                    server.sendall(data)
                    server.shutdown(socket.SHUT_WR)
                    return
                if self.line is not Line.SILENT:
                    server.sendall(data)
        self._hang_up(client)
        self._hang_up(server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self.line is Line.CUT_AFTER_COMMIT and b"COMMIT\x00" in data:
                    break
                if self.line is not Line.SILENT:
                    client.sendall(data)
        self._hang_up(client)
        self._hang_up(server)

    @staticmethod
    def _hang_up(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
