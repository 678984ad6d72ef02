"""A request line taken apart, and secrets taken out of what is kept of it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"))
PROTOCOLS = frozenset(f" HTTP/{version}" for version in ("1.1", "2.0", "1.0", "3.0"))
METHOD = re.compile(r"[A-Z][A-Z_-]{0,15}")
PROTOCOL = re.compile(r" HTTP/[0-9](?:\.[0-9])?\Z")
ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://([^/?#]*)")
AUTHORITY = re.compile(r"[^/?#\s]+:[0-9]{1,5}\Z")
SECRET_KEY = re.compile(r"token|key|secret|passw|pwd|auth|sig|code|jwt|session|credential", re.IGNORECASE)
JWT = re.compile(r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*")
REDACTED = "[redacted]"
PATH_LIMIT, QUERY_LIMIT = 2048, 1024
QUERY_READ = 4 * QUERY_LIMIT


class Target(NamedTuple):
    """A request's method and target, escapes still in place. `path` is None when there was no request to speak of."""

    method: str | None = None
    path: str | None = None
    query: str | None = None
    scheme: str | None = None
    host: str | None = None


NOTHING = Target()
_target = tuple.__new__


def split_request(line: str | None) -> Target:
    """`METHOD SP target SP HTTP/n`, the protocol may be missing (HTTP/0.9) and the target may hold blanks.

    Anything that does not begin with a method (a TLS handshake on a plain port, say) has a path and no method.
    """
    if not line or line == "-":
        return NOTHING
    method, blank, rest = line.partition(" ")
    if method in METHODS and rest[-9:] in PROTOCOLS and rest[0] == "/":
        # nearly all are so, and this takes a third of the time
        path, _, query = rest[:-9].partition("?")
        if "#" not in path:
            return _target(Target, (method, path, query or None, None, None))
    if method not in METHODS and (not blank or METHOD.fullmatch(method) is None):
        return Target(path=line)
    known = rest[-9:] in PROTOCOLS
    return split_target(rest[:-9] if known else PROTOCOL.sub("", rest), method)


def split_target(target: str | None, method: str | None) -> Target:
    """`target` is a path with or without a query, an absolute URL, host:port (CONNECT) or *.

    With a `method` that is none, both together are a path, as in `split_request`.
    """
    if method and method not in METHODS and METHOD.fullmatch(method) is None:
        return Target(path=f"{method} {target or ''}".rstrip())
    if not target or target == "-":
        return Target(method) if method else NOTHING
    path, _, query = target.partition("?")
    path = path.partition("#")[0]
    scheme = host = None
    if not path.startswith("/"):
        absolute = ABSOLUTE.match(path)
        if absolute is not None:
            scheme, host = absolute[1].lower(), absolute[2].rpartition("@")[2] or None
            path = path[absolute.end() :] or "/"
    return Target(method, path, query or None, scheme, host)


def redacted_query(query: str | None) -> str | None:
    """`query` with the values of telling keys, and whatever looks like a JWT, replaced; cut to QUERY_LIMIT."""
    if not query:
        return None
    if "%" not in query and "eyJ" not in query and SECRET_KEY.search(query) is None:
        return query[:QUERY_LIMIT]
    pairs = []
    for pair in query[:QUERY_READ].split("&"):
        key, equals, value = pair.partition("=")
        secret = equals and value and (SECRET_KEY.search(unquote(key)) or JWT.search(value))
        pairs.append(f"{key}={REDACTED}" if secret else pair)
    return JWT.sub(REDACTED, "&".join(pairs))[:QUERY_LIMIT]


def redacted_url(url: str | None) -> str | None:
    """`url` (a Referer, say) with its query redacted and without user and password."""
    if not url:
        return None
    before, mark, query = url.partition("?")
    before = re.sub(r"//[^/@]*@", "//", before) if "@" in before else before
    return (before + mark + (redacted_query(query) or ""))[:QUERY_LIMIT]
