"""Apache's LogFormat: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html

Values are escaped as C strings are (\\" and \\xhh), a missing one is "-". %t brings its own brackets.
"""

from __future__ import annotations

import re

from log_sentinel.parsing.layout import Literal, Part, Variable
from log_sentinel.parsing.log_format import Directive

# %200,304{Referer}i, %!200>s, %{c}a, %^FB: conditions and the < > modifiers change when or where from, not what a
# field means
DIRECTIVE = re.compile(r"%(?:!?[0-9,]+)?[<>]?(?:\{([^}]*)\})?[<>]?(\^[A-Z]{2}|[A-Za-z%])")
WHOLE = re.compile(r'\s*LogFormat\s+"((?:[^"\\]|\\.)*)"(?:\s+(\S+))?\s*\Z', re.DOTALL)
# a time may be written in pieces, as %{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t
PIECES = re.compile(r"%\{(?!m?u?sec\})[^}]*\}t(?:[^%\w]{0,2}%\{(?!m?u?sec\})[^}]*\}t)+")
BETWEEN = re.compile(r"\}t([^%]*)%\{(?:begin:|end:)?")
SHORT = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "msec_frac": "%f", "usec_frac": "%f"}
CLF = "%d/%b/%Y:%H:%M:%S %z"
STRFTIME = (
    (re.compile(r"%d/%b/%Y[: ]%H:%M:%S(?:[.,]%f)?(?: %z)?"), "t"),
    (re.compile(r"%Y-%m-%d[T ]%H:%M:%S(?:[.,]%f)?(?:%z|Z)?"), "iso_t"),
)

MEANINGS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "time": (("t", "clf"), ("iso_t", "iso8601"), ("sec_t", "epoch_s"), ("msec_t", "epoch_ms")),
    "status": (("s", None),),
    "request": (("r", None),),
    "method": (("m", None),),
    "target": (("U+q", None), ("U", None)),
    "host": (("{host}i", None), ("V", None), ("v", None)),
    "request_id": (("{unique_id}e", None), ("{x-request-id}i", None), ("L", None)),
    "request_bytes": (("I", None),),
    "response_bytes": (("B", None), ("b", None), ("O", None)),
    "duration": (("D", "us"), ("us_T", "us"), ("ms_T", "ms"), ("T", "s")),
    "referer": (("{referer}i", None),),
    "user_agent": (("{user-agent}i", None),),
    "client": (("u", None),),
    "ip": (("a", None), ("h", None)),
    "peer": (("{c}a", None),),
    "forwarded_for": (("{x-forwarded-for}i", None),),
    "forwarded": (("{forwarded}i", None),),
}
EVIDENCE = {
    "log_id": "L",
    "handler": "R",
    "body": "b",
    "sent": "O",
    "server": "{server}o",
    "retry_after": "{retry-after}o",
}
PLAIN = set("ahlpPmHLkXvVR") | {"{c}a"}
NUMBERS = {"b", "B", "I", "O", "D", "T", "us_T", "ms_T", "S"}


def read(directive: str) -> Directive:
    """Takes a whole LogFormat directive, or what stands between its quotes. Raises ValueError when there is no field
    in it."""
    whole = WHOLE.match(directive)
    text, name = (whole[1], whole[2] or "") if whole is not None else (directive.strip(), "")
    text = text.replace('\\"', '"') if whole is not None or '\\"' in text else text
    if DIRECTIVE.search(text) is None:
        raise ValueError(f"got {directive[:80]!r}; a LogFormat has fields such as %h. Paste it from the configuration")
    return Directive(name, None, text.replace("\\t", "\t").replace("\\\\", "\\"))


def parts(text: str) -> list[Part]:
    """The literals and fields of a format's text."""
    found: list[Part] = []
    position = 0
    text = PIECES.sub(lambda pieces: BETWEEN.sub(r"\1", pieces[0]), text)
    for match in DIRECTIVE.finditer(text):
        found.append(Literal(text[position : match.start()]))
        found += _field((match[1] or "").lower() if match[2] not in "tT" else match[1] or "", match[2])
        position = match.end()
    found.append(Literal(text[position:]))
    return [part for part in found if part != Literal("")]


def _field(argument: str, letter: str) -> list[Part]:
    match letter:
        case "%":
            return [Literal("%")]
        case "t" if argument in ("", "begin", "end"):
            return [Literal("["), Variable("t", "clf"), Literal("]")]
        case "t":
            pattern = argument.removeprefix("begin:").removeprefix("end:")
            if pattern in ("sec", "msec"):
                return [Variable(f"{pattern}_t", "seconds")]
            for short, long in SHORT.items():
                pattern = pattern.replace(short, long)
            name = next((name for form, name in STRFTIME if form.fullmatch(pattern)), "")
            shape = "clf" if pattern == CLF else "moment" if name else "text"
            return [Variable(name or f"{{{argument}}}t", shape)]
        case "T" if argument in ("us", "ms"):
            return [Variable(f"{argument}_T", "number")]
        case "s":
            return [Variable("s", "status")]
    name = f"{{{argument}}}{letter}" if argument and letter != "p" else letter
    shape = "number" if name in NUMBERS else "plain" if name in PLAIN else "text"
    return [Variable(name, shape)]
