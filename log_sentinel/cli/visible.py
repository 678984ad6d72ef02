"""Makes text from logs safe to print: whoever sends requests writes our lines, and terminals obey what they print."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL; line and paragraph separators; direction marks and overrides (CVE-2021-42574), invisible
# characters that make two names look alike; lone surrogates, which no encoder takes.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb]"
)
UNSAFE_IN_LINES = re.compile(UNSAFE.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))


def visible(text: str, *, lines: bool = False) -> str:
    """`text` with every character that acts on a terminal written out (ESC as \\x1b). `lines`: newlines are ours."""
    return (UNSAFE_IN_LINES if lines else UNSAFE).sub(_written, text)


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
