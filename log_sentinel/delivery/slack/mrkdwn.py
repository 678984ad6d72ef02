"""Slack's own markup: how words and values are shown so that nothing in them takes effect.

https://docs.slack.dev/messaging/formatting-message-text: & < > are the only characters to escape, and are what
mentions, links and dates are made of. The characters of formatting cannot be escaped, so they are replaced by
look-alikes.
"""

from __future__ import annotations

import re

from log_sentinel.delivery.message.text import Quoted, Url
from log_sentinel.delivery.slack.limits import length

ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Inside a code span only the backtick ends it; modifier letter grave looks the same and does not.
IN_CODE = ESCAPED | str.maketrans({"`": "\u02cb"})
IN_WORDS = IN_CODE | str.maketrans({"*": "\u2217", "~": "\u223c"})
# An underscore within a word ($limit_req_status) formats nothing; :name: would become a picture.
ITALIC = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
EMOJI = re.compile(r":(?=[a-z0-9_+-]+:)", re.IGNORECASE)
# Slack makes links of bare URLs even where it is told not to parse.
URL = re.compile(r"://")
HALF_ENTITY = re.compile(r"&[a-z]{0,4}$")


def plain(text: str) -> str:
    """Words with nothing in them that takes effect: for headers and the fallback text, which hold no code spans."""
    unlinked = URL.sub("[:]//", text)
    return EMOJI.sub("\ua789", ITALIC.sub("\uff3f", unlinked)).translate(IN_WORDS)


def shown(text: str) -> str:
    """For mrkdwn: a value from a log as a code span, words as words, a link's address as it is."""
    if isinstance(text, Url):
        return text.translate(ESCAPED)
    return f"`{URL.sub('[:]//', text).translate(IN_CODE)}`" if isinstance(text, Quoted) else plain(text)


def fitted(text: str, limit: int) -> str:
    """Escaped mrkdwn in at most `limit` characters: whole lines are left out from the end, and it is said how many."""
    if length(text) <= limit:
        return text
    fenced = text.startswith("```") and text.endswith("```")
    lines = text.strip("`").strip("\n").split("\n") if fenced else text.split("\n")
    kept = len(lines)
    while kept > 1:
        kept -= 1
        rest = f"… and {len(lines) - kept} more"
        shorter = "\n".join(lines[:kept])
        shorter = f"```\n{shorter}\n```\n{rest}" if fenced else f"{shorter}\n{rest}"
        if length(shorter) <= limit:
            return shorter
    return _cut_line(lines[0], limit)


def _cut_line(line: str, limit: int) -> str:
    # half as many characters are within the limit however they are counted
    short = HALF_ENTITY.sub("", line[: (limit - 2) // 2])
    return f"{short}…`" if short.count("`") % 2 else f"{short}…"
