"""Ports for servers that tests start."""

from __future__ import annotations

import os
import socket
from itertools import count

# below those that the system gives to connections, any of which may have taken one before the server listens
FIRST, MANY = 10_000, 20_000
_numbers = count(os.getpid() * 97)


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    while True:
        port = FIRST + next(_numbers) % MANY
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
