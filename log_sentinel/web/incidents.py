"""The pages of incidents: a list of them, and an address of its own for each, to which its alerts lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from log_sentinel.delivery.message import wording
from log_sentinel.delivery.message.composing import as_it_stands
from log_sentinel.delivery.message.phrases import lasted
from log_sentinel.delivery.message.steps import query
from log_sentinel.delivery.message.text import quoted
from log_sentinel.store import incidents
from log_sentinel.store.engine import StoreError
from log_sentinel.web.bars import bars_of
from log_sentinel.web.rendering import rendered

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from log_sentinel.delivery.message.composing import Background
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Incident
    from log_sentinel.store.engine import Database
    from log_sentinel.store.incidents import History

log = structlog.get_logger(__name__)

LISTED = 200
# The largest number a database has for one.
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class IncidentPages:
    """Handlers for /incidents and /incidents/NUMBER. `background`: what else is known of an incident (see delivery);
    `instance` names this daemon. Like all handlers they may be called from any thread.
    """

    database: Database
    background: Callable[[Incident], Background]
    instance: str

    def list(self, _: Request) -> Response:
        """All that are not resolved, and the latest of the others."""
        try:
            found = {one.id: one for one in incidents.unresolved(self.database)}
            found |= {one.id: one for one in incidents.listing(self.database, limit=LISTED)}
        except StoreError as why:
            return _without_database(why)
        newest = sorted(found.values(), key=lambda one: (one.state.value == "resolved", -one.opened_at.timestamp()))
        rows = [(one, wording.title(one), lasted(one)) for one in newest]
        return HTMLResponse(rendered("incidents.html", rows=rows))

    def one(self, request: Request) -> Response:
        """Everything that is known of one."""
        number = int(request.path_params["number"])
        try:
            history = incidents.show(self.database, min(number, LARGEST))
            message = self._message(history)
        except incidents.NoSuchIncident:
            return HTMLResponse(rendered("no_incident.html", number=number), 404)
        except StoreError as why:
            return _without_database(why)
        return HTMLResponse(page(history, message))

    def _message(self, history: History) -> Message:
        """What an alert would say of it now."""
        last = history.happenings[-1] if history.happenings else None
        background = self.background(history.incident)
        return as_it_stands(history.incident, last, background, instance=self.instance, now=datetime.now(UTC))


def page(history: History, message: Message) -> str:
    """The page of an incident, of which an alert would say `message` now."""
    return rendered(
        "incident.html",
        m=message,
        incident=history.incident,
        events=[(one.at, quoted(one.who, 60), wording.happened(one)) for one in history.happenings],
        bars=bars_of(message.chart) if message.chart is not None else None,
        query=query(history.incident),
    )


def _without_database(why: StoreError) -> Response:
    log.info("a page waits for the database", reason=str(why))
    return PlainTextResponse("The database does not answer now. Try again in a while.\n", 503)
