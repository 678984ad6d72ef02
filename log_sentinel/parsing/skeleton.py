"""The beginnings of a definition for a log that no definition reads: TOML with the log's own lines as samples."""

from __future__ import annotations

import json
import re

from log_sentinel.parsing.json_paths import steps

# What a field of this name most often is. Matched without case, the last name of a JSON path.
TELLING = {
    "time": ("time", "timestamp", "@timestamp", "ts", "start_time", "started_at", "datetime"),
    "status": ("status", "status_code", "response_code", "response", "code"),
    "method": ("method", "request_method", "verb"),
    "target": ("uri", "path", "url", "request_uri", "request_path"),
    "host": ("host", "http_host", "authority", "domain"),
    "ip": ("client_ip", "remote_addr", "remote_ip", "clientip", "ip", "src_ip"),
    "user_agent": ("user_agent", "user-agent", "agent", "http_user_agent", "ua"),
    "request_id": ("request_id", "requestid", "req_id"),
    "response_bytes": ("bytes", "size", "bytes_sent", "body_bytes_sent"),
}
HEAD = """name = "{name}"
gateway = "{name}"
description = "..."
"""
TEXT = """kind = "text"
language = "fields"
# a $name in the place of each value, as the first line of the log has them; name what is called field. Where the next
# lines go on otherwise, $rest is what is left of them.
log_format = {log_format}
"""
# what stands in a line, the more telling first
FIELD = re.compile(
    r'"(?P<request>[A-Z]{3,10} \S+ HTTP/[0-9.]+)"'
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<clf>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4})"
    r"|(?P<iso8601>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
    r"|(?P<ip>(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]+)(?![\w.]))"
    r"|(?P<method>(?<!\S)(?:GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)(?!\S))"
    r"|(?P<target>(?<!\S)/\S*)"
    r"|(?P<status>(?<![\w.:/-])[1-5][0-9]{2}(?![\w.:/-]))"
    r'|(?P<field>(?<![\w-])(?:-|[^\s\[\]{}()"=:,;|]+)(?=[\s\]\})"=:,;|]|$))'
)
BEFORE, BEHIND = r'(?:"\w*(?:status|code)\w*"\s*:\s*"?|(?<![\w.:/-]))', r"(?![\w.:/-])"
CODE = re.compile(f"{BEFORE}([1-5][0-9]{{2}}){BEHIND}")
DENIED = re.compile(f"{BEFORE}(?:403|429){BEHIND}")

# so many lines tell how far the first one is like the others
LOOKED_AT = 20

SAMPLE = """
[[sample]]
kind = "{kind}"
line = {line}
event = {{ status = {status} }}
"""


def skeleton(name: str, head: bytes) -> str:
    """A definition called `name` for a log that begins with `head`: a person fills in what cannot be guessed.

    JSON fields are found by their names, those of text by what the first line has in their places, as far as the lines
    behind it are alike. Samples are lines of the log, a denied one among them if there is one.
    """
    lines = [line.decode("utf-8", "replace").strip("\r") for line in head.split(b"\n") if line.strip()]
    paths = _paths(lines[0])
    body = _text_columns(lines[0], _alike(lines[:LOOKED_AT])) if paths is None else _json_columns(paths)
    denied = next((number for number, line in enumerate(lines[1:], 1) if DENIED.search(line)), 1)
    chosen = [lines[0], *lines[denied : denied + 1], *(lines[1:2] if denied > 1 else lines[2:3])]
    samples = "".join(
        SAMPLE.format(kind=kind, line=_quoted(line), status=found[1] if (found := CODE.search(line)) else status)
        for (kind, status), line in zip((("allowed", 200), ("denied", 403), ("hostile", 403)), chosen, strict=False)
    )
    return HEAD.format(name=name) + body + samples


def _quoted(text: str) -> str:
    """`text` as a string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _alike(lines: list[str]) -> int:
    """How many values of the first line the others have in their places too; those that begin otherwise are of another
    format."""
    first, *others = ([_place(found) for found in _values(line)] for line in lines)
    counts = [_common(first, other) for other in others]
    return min([len(first), *(count for count in counts if 2 * count >= len(first))])


def _values(line: str) -> list[re.Match[str]]:
    return list(FIELD.finditer(line.replace("$", "")))


def _place(found: re.Match[str]) -> tuple[str, str]:
    """What is the same of a value in all lines of a format: the character before it, and whether it is a word, a time,
    or in quotes."""
    kind = found.lastgroup or ""
    like = {"request": "quoted", "quoted": "quoted", "clf": "clf", "iso8601": "iso8601"}.get(kind, "word")
    return found.string[max(0, found.start() - 1) : found.start()], like


def _common(first: list[tuple[str, str]], other: list[tuple[str, str]]) -> int:
    pairs = zip(first, other, strict=False)
    return next((number for number, (one, two) in enumerate(pairs) if one != two), min(len(first), len(other)))


def _text_columns(line: str, alike: int) -> str:
    """The format of the first line's first `alike` values: what is recognised has a column's name, the others are
    field1, field2 ..., and what is left is rest."""
    columns: dict[str, str] = {}
    shapes: dict[str, str] = {}
    names: list[str] = []

    def named(found: re.Match[str]) -> str:
        kind = found.lastgroup or "field"
        column = {"clf": "time", "iso8601": "time"}.get(kind, kind)
        name = column if column not in ("field", "quoted") and column not in names else f"field{len(names) + 1}"
        names.append(name)
        if name == "time":
            columns["time"] = f'{{ from = "time", as = "{kind}" }}'
            shapes["time"] = "clf" if kind == "clf" else "text"
        elif name == column:
            columns[name] = f'"{name}"'
        if kind in ("request", "quoted"):
            shapes[name] = "text"
            return f'"${{{name}}}"'
        return f"${{{name}}}"

    line = line.replace("$", "")
    values = _values(line)
    log_format = FIELD.sub(named, line, count=alike)
    if alike < len(values):
        kept = log_format[: len(log_format) - (len(line) - values[alike - 1].end())]
        log_format, shapes["rest"] = f"{kept} ${{rest}}", "text"
    rows = [TEXT.format(log_format=_quoted(log_format)).rstrip()]
    rows.append("shapes = { " + ", ".join(f'{name} = "{shape}"' for name, shape in shapes.items()) + " }")
    rows += ["", "[columns]"]
    columns = {"time": '{ from = "...", as = "iso8601" }  # or clf, epoch_s, epoch_ms', "status": '"..."'} | columns
    rows += [f"{name} = {source}" for name, source in columns.items()]
    return "\n".join(rows) + "\n"


def _paths(line: str) -> list[str] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _below(found, "") if isinstance(found, dict) else None


def _below(found: dict[str, object], prefix: str) -> list[str]:
    paths = []
    for key, value in found.items():
        path = prefix + key.replace(".", "\\.")
        paths += _below(value, f"{path}.") if isinstance(value, dict) and prefix.count(".") < 3 else [path]
    return paths


def _json_columns(paths: list[str]) -> str:
    rows = ['kind = "json"', "", "[columns]"]
    for column, names in TELLING.items():
        known = [path for wanted in names for path in paths if steps(path)[-1].lower() == wanted]
        if column == "time":
            rows.append(
                f'time = {{ from = {json.dumps(known[:1] or ["..."])}, as = "iso8601" }}  # or clf, epoch_s, epoch_ms'
            )
        elif known or column == "status":
            rows.append(f"{column} = {json.dumps(known[0] if known else '...')}")
    rows += ["", "# what else the log has: " + ", ".join(paths)]
    return "\n".join(rows) + "\n"
