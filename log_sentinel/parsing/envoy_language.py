"""Envoy's access log format strings:
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage

Nothing is escaped: what a client puts into a header is there as it came. A missing value is "-". A status of 0 says
that the client was gone before there was one.
"""

from __future__ import annotations

import re

from log_sentinel.parsing.layout import Literal, Part, Variable
from log_sentinel.parsing.log_format import Directive

OPERATOR = re.compile(r"%([A-Z_0-9]+)(?:\(([^)]*)\))?(?::([0-9]+))?%")

MEANINGS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "time": (("START_TIME", "iso8601"),),
    "status": (("RESPONSE_CODE", None),),
    "request": (("REQUEST", None),),
    "method": (("REQ(:METHOD)", None),),
    "target": (("REQ(X-ENVOY-ORIGINAL-PATH?:PATH)", None), ("REQ(:PATH)", None), ("PATH", None)),
    "scheme": (("REQ(:SCHEME)", None),),
    "host": (("REQ(:AUTHORITY)", None),),
    "route": (("ROUTE_NAME", None),),
    "service": (("UPSTREAM_CLUSTER", None),),
    "request_id": (("REQ(X-REQUEST-ID)", None),),
    "request_bytes": (("BYTES_RECEIVED", None),),
    "response_bytes": (("BYTES_SENT", None),),
    "duration": (("DURATION", "ms"),),
    "referer": (("REQ(REFERER)", None),),
    "user_agent": (("REQ(USER-AGENT)", None),),
    "ip": (
        ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", None),
        ("DOWNSTREAM_REMOTE_ADDRESS", None),
        ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", None),
        ("REQ(X-FORWARDED-FOR)", None),
    ),
    "forwarded_for": (("REQ(X-FORWARDED-FOR)", None),),
    "upstream_addr": (("UPSTREAM_HOST", None),),
    "upstream_time": (("RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)", "ms"),),
}
EVIDENCE = {"flags": "RESPONSE_FLAGS", "details": "RESPONSE_CODE_DETAILS", "upstream": "UPSTREAM_HOST"}
SHAPED = {
    "RESPONSE_CODE": "code",
    "UNTOLD": "text",
    "BYTES_RECEIVED": "number",
    "BYTES_SENT": "number",
    "DURATION": "number",
}
FREE = ("REQ", "RESP", "TRAILER", "DYNAMIC_METADATA", "FILTER_STATE", "UPSTREAM_TRANSPORT_FAILURE_REASON")


def variants(text: str) -> list[str]:
    """The format, and for lines that it does not fit, since a client put quotes into a header, what is before the first
    header: who hides the rest of a line so is still counted."""
    code = text.find("%RESPONSE_CODE%")
    headers = [found.start() for found in OPERATOR.finditer(text) if found[1] in ("REQ", "RESP", "TRAILER")]
    first = min((start for start in headers if start > code), default=None)
    return [text] if code < 0 or first is None else [text, text[:first] + "%UNTOLD%"]


def parts(text: str) -> list[Part]:
    """The literals and fields of a format's text."""
    found: list[Part] = []
    position = 0
    for match in OPERATOR.finditer(text):
        found.append(Literal(text[position : match.start()]))
        name, argument = match[1], (match[2] or "").upper()
        whole = f"{name}({argument})" if argument and name != "START_TIME" else name
        shape = SHAPED.get(whole, "text" if name in FREE and argument not in (":METHOD",) else "plain")
        found.append(Variable(whole, shape))
        position = match.end()
    found.append(Literal(text[position:].removesuffix("\n").removesuffix("\\n")))
    return [part for part in found if part != Literal("")]


def read(directive: str) -> Directive:
    """Takes the format string. Raises ValueError when there is no operator in it."""
    if OPERATOR.search(directive) is None:
        raise ValueError(
            f"got {directive[:80]!r}; a format string has operators such as %RESPONSE_CODE%. Paste it whole"
        )
    return Directive("", "none", directive.strip("\n"))
