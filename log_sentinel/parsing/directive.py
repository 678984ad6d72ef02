"""An nginx log_format as a definition and as a layout."""

from __future__ import annotations

import re

from log_sentinel.content import shipped
from log_sentinel.parsing import log_format, nginx_variables
from log_sentinel.parsing.definitions import BadDefinition, Definition, load
from log_sentinel.parsing.layout import Layout, Literal, Part, Variable, lay_out

# whose verdict rules a pasted directive gets
RULES_OF = {"nginx": "nginx-combined", "kong": "nginx-combined", "apisix": "nginx-combined"}


def from_directive(directive: str, gateway: str = "nginx") -> Definition:
    """A definition for `directive`, with the verdict rules that are shipped for `gateway`. It carries no samples.

    Raises BadDefinition when the directive has no variables, or lacks what no event can do without: a time and a
    status.
    """
    try:
        found = log_format.read(directive)
    except ValueError as error:
        raise BadDefinition("log_format", f"{error}.") from None
    where = f"log_format {found.name}".strip()
    given = nginx_variables.readings(found.variables)
    missing = [needed for needed in ("time", "status") if needed not in given]
    if missing:
        raise BadDefinition(
            where,
            f"no {' and no '.join(missing)}; an event needs $time_local, $time_iso8601 or $msec, and $status. "
            "Add it in nginx.conf.",
        )
    name = re.sub(r"[^a-z0-9]+", "-", found.name.lower()).strip("-") or "custom"
    return load(shipped("parsers") / f"{RULES_OF[gateway]}.toml").model_copy(
        update={
            "name": name if name.startswith(gateway) else f"{gateway}-{name}",
            "gateway": gateway,
            "description": where,
            "log_format": found.text,
            "escape": found.escape or "default",
            "samples": (),
        }
    )


def layout(text: str, escape: str) -> Layout:
    """The layout of a format's joined text."""
    parts: list[Part] = []
    position = 0
    for found in log_format.VARIABLE.finditer(text):
        if found.start() > position:
            parts.append(Literal(text[position : found.start()]))
        variable = found[1] or found[2]
        parts.append(Variable(variable, nginx_variables.shape(variable)))
        position = found.end()
    if position < len(text):
        parts.append(Literal(text[position:]))
    return lay_out(parts, escape)
