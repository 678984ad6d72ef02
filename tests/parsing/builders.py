"""Batches of lines and parsers for tests."""

from __future__ import annotations

from log_sentinel.content import shipped
from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.parsing.compiling import ParseOptions, Parser, compiled
from log_sentinel.parsing.definitions import Definition, load
from log_sentinel.parsing.directive import from_directive

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)


def batch(
    data: bytes | str,
    start: int = 0,
    offsets: tuple[int, ...] | None = None,
    skipped: tuple[tuple[int, str, bytes], ...] = (),
) -> Lines:
    raw = data.encode() if isinstance(data, str) else data
    end = Checkpoint(1, "edge", "/a.log", 1, 1, 0, "", start + len(raw), 0, "", start + len(raw))
    return Lines("edge", raw, Move(start, end), offsets, skipped)


def definition(name: str) -> Definition:
    return load(shipped("parsers") / f"{name}.toml")


def parser(name: str = "nginx-combined", **options: object) -> Parser:
    return compiled(definition(name), ParseOptions(**options))  # type: ignore[arg-type]


def parser_of(directive: str, **options: object) -> Parser:
    return compiled(from_directive(directive), ParseOptions(**options))  # type: ignore[arg-type]


def line(
    status: int | str = 403,
    request: str = "GET /v1/orders/42 HTTP/1.1",
    *,
    ip: str = "203.0.113.7",
    user: str = "-",
    time: str = "24/Nov/2026:03:33:33 +0000",
    agent: str = "curl/8.5.0",
) -> str:
    return f'{ip} - {user} [{time}] "{request}" {status} 153 "-" "{agent}"\n'
