"""Hears presses of buttons: believes those that belong to an alert of ours, and has them acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from log_sentinel.delivery.presses import Answer
from log_sentinel.store import outbox
from log_sentinel.store.engine import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.presses import Press
    from log_sentinel.store.engine import Database

log = structlog.get_logger(__name__)

NOT_OURS = Answer("Nothing was done: this alert is not known here. Is it another log-sentinel's, or very old?")
NO_DATABASE = Answer("Nothing was done: the database does not answer. Try again in a while.")


def hearing(
    db: Database, channel: str, act: Callable[[Press], Answer], acted: Callable[[], None]
) -> Callable[[Press], Answer]:
    """What `channel` passes presses to; `acted` is called after each that was acted on."""

    def hear(press: Press) -> Answer:
        try:
            if not outbox.is_told_in(db, channel, press.incident, press.where):
                log.warning("a button of an unknown alert was pressed", channel=channel, who=press.who)
                return NOT_OURS
            answer = act(press)
        except StoreError as why:
            log.warning("a press could not be acted on", incident=press.incident, reason=str(why))
            return NO_DATABASE
        log.info("button pressed", incident=press.incident, action=press.action.value, who=press.who)
        acted()
        return answer

    return hear
