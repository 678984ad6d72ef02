"""A Slack of our own: the methods log-sentinel calls, Block Kit's limits checked on every payload, failures scripted.

Limits: https://docs.slack.dev/reference/block-kit/blocks. Answers: https://docs.slack.dev/reference/methods.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.delivery.http_server import HttpServer, Reply, Request

TOKEN = "xoxb-canary-0123456789-slack"
APP_TOKEN = "xapp-canary-9876543210-slack"
TEXT_KINDS = {"plain_text", "mrkdwn"}
# What Slack's markup may hold: a date made by us. Anything else between angle brackets would take effect.
# and links to a runbook of the rule file's and to our own pages.
MARKUP = re.compile(
    r"<(?!https://(?:runbooks|sentinel)\.example\.com/[^<>|]*\|(?:Runbook|Dashboard|SQL)>|!date\^\d+\^[^<>|^]+\|[^<>|]+>)"
    r"|(?<!UTC)(?<!\|Runbook)(?<!\|Dashboard)(?<!\|SQL)>"
)


@dataclass
class Posted:
    """A message as it stands in the channel."""

    channel: str
    ts: str
    payload: dict[str, Any]
    edits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def now(self) -> dict[str, Any]:
        return self.edits[-1] if self.edits else self.payload

    @property
    def thread(self) -> str | None:
        return self.payload.get("thread_ts")


class SlackApi:
    """One workspace with one channel, #api-alerts."""

    def __init__(self) -> None:
        self.history_scope = True
        self.messages: list[Posted] = []
        self.calls: list[str] = []
        self.refusals: deque[str] = deque()
        self.socket_url = ""
        self.whispers: list[dict[str, Any]] = []
        self.files_scope = True
        self.files: dict[str, bytes] = {}
        self.titles: dict[str, str] = {}
        self.problems: list[str] = []
        self.server = HttpServer(self._answer)
        self._ts = 1000

    @property
    def base_url(self) -> str:
        return f"{self.server.url}/api/"

    @property
    def hook_url(self) -> str:
        return f"{self.server.url}/services/T000/B000/canary-webhook-secret"

    def fail(self, *codes: str) -> None:
        """The next calls are refused with these codes."""
        self.refusals.extend(codes)

    def close(self) -> None:
        self.server.close()
        assert self.problems == []

    def _answer(self, request: Request) -> Reply:
        method = request.path.rpartition("/")[2]
        self.calls.append(method)
        if method.startswith("upload-"):
            self.files[method.removeprefix("upload-")] = request.body
            return Reply(200, b"OK")
        body = _body_of(request)
        if "/services/" in request.path:
            return self._hook(body)
        token = APP_TOKEN if method == "apps.connections.open" else TOKEN
        if request.headers.get("authorization") != f"Bearer {token}":
            return _json({"ok": False, "error": "invalid_auth"})
        if self.refusals:
            return _json({"ok": False, "error": self.refusals.popleft()})
        match method:
            case "apps.connections.open":
                return _json({"ok": True, "url": self.socket_url})
            case "files.getUploadURLExternal" | "files.completeUploadExternal" if not self.files_scope:
                return _json({"ok": False, "error": "missing_scope", "needed": "files:write"})
            case "files.getUploadURLExternal":
                return self._place_for_a_file(request, body)
            case "files.completeUploadExternal":
                return self._file_complete(body)
            case "chat.postEphemeral":
                self.whispers.append(body)
                return _json({"ok": True, "message_ts": self._next_ts()})
            case "auth.test":
                return _json({"ok": True, "user": "sentinel", "team": "Example"})
            case "chat.postMessage":
                return self._post(body)
            case "conversations.history" | "conversations.replies":
                return self._look_back(method, body)
            case "chat.update":
                return self._update(body)
        return _json({"ok": False, "error": "unknown_method"})

    def _place_for_a_file(self, request: Request, body: dict[str, Any]) -> Reply:
        # it takes a form only
        if "json" in request.headers["content-type"] or not body.get("filename") or int(body["length"]) < 1:
            return _json({"ok": False, "error": "invalid_arguments"})
        file = f"F{len(self.titles) + len(self.files):04}"
        return _json({"ok": True, "upload_url": f"{self.server.url}/upload/v1/upload-{file}", "file_id": file})

    def _file_complete(self, body: dict[str, Any]) -> Reply:
        for one in body["files"]:
            if one["id"] not in self.files:
                return _json({"ok": False, "error": "file_not_found"})
            self.titles[one["id"]] = one["title"]
        return _json({"ok": True, "files": body["files"]})

    def _hook(self, body: dict[str, Any]) -> Reply:
        if self.refusals:
            return Reply(404, self.refusals.popleft().encode())
        if not body.get("text"):
            return Reply(400, b"no_text")
        self._check(body)
        self.messages.append(Posted("C1", self._next_ts(), body))
        return Reply(200, b"ok")

    def _post(self, body: dict[str, Any]) -> Reply:
        if body.get("channel") not in ("#api-alerts", "C1"):
            return _json({"ok": False, "error": "channel_not_found"})
        thread = body.get("thread_ts")
        if thread is not None and thread not in [posted.ts for posted in self.messages]:
            return _json({"ok": False, "error": "thread_not_found"})
        self._check(body)
        posted = Posted("C1", self._next_ts(), body)
        self.messages.append(posted)
        return _json({"ok": True, "channel": "C1", "ts": posted.ts})

    def _update(self, body: dict[str, Any]) -> Reply:
        # chat.update wants the channel's ID, not its name
        found = [one for one in self.messages if (one.channel, one.ts) == (body.get("channel"), body.get("ts"))]
        if not found:
            return _json({"ok": False, "error": "message_not_found"})
        self._check(body)
        found[0].edits.append(body)
        return _json({"ok": True, "channel": "C1", "ts": body["ts"]})

    def _look_back(self, method: str, body: dict[str, Any]) -> Reply:
        if not self.history_scope:
            return _json({"ok": False, "error": "missing_scope", "needed": "channels:history"})
        if body.get("channel") != "C1":
            return _json({"ok": False, "error": "channel_not_found"})
        thread = body.get("ts") if method == "conversations.replies" else None
        seen = [
            {"ts": posted.ts, **({"metadata": posted.payload["metadata"]} if body.get("include_all_metadata") else {})}
            for posted in self.messages
            if posted.thread == thread and float(posted.ts) >= float(body.get("oldest", 0))
        ]
        return _json({"ok": True, "messages": seen[::-1][: body.get("limit", 100)]})

    def _next_ts(self) -> str:
        self._ts += 1
        return f"1795521{self._ts}.000100"

    def _check(self, body: dict[str, Any]) -> None:
        self.problems.extend(problems(body))
        shown = [block["slack_file"]["id"] for block in body.get("blocks", []) if block["type"] == "image"]
        self.problems.extend(f"no such file: {file}" for file in shown if file not in self.titles)


