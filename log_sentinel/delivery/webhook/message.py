"""A message as JSON: the facts and the words. Fields may be added; none is renamed or removed within a `version`."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import structlog

from log_sentinel.delivery.message.templates import Templates

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.notification import Notification

VERSION = 1
OWN = "incident.json.j2"
log = structlog.get_logger(__name__)


def body(notification: Notification, message: Message) -> bytes:
    """UTF-8 JSON. Values in sentences are clean; `key` and `labels` are exact, for programs that look them up."""
    text = json.dumps(facts(notification, message), ensure_ascii=False, separators=(",", ":"))
    # half of a character, for which UTF-8 has no bytes, is written as JSON writes it: \ud800
    return text.encode("utf-8", "backslashreplace")


class Documents:
    """Writes the bodies of posts: those of `own`'s template `incident.json.j2`, if there is one, else ours."""

    def __init__(self, own: Path | None = None) -> None:
        theirs = own is not None and (own / OWN).is_file()
        self._theirs = Templates("webhook", within_a_string, own=own) if theirs else None

    def body(self, notification: Notification, message: Message) -> bytes:
        """UTF-8 JSON; ours where a template of the user's fails or writes none."""
        if self._theirs is not None:
            try:
                text = self._theirs.whole(OWN, message)
                json.loads(text)
            except Exception as why:  # noqa: BLE001 - a template may raise anything; the alert goes out all the same
                log.warning("template of the user's failed; the shipped document is used", reason=str(why))
            else:
                return text.encode("utf-8", "backslashreplace")
        return body(notification, message)


def within_a_string(text: str) -> str:
    """`text` as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def facts(notification: Notification, message: Message) -> dict[str, Any]:
    """The document, before it is written."""
    incident = notification.happening.incident
    verdict = message.verdict
    return {
        "version": VERSION,
        "key": message.key,
        "instance": message.instance,
        "happening": message.kind.value,
        "at": written(message.at),
        "who": notification.happening.who,
        "headline": str(message.headline),
        "summary": str(message.summary),
        "happened": str(message.happened),
        "incident": {
            "id": message.number,
            "rule": message.rule,
            "matter": message.matter.value,
            "dimension": incident.dimension.value,
            "key": incident.key,
            "severity": incident.severity.value,
            "state": incident.state.value,
            "since": written(incident.since),
            "opened_at": written(incident.opened_at),
            "last_seen_at": written(incident.last_seen_at),
            "resolved_at": written(incident.resolved_at),
            "acknowledged_by": incident.acknowledged_by,
            "observed": incident.observed,
            "expected": incident.expected,
            "window_minutes": incident.window_minutes,
            "peak": incident.peak,
            "total": incident.total,
            "labels": incident.labels,
        },
        "cause": None
        if verdict is None
        else {
            "cause": verdict.cause,
            "title": str(verdict.title),
            "evidence": [str(line) for line in verdict.evidence],
        },
        "figures": {figure.label: str(figure.value) for figure in message.figures},
        "minutes": list(message.chart.counts) if message.chart else [],
        "samples": [
            {
                "at": sample.at,
                "status": sample.status,
                "method": sample.method,
                "path": sample.path,
                "client": sample.client,
                "ip": sample.ip,
                "user_agent": sample.user_agent,
            }
            for sample in message.samples
        ],
        "links": {link.label: link.url for link in message.links},
        "steps": [{"words": str(step.words), "command": step.command} for step in message.steps],
    }


def written(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
