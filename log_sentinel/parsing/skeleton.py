"""The beginnings of a definition for a log that no definition reads: TOML with the log's own lines as samples."""

from __future__ import annotations

import json

from log_sentinel.parsing.definitions import SAMPLE_KINDS
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
# the line with a $name in the place of each value, as in the commented sample below
log_format = '$ip - $user [$time] "$request" $status $bytes'
shapes = {{ time = "clf" }}

[columns]
time = {{ from = "time", as = "clf" }}
status = "status"
request = "request"
ip = "ip"
client = "user"
response_bytes = "bytes"
"""
SAMPLE = """
[[sample]]
kind = "{kind}"
line = {line}
event = {{ status = {status} }}
"""


def skeleton(name: str, head: bytes) -> str:
    """A definition called `name` for a log that begins with `head`: a person fills in what cannot be guessed.

    JSON fields are found by their names. Samples are the log's first lines; of each the status is to be put right.
    """
    lines = [line.decode("utf-8", "replace") for line in head.split(b"\n") if line.strip()][: len(SAMPLE_KINDS)]
    paths = _paths(lines[0]) if lines else None
    body = TEXT.format() if paths is None else _json_columns(paths)
    samples = "".join(
        SAMPLE.format(kind=kind, line=json.dumps(line), status=status)
        for (kind, status), line in zip((("allowed", 200), ("denied", 403), ("hostile", 403)), lines, strict=False)
    )
    return HEAD.format(name=name) + body + samples


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
