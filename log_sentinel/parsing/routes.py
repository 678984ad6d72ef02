"""Route templates: what stays of a path when its identifiers are taken out, and no more of them than a bound.

A segment is judged as a whole (after one percent-decoding), identifiers of a telling form first: a UUID or a hash
begins with digits as often as not. A segment that looks like a word, a version (v2), a locale or a year stays.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote

from log_sentinel.parsing.addresses import IPV4
from log_sentinel.parsing.escapes import WRITTEN
from log_sentinel.parsing.request_line import AUTHORITY, PATH_LIMIT, Target, split_target

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = "{other}"
ANY_METHOD = "GET"
MALFORMED, ASTERISK, AUTHORITY_FORM = "{malformed}", "{asterisk}", "{authority}"
SEGMENTS, SEGMENT_LENGTH, ROUTE_LENGTH = 16, 64, 255
UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
FORMS = {
    "uuid": UUID,
    "date": r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,+Z-]*)?",
    "id": r"[0-9]+|[0-7][0-9A-HJKMNP-TV-Z]{25}",  # the second is a ULID: https://github.com/ulid/spec
    "hash": r"(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{16,}",
    "email": r"[^@\s/]{1,64}@[^@\s/]+\.[A-Za-z]{2,}",
    "ip": IPV4.pattern,
    "token": r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+|(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9_=-]{16,}",
}
FORM = re.compile("|".join(f"(?P<{name}>{form})" for name, form in FORMS.items()))
WORD = re.compile(r"[A-Za-z_-]{1,15}")  # is none of the forms
NUMBERED = re.compile(r"([A-Za-z][A-Za-z_.]*[-_])[0-9]+")
FILE = re.compile(r"(.+)(\.[A-Za-z][A-Za-z0-9]{1,4})")
PAGE = re.compile(r"[1-5][0-9]{2}\.html?")  # an error page, 404.html
CONTROL = re.compile(r"[\x00-\x1f\x7f\ufffd]")

# What the fast path does to many distinct paths at once: the answer that FORM has for these, so that only what is
# left needs to be looked at segment by segment. 8 digits that begin with 19 or 20 may be a date. Expressions without
# groups are several times quicker, so that of segments that touch every second one stays for the next pass.
_DIGITS = r"/(?:[0-9]{1,7}|[0-9]{9,}|[03-9][0-9]{7}|1[0-8][0-9]{6}|2[1-9][0-9]{6})"
BULK_FIRST = ((_DIGITS + "/", "/{id}/"), (_DIGITS + "$", "/{id}"))
BULK_THEN = (
    (rf"/{UUID}(/|$)", "/{uuid}$1"),
    (_DIGITS + r"\.(png|jpe?g|gif|svg|webp|json|xml|pdf|csv)$", "/{id}.$1"),
    *BULK_FIRST,
)


def template(path: str) -> str:
    """The route of an unescaped `path` (no query): /users/123 gives /users/{id}."""
    segments = [segment.partition(";")[0] for segment in path.split("/") if segment]
    if len(segments) > SEGMENTS:
        segments = [*segments[:SEGMENTS], "{more}"]
    route = "/" + "/".join(_segment(each) for each in segments)
    if path.endswith("/") and len(route) > 1:
        route += "/"
    return route if len(route) <= ROUTE_LENGTH else route[: route.rfind("/", 0, ROUTE_LENGTH - 7)] + "/{long}"


def route_of(target: Target, unescape: Callable[[str], str]) -> str:
    """The template for a request's target, whose path still has the escapes that `unescape` undoes."""
    path = target.path
    if path is None or (target.method is None and not path.startswith("/")):
        return MALFORMED
    if path == "*":
        return ASTERISK
    if "\\" in path:
        path = unescape(path[: WRITTEN * PATH_LIMIT])
    if path.startswith("/"):
        return template(path)
    return AUTHORITY_FORM if AUTHORITY.match(path) else MALFORMED


class Routes:
    """Templates with a bound: past `cap` distinct ones a source's further routes are all OTHER. Threads may share
    one."""

    REMEMBERED = 50_000

    def __init__(self, cap: int, unescape: Callable[[str], str]) -> None:
        self.cap = cap
        self._unescape = unescape
        self._admitted: set[str] = set()
        self._known: dict[str, str] = {}
        self._lock = Lock()

    @property
    def full(self) -> bool:
        """Whether the bound has been reached."""
        return len(self._admitted) >= self.cap

    def of_request(self, line: str) -> str:
        """The route of `METHOD target`, with or without query. The protocol is off: a path may end like one."""
        route = self._known.get(line)
        if route is None:
            method, _, target = line.partition(" ")
            asked = split_target(target, method) if method else Target(path=line)
            route = self._admit(route_of(asked, self._unescape))
            if len(self._known) >= self.REMEMBERED:
                self._known.clear()
            self._known[line] = route
        return route

    def of_target(self, target: Target) -> str:
        """The route of a request taken apart; of a path without a method too, since some formats have no more."""
        if target.path is None or (target.method is None and not target.path.startswith("/")):
            return MALFORMED
        return self.of_request(f"{target.method or ANY_METHOD} {target.path}")

    def _admit(self, route: str) -> str:
        if route in self._admitted:
            return route
        with self._lock:
            if len(self._admitted) >= self.cap and route not in self._admitted:
                return OTHER
            self._admitted.add(route)
        return route


@lru_cache(maxsize=32_768)
def _segment(segment: str) -> str:
    if WORD.fullmatch(segment):
        return segment
    plain = unquote(segment, errors="replace") if "%" in segment else segment
    if CONTROL.search(plain):
        return "{bin}"
    found = _form(plain)
    if found is not None:
        return found
    file = FILE.fullmatch(plain)
    if file is not None and not PAGE.fullmatch(plain):
        stem = _form(file[1])
        if stem is not None:
            return stem + file[2]
    if len(plain) > SEGMENT_LENGTH:
        return "{long}"
    numbered = NUMBERED.fullmatch(plain)
    return f"{numbered[1]}{{n}}" if numbered is not None else segment


def _form(text: str) -> str | None:
    found = FORM.fullmatch(text)
    return f"{{{found.lastgroup}}}" if found is not None else None
