"""What a server is made to do, the clients that make it, and the journal of it all.

Nothing here knows how a log is read: what came of a request is known from its answer, why from the place that was
asked.
"""

from __future__ import annotations

import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence
    from pathlib import Path

AGENTS = [
    "curl/8.5.0",
    "okhttp/4.12.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
    'acme "edge" client \\ 7',
    "[24/Nov/2026:03:33:33 +0000] 403",
]
ENDS = ["", "/{n}", "/orders/{n}/items", "/caf%C3%A9/{n}", "/%22{n}%22", "/a;v={n}", "/x//{n}/"]
QUERIES = ["", "&page=2", "&q=%27or%27", "&a=b?c=d", "&token=s3cret"]


@dataclass(frozen=True)
class Situation:
    """A place of a server and what it does to those who ask it.

    `status` with `denied_by` and `cause` when it denies; a client that it answers otherwise is none of its denials.
    `also`: causes, or who denied, that are as right. `source`: the first three numbers of the client's loopback
    address. `at_once`: so many ask together, from the same address. `exact`: nothing is put behind the path.
    """

    name: str
    path: str
    status: int = 200
    denied_by: str = ""
    cause: str = ""
    also: tuple[str, ...] = ()
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    source: str = "127.0.1"
    at_once: int = 1
    exact: bool = False
    tls: bool = False

    @property
    def denies(self) -> bool:
        return bool(self.denied_by)


@dataclass
class Journal:
    """What was asked, by the number that each request carries in its query, and the status that it was answered.

    Whose answer was lost on the way (0) was denied or not: nobody knows.
    """

    asked: dict[int, tuple[Situation, int]] = field(default_factory=dict)

    def denied(self) -> dict[int, Situation]:
        """The requests that were denied in the way they were meant to be."""
        return {rid: each for rid, (each, status) in self.asked.items() if each.denies and status == each.status}


@dataclass(frozen=True)
class Written:
    """The folder of a server that has stopped, and what was done there."""

    folder: Path
    journal: Journal

    def log(self, name: str) -> bytes:
        return (self.folder / f"{name}.log").read_bytes()


def ask(
    ports: dict[bool, int],
    situations: Sequence[Situation],
    rounds: int,
    seed: str,
    context: ssl.SSLContext | None = None,
) -> Journal:
    """Asks each of `situations` `rounds` times in a random order, eight at a time; `ports` by whether it is TLS."""
    dice = random.Random(seed)
    journal = Journal()
    order = [each for each in situations for _ in range(rounds)]
    dice.shuffle(order)
    groups = []
    rid = 1000
    for each in order:
        requests = []
        source = f"{each.source}.{dice.randrange(1, 255)}"
        for _ in range(each.at_once):
            rid += 1
            requests.append((rid, source, _request(each, rid, dice)))
        groups.append((each, requests))

    def one(group: tuple[Situation, list[tuple[int, str, bytes]]]) -> Iterable[tuple[int, Situation, int]]:
        each, requests = group
        connections = [
            (rid, _sent(ports[each.tls], source, data, context if each.tls else None)) for rid, source, data in requests
        ]
        return [(rid, each, _answer(connection)) for rid, connection in connections]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(one, groups):
            for number, each, status in answers:
                journal.asked[number] = (each, status)
    return journal


def two_ports() -> dict[bool, int]:
    """Free ports, the one for TLS under True. Both are held while they are looked for, so that they are two."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return {False: one.getsockname()[1], True: other.getsockname()[1]}


def until_logged(log: Path, journal: Journal) -> None:
    """Waits for the lines of all requests: a server answers before it writes."""
    pause = threading.Event()
    for _ in range(400):
        if log.exists() and log.read_bytes().count(b"?rid=") >= len(journal.asked):
            return
        pause.wait(0.05)
    raise AssertionError(f"waited twenty seconds for {len(journal.asked)} requests in {log}")


def _request(each: Situation, rid: int, dice: random.Random) -> bytes:
    end = "" if each.exact else dice.choice(ENDS).format(n=rid * 7)
    headers = {"Host": "edge.example.com", "User-Agent": dice.choice(AGENTS), "Connection": "close"} | dict(
        each.headers
    )
    body = b'{"a": 1}' if each.method in ("POST", "PUT") else b""
    if body:
        headers["Content-Length"] = str(len(body))
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{each.method} {each.path}{end}?rid={rid}{dice.choice(QUERIES)} HTTP/1.1\r\n{told}\r\n".encode() + body


def _sent(port: int, source: str, data: bytes, context: ssl.SSLContext | None) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
    if context is not None:
        connection = context.wrap_socket(connection, server_hostname="edge.example.com")
    connection.sendall(data)
    return connection


def _answer(connection: socket.socket) -> int:
    """The status that comes; 0 when none does."""
    found = b""
    with connection, suppress(ConnectionResetError, TimeoutError):
        while piece := connection.recv(65536):
            found += piece
    words = found[:16].split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