def problems(payload: dict[str, Any]) -> list[str]:
    """What Slack would not take in `payload`, or what would take effect in it."""
    found = []
    blocks = payload.get("blocks", [])
    if not payload.get("text"):
        found.append("no fallback text")
    if len(blocks) > 50:
        found.append(f"{len(blocks)} blocks")
    texts = [payload.get("text", "")]
    for block in blocks:
        found.extend(_block_problems(block))
        texts.extend(_texts(block))
    if sum(_units(text) for text in texts[1:]) > 13_200:
        found.append("msg_blocks_too_long")
    for text in texts:
        found.extend(f"markup in {text!r}" for _ in MARKUP.finditer(text))
        if re.search(r"&(?!amp;|lt;|gt;)", text):
            found.append(f"unescaped & in {text!r}")
        if text.count("`") % 2:
            found.append(f"a code span is not closed in {text!r}")
        if any(ord(character) < 32 and character != "\n" for character in text):
            found.append(f"control character in {text!r}")
    return found


def _block_problems(block: dict[str, Any]) -> list[str]:
    found = []
    match block["type"]:
        case "header":
            if block["text"]["type"] != "plain_text":
                found.append("a header is plain text")
            found.extend(_too_long(block["text"]["text"], 150, "header"))
        case "section":
            if "text" not in block and not block.get("fields"):
                found.append("an empty section")
            if "text" in block:
                found.extend(_too_long(block["text"]["text"], 3000, "section"))
            if len(block.get("fields", [])) > 10:
                found.append("more than 10 fields")
            for one in block.get("fields", []):
                found.extend(_too_long(one["text"], 2000, "field"))
        case "context":
            if not 1 <= len(block["elements"]) <= 10:
                found.append("a context has 1 to 10 elements")
        case "actions":
            if not 1 <= len(block["elements"]) <= 25:
                found.append("actions have 1 to 25 elements")
            found.extend(_button_problems(block["elements"]))
        case "image":
            found.extend(_too_long(block["alt_text"], 2000, "alt text"))
            found.extend(_too_long(block["title"]["text"], 2000, "title"))
        case "divider":
            pass
        case other:
            found.append(f"unknown block {other}")
    return found


def _button_problems(buttons: list[dict[str, Any]]) -> list[str]:
    # https://docs.slack.dev/reference/block-kit/block-elements/button-element
    found = []
    ids = [button["action_id"] for button in buttons]
    if len(ids) != len(set(ids)) or max(map(len, ids)) > 255:
        found.append(f"action ids {ids}")
    for button in buttons:
        found.extend(_too_long(button["text"]["text"], 75, "button"))
        found.extend(_too_long(button["value"], 2000, "value"))
        sure = button.get("confirm", {})
        for part, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            found.extend(_too_long(sure[part]["text"], limit, part) if sure else [])
        if button.get("style", "primary") not in ("primary", "danger"):
            found.append(f"style {button['style']}")
    return found


def _texts(block: dict[str, Any]) -> list[str]:
    ones = [block.get("text"), block.get("title"), *block.get("fields", []), *block.get("elements", [])]
    return [one["text"] for one in ones if one and one.get("type") in TEXT_KINDS]


def _too_long(text: str, limit: int, where: str) -> list[str]:
    return [f"{where}: {_units(text)} characters"] if not 1 <= _units(text) <= limit else []


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _body_of(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", "json"):
        read: dict[str, Any] = json.loads(request.body or b"{}")
        return read
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def _json(body: dict[str, Any], status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
