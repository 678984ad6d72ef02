"""The buttons below an alert, and what Slack says when one is pressed.

Payload: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload. It comes from Slack's server, but
whoever can write to the channel's app can put anything into it: whatever is not just as our buttons make it is ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from log_sentinel.delivery.message.text import quoted
from log_sentinel.delivery.presses import Action, Press
from log_sentinel.delivery.slack.settings import MEMBER
from log_sentinel.model.incident import IncidentState

# https://docs.slack.dev/reference/block-kit/blocks/actions-block: ids of up to 255 characters, unique in a message
BLOCK_ID = "log_sentinel_incident"
LABELS = {
    Action.ACKNOWLEDGE: "Acknowledge",
    Action.SILENCE_1H: "Silence 1 h",
    Action.SILENCE_24H: "Silence 24 h",
    Action.NOT_AN_INCIDENT: "Not an incident",
}
# https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
SURE = {
    "title": {"type": "plain_text", "text": "Not an incident?"},
    "text": {"type": "plain_text", "text": "It is resolved, and this is kept as the reason."},
    "confirm": {"type": "plain_text", "text": "Not an incident"},
    "deny": {"type": "plain_text", "text": "Cancel"},
}
MOST = 2**63 - 1


def buttons(number: int, state: IncidentState) -> dict[str, Any] | None:
    """The block of what can be done to the incident; None when it is over."""
    if state is IncidentState.RESOLVED:
        return None
    offered = [action for action in Action if action is not Action.ACKNOWLEDGE or state is IncidentState.OPEN]
    return {"type": "actions", "block_id": BLOCK_ID, "elements": [_button(action, number) for action in offered]}


def _button(action: Action, number: int) -> dict[str, Any]:
    button: dict[str, Any] = {
        "type": "button",
        "action_id": action.value,
        "text": {"type": "plain_text", "text": LABELS[action], "emoji": False},
        "value": str(number),
    }
    if action is Action.ACKNOWLEDGE:
        button["style"] = "primary"
    if action is Action.NOT_AN_INCIDENT:
        button["confirm"] = SURE
    return button


class _User(Struct):
    id: Annotated[str, Meta(pattern=MEMBER)]
    name: str = ""
    username: str = ""


class _Container(Struct):
    channel_id: Annotated[str, Meta(pattern=r"^[CDG][A-Z0-9]{0,30}$")]
    message_ts: Annotated[str, Meta(pattern=r"^\d{1,12}\.\d{1,9}$")]


class _Action(Struct):
    action_id: Action
    block_id: Literal["log_sentinel_incident"]
    type: Literal["button"]
    value: Annotated[str, Meta(pattern=r"^[1-9]\d{0,18}$")]


class _BlockActions(Struct):
    type: Literal["block_actions"]
    user: _User
    container: _Container
    actions: Annotated[list[_Action], Meta(min_length=1, max_length=1)]


def press_of(payload: object) -> tuple[Press, str] | None:
    """The press and its member's ID; None for anything that none of our buttons makes."""
    try:
        pressed = msgspec.convert(payload, _BlockActions)
    except (msgspec.ValidationError, RecursionError):
        return None
    action, user = pressed.actions[0], pressed.user
    number = int(action.value)
    if number > MOST:
        return None
    name = user.username or user.name
    who = f"{quoted(name, 40)} ({user.id})" if name else user.id
    where = f"{pressed.container.channel_id}:{pressed.container.message_ts}"
    return Press(number, action.action_id, who, where), user.id
