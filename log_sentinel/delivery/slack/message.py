"""A message as Slack shows it: blocks within Slack's limits, and the one line for the phone.

The templates say what is written; each of their jinja blocks becomes one Slack block, of the kind BLOCKS gives its
name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_sentinel.delivery.message.templates import Templates
from log_sentinel.delivery.slack import limits
from log_sentinel.delivery.slack.buttons import buttons
from log_sentinel.delivery.slack.mrkdwn import fitted, plain, shown
from log_sentinel.model.incident import IncidentState
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.delivery.message.message import Chart, Message

ICONS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵", Severity.NOTICE: "⚪"}
RESOLVED = "🟢"
EVENT_TYPE = "log_sentinel_alert"


class Layout:
    """Makes the payloads of messages. `own`: the user's templates; `heard`: somebody listens to buttons."""

    def __init__(self, own: Path | None = None, *, heard: bool = False) -> None:
        self._templates = Templates("slack", shown, own=own)
        self._heard = heard

    def incident(self, message: Message, picture: str | None = None) -> dict[str, Any]:
        """The incident as it stands: the opening message, and what it is edited to later. `picture`: the ID of the file
        with its chart, in the place of the text one.
        """
        texts = self._templates.blocks("incident.mrkdwn.j2", message)
        shown_as = {"chart": _image(picture, message.chart)} if picture and message.chart else {}
        blocks = [header(message), *(shown_as.get(name) or _block(name, text) for name, text in texts.items())]
        pressed = buttons(message.number, message.state) if self._heard and message.number else None
        return self._payload(message, [*blocks[:-1], pressed, *blocks[-1:]] if pressed else blocks)

    def step(self, message: Message) -> dict[str, Any]:
        """What just happened, for the thread below the opening message."""
        texts = self._templates.blocks("step.mrkdwn.j2", message)
        return self._payload(message, [_block(name, text) for name, text in texts.items()])

    def plain(self, message: Message) -> dict[str, Any]:
        """The same in words alone: for when Slack does not take the blocks, or templates of the user's fail."""
        text = plain(f"{icon(message)} {message.headline}\n{message.summary}")
        return {**_manners(message), "text": fitted(text, limits.FALLBACK_TEXT)}

    def _payload(self, message: Message, blocks: list[dict[str, Any]]) -> dict[str, Any]:
        line = plain(f"{icon(message)} {message.headline}")
        return {**_manners(message), "text": fitted(line, limits.FALLBACK_TEXT), "blocks": within_budget(blocks)}


def icon(message: Message) -> str:
    return RESOLVED if message.state is IncidentState.RESOLVED else ICONS[message.severity]


def header(message: Message) -> dict[str, Any]:
    """The first line: state and severity in a word, and what it is about."""
    state = "RESOLVED" if message.state is IncidentState.RESOLVED else message.severity.value.upper()
    text = fitted(plain(f"{icon(message)} {state}  {message.title}"), limits.HEADER_TEXT)
    # emoji off: a client that calls itself :tada: stays what it is
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def within_budget(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`blocks` without the last texts that would go beyond what one message may hold; buttons stay."""
    kept, used = [], 0
    for block in blocks[: limits.BLOCKS]:
        used += sum(limits.length(text) for text in _texts(block))
        if used <= limits.ALL_BLOCKS_TEXT or block["type"] == "actions":
            kept.append(block)
    return kept


def _block(name: str, text: str) -> dict[str, Any]:
    if name == "numbers":
        lines = [line for line in text.splitlines() if line.strip()][: limits.SECTION_FIELDS]
        return {"type": "section", "fields": [_mrkdwn(line, limits.FIELD_TEXT) for line in lines]}
    if name in ("context", "footer"):
        return {"type": "context", "elements": [_mrkdwn(text, limits.SECTION_TEXT)]}
    return {"type": "section", "text": _mrkdwn(text, limits.SECTION_TEXT)}


def _image(file: str, chart: Chart) -> dict[str, Any]:
    caption = fitted(plain(str(chart.caption)), limits.ALT_TEXT)
    title = {"type": "plain_text", "text": caption, "emoji": False}
    return {"type": "image", "slack_file": {"id": file}, "alt_text": caption, "title": title}


def _mrkdwn(text: str, limit: int) -> dict[str, Any]:
    # verbatim: Slack makes no links, mentions or channels of what merely looks like one
    return {"type": "mrkdwn", "text": fitted(text, limit), "verbatim": True}


def _texts(block: dict[str, Any]) -> list[str]:
    if block["type"] == "actions":
        return [button["text"]["text"] for button in block["elements"]]
    if block["type"] == "image":
        return [block["title"]["text"]]
    texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    return [one["text"] for one in texts if one is not None]


def _manners(message: Message) -> dict[str, Any]:
    """No link of a log is looked up by Slack, no name becomes a mention; and the mark by which we know the message
    again.
    """
    return {
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
        "metadata": {
            "event_type": EVENT_TYPE,
            "event_payload": {"incident": message.number, "key": message.key},
        },
    }
