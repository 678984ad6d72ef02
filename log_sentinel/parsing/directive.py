"""A server's own directive as a definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from log_sentinel.content import shipped
from log_sentinel.parsing import json_template, log_format
from log_sentinel.parsing.definitions import BadDefinition, ColumnSource, Definition, load
from log_sentinel.parsing.languages import LANGUAGES
from log_sentinel.parsing.layout import Variable, merged
from log_sentinel.parsing.readings import readings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.parsing.languages import Language
    from log_sentinel.parsing.readings import Reading

# the language of a gateway's directive, and the shipped definition whose verdict rules it gets
OF_GATEWAY = {
    "nginx": ("nginx", "nginx-combined"),
    "kong": ("nginx", "nginx-combined"),
    "apisix": ("nginx", "nginx-combined"),
    "apache": ("apache", "apache-combined"),
    "envoy": ("envoy", "envoy-text"),
    "haproxy": ("haproxy", "haproxy-http"),
}
NEEDED = {
    "nginx": "$time_local, $time_iso8601 or $msec, and $status. Add it in nginx.conf.",
    "apache": "%t and %>s. Add it to the LogFormat.",
    "haproxy": "%tr (or %t, %T, %Ts) and %ST. Add it to the log-format.",
    "envoy": "%START_TIME% and %RESPONSE_CODE%. Add it to the format string.",
}


# how another gateway's directive begins, and what its fields look like that no other's do
NAMED = (("apache", re.compile(r"\s*LogFormat\s")), ("haproxy", re.compile(r"\s*(?:log-format|option\s+http)")))
FIELDS = (
    ("nginx", log_format.VARIABLE),
    ("envoy", re.compile(r"%[A-Z][A-Z_0-9]{2,}(?:\([^)]*\))?(?::[0-9]+)?%")),
    ("haproxy", re.compile(r"%(?:\{[^}]*\})?(?:\[|(?:ci|ST|tr|tsc?|TR|HM|HU)\b)")),
    ("apache", re.compile(r"%[!<>0-9,]*(?:\{[^}]*\})?\^?[a-zA-Z]")),
)


def gateway_of(directive: str) -> str:
    """Whose language `directive` is in; nginx's where nothing tells."""
    return next((name for name, sign in NAMED if sign.match(directive)), "") or next(
        (name for name, sign in FIELDS if sign.search(directive)), "nginx"
    )


def from_directive(directive: str, gateway: str | None = None) -> Definition:
    """A definition for `directive`, with the verdict rules that are shipped for `gateway` (None: of the gateway whose
    language it is in). It carries no samples.

    Raises BadDefinition when the directive has no variables, or lacks what no event can do without: a time and a
    status.
    """
    gateway = gateway or gateway_of(directive)
    language_name, model = OF_GATEWAY[gateway]
    language = LANGUAGES[language_name]
    try:
        found = language.read(directive)
    except ValueError as error:
        raise BadDefinition("log_format", f"{error}.") from None
    where = f"log_format {found.name}".strip()
    parts = merged(language.parts(found.text))
    variables = {part.name for part in parts if isinstance(part, Variable)}
    given = readings_of(language.meanings, variables)
    missing = [needed for needed in ("time", "status") if needed not in given]
    if missing:
        raise BadDefinition(where, f"no {' and no '.join(missing)}; an event needs {NEEDED[language_name]}")
    name = re.sub(r"[^a-z0-9]+", "-", found.name.lower()).strip("-") or "custom"
    places = json_template.paths(parts) if found.escape == "json" else None
    read = {"language": language_name, "log_format": (found.text,), "escape": found.escape or "default"}
    return load(shipped("parsers") / f"{model}.toml").model_copy(
        update={
            "name": name if name.startswith(gateway) else f"{gateway}-{name}",
            "gateway": gateway,
            "description": where,
            "samples": (),
            **(read if places is None else _as_json(language, given, places)),
        }
    )


def _as_json(language: Language, given: Mapping[str, Reading], places: Mapping[str, str]) -> dict[str, object]:
    """What of a definition says that each variable is at a path of a JSON object."""
    columns = {
        name: ColumnSource.model_validate({"from": [places[field] for field in reading.fields], "as": reading.unit})
        for name, reading in given.items()
    }
    evidence = {
        name: ColumnSource.model_validate(places[field]) for name, field in language.evidence.items() if field in places
    }
    return {"kind": "json", "log_format": (), "columns": columns, "evidence": evidence, "escape": "default"}
