"""Undoing what a log writer did to a value's odd bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from log_sentinel.parsing.request_line import PATH_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

# nginx writes \xHH, Apache \xhh and C's one-letter escapes: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html
ESCAPED = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
# so many characters stand for one at most: four bytes of UTF-8, each as \\xHH. What is cut is undone no further.
WRITTEN = 16
LONGEST = WRITTEN * PATH_LIMIT
CUT = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9A-Fa-f]{0,3})?\Z")
HASHED, BACKSLASH = re.compile(r"#([0-9A-F]{2})|\\"), re.compile(r"\\()")
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def backslashes(text: str) -> str:
    r"""`text` with \xHH, \" and \n undone: to bytes first, which are then read as UTF-8 with U+FFFD for what is
    none."""

    def plain(found: re.Match[str]) -> str:
        escape = found[1]
        # surrogates carry raw bytes until the whole value is known
        return chr(0xDC00 + int(escape[1:], 16)) if len(escape) == 3 else LETTERS.get(escape, escape)

    undone = ESCAPED.sub(plain, text)
    low = "".join(chr(ord(char) - 0xDC00) if 0xDC00 <= ord(char) < 0xDC80 else char for char in undone)
    return low.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def from_haproxy(text: str, shape: str) -> str:
    r"""`text` with HAProxy's #HH as \xHH, so that `backslashes` undoes it; a value of the shape "raw" or "escaped" is
    not written so. No more of it than a path may have."""
    text = text[:LONGEST]
    if shape == "escaped":
        text = json_string(text)
    signs = BACKSLASH if shape in ("raw", "escaped") else HASHED
    return signs.sub(lambda found: f"\\x{found[1]}" if found[1] else "\\x5C", text)


def json_string(text: str) -> str:
    """`text` as the inside of a JSON string, undone, but for a last escape that was cut; as it stands when it is not
    one."""
    whole = CUT.sub(r"\1", text)
    try:
        return str(json.loads(f'"{whole}"', strict=False)).encode("utf-8", "replace").decode()
    except ValueError:
        return text


def nothing(text: str) -> str:
    """`text`: the writer escaped nothing."""
    return text


UNESCAPE: dict[str, Callable[[str], str]] = {
    "default": backslashes,
    "json": json_string,
    "none": nothing,
    "haproxy": backslashes,
}
