r"""HAProxy's log-format: https://docs.haproxy.org/3.0/configuration.html#8.2.6

Quotes, braces, bars and what is no printable ASCII are written as # and two hexadecimal digits, # itself too. Of two
blanks that meet because nothing was captured between them, one is written. Times are without an offset where the name
does not say otherwise.
"""

from __future__ import annotations

import re
from itertools import product

from log_sentinel.parsing.layout import Literal, Part, Variable
from log_sentinel.parsing.log_format import Directive

HTTPLOG = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
OPTIONS = {
    "option httplog": HTTPLOG,
    "option httpslog": HTTPLOG + " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed]"
    " %[ssl_fc_sni]/%sslv/%sslc",
    "option httplog clf": '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac'
    " %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl",
}
WHOLE = re.compile(r"\s*log-format\s+(?P<rest>.*?)\s*\Z", re.DOTALL)
FIELD = re.compile(r"%(?:\{([^}]*)\})?(?:\[((?:[^\[\]]|\[[^\]]*\])*)\]|([A-Za-z]+)|(%))")
CAPTURED = re.compile(r" %h([rs])(?![A-Za-z])")
REQUEST = ("r", "HU", "HP", "HPO", "HQ")
SYSLOG, TORN = "%[syslog]: ", "%[torn]"

MEANINGS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "time": (
        ("tr", "clf"), ("t", "clf"), ("trg", "clf"), ("trl", "clf"), ("T", "clf"), ("Tl", "clf"), ("Ts", "epoch_s"),
    ),
    "status": (("ST", None), ("status", None)),
    "request": (("r", None),),
    "method": (("HM", None), ("method", None)),
    "target": (("HU", None), ("HP+HQ", None), ("HP", None), ("HPO", None), ("path", None)),
    "host": (("hdr(host)", None), ("ssl_fc_sni", None)),
    "service": (("b", None),),
    "request_id": (("ID", None),),
    "request_bytes": (("U", None),),
    "response_bytes": (("B", None),),
    "duration": (("Ta", "ms"), ("Tt", "ms")),
    "ip": (("ci", None), ("src", None)),
    "upstream_addr": (("s", None), ("si", None)),
    "upstream_time": (("Tr", "ms"),),
}  # fmt: skip
EVIDENCE = {"ended": "tsc", "server": "s", "captured": "hr"}
SHAPED = {
    # -1 where no answer was given, as by silent-drop
    "ST": "code",
    "status": "code",
    "syslog": "text",
    "captured": "text",
    **dict.fromkeys(("trg", "trl", "T", "Tl"), "clf"),
}
# what a client sent or the configuration makes up
FREE = {"r", "HU", "HP", "HQ", "HPO", "hr", "hs"}
# are never quoted: numbers, dates and the like
BARE = {
    "ST", "B", "U", "cp", "fp", "bp", "sp", "ms", "ts", "tsc", "ac", "fc", "bc", "sc", "rc", "sq", "bq", "lc", "pid",
    "rt", "t", "tr", "trg", "trl", "T", "Tl", "Ts", "Ta", "Tt", "TR", "Tw", "Tc", "Tr", "Tq", "Th", "Ti", "Td",
    "hr", "hs",
}  # fmt: skip


def read(directive: str) -> Directive:
    """Takes a whole log-format line, what stands behind its name, or `option httplog` and its like.

    Raises ValueError when there is no field in it.
    """
    known = OPTIONS.get(" ".join(directive.split()))
    if known is not None:
        return Directive("", "haproxy", known)
    whole = WHOLE.match(directive)
    text = _unquoted(whole["rest"]) if whole is not None else directive.strip("\n")
    if FIELD.search(text) is None:
        raise ValueError(
            f"got {directive[:80]!r}; a log-format has fields such as %ci. Paste it from the configuration, or "
            '"option httplog"'
        )
    return Directive("", "haproxy", text)


def variants(text: str) -> list[str]:
    """The kinds of line that one format makes, the commonest first: with captured headers or without, with a syslog
    header before it, cut within the request because they were too long."""
    captured = [text]
    if named := CAPTURED.findall(text):
        response = CAPTURED.sub(lambda found: found[0] if found[1] == "r" else "", text)
        captured = [CAPTURED.sub("", text), *([response] if len(named) > 1 else []), text]
    elif text.endswith(" %hrl %hsl"):
        without = text.removesuffix(" %hrl %hsl")
        captured = [without, without + " %{-Q}[captured]"]
    return [end + header + each for end, header, each in product(("", TORN), ("", SYSLOG), captured)]


def parts(text: str) -> list[Part]:
    """The literals and fields of a variant of a format's text."""
    torn = text.startswith(TORN)
    text = text.removeprefix(TORN)
    found: list[Part] = []
    position, quotes = 0, False
    for match in FIELD.finditer(text):
        found.append(Literal(text[position : match.start()]))
        position = match.end()
        flags, expression, name, percent = match.groups()
        if percent:
            found.append(Literal("%"))
        elif name == "o":
            quotes = "+Q" in (flags or "") or (quotes and "-Q" not in (flags or ""))
            position += text.startswith(" ", position)
        else:
            quoted = "+Q" in (flags or "") or (quotes and "-Q" not in (flags or ""))
            found += _expression(expression) if expression is not None else _field(name, quoted=quoted)
    found.append(Literal(text[position:]))
    found = [_ported(part, following) for part, following in zip(found, [*found[1:], None], strict=True)]
    found = [part for part in found if part != Literal("")]
    return _cut_short(found) if torn else found


def _field(name: str, *, quoted: bool) -> list[Part]:
    field = Variable({"ts": "tsc"}.get(name, name), SHAPED.get(name, "text" if name in FREE or quoted else "plain"))
    if name in ("hr", "hs"):
        return [Literal("{"), field, Literal("}")]
    return [Literal('"'), field, Literal('"')] if quoted and name not in BARE else [field]


def _expression(text: str) -> list[Part]:
    """A sample expression: what a client sent stands in it as it came, unless a converter escapes it."""
    name, _, converters = text.partition(",")
    shape = "escaped" if converters.startswith("json") else "raw" if "(" in name else SHAPED.get(name, "plain")
    return [Variable(name, shape)]


def _ported(part: Part, following: Part | None) -> Part:
    """An address with its port behind it ends at the last colon."""
    ported = isinstance(following, Literal) and following.text == ":"
    return (
        Variable(part.name, "address")
        if ported and part in (Variable("ci", "plain"), Variable("src", "plain"))
        else part
    )


def _cut_short(found: list[Part]) -> list[Part]:
    """The parts of a line that was too long and ends within the request."""
    names = [part.name if isinstance(part, Variable) else "" for part in found]
    at = max((names.index(name) for name in REQUEST if name in names), default=len(found))
    return [*found[:at], *(Variable(name, "torn") for name in names[at : at + 1])]


def _unquoted(text: str) -> str:
    r"""A word of HAProxy's configuration without its quotes and backslashes: '...', "..." or blank\ by\ blank."""
    if text.startswith("'"):
        return text[1:].partition("'")[0]
    if text.startswith('"'):
        text = re.match(r'"((?:[^"\\]|\\.)*)', text, re.DOTALL)[1]  # type: ignore[index]  # it begins so
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n"}.get(found[1], found[1]), text, flags=re.DOTALL)
