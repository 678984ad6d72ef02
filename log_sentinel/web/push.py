"""POST /push/NAME: takes what gateways post, and answers when it is in the database.

200 `{"entries": n, "new": n}`: everything is stored, by this request or an earlier one. With any other answer it may be
sent again: 400 it cannot be read, 401 the token is missing, 403 a browser sent it, 404 no such source, 408 it came too
slowly, 413 it is too large, 415 it is packed in a way nobody knows here; 429 as much waits as may, 503 the database
takes nothing, the format is not known, or we are stopping: both say when to come again (Retry-After).
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from log_sentinel.sources.push import Closed
from log_sentinel.sources.pushed import BadBody, entries
from log_sentinel.web.bodies import Body, Refused
from log_sentinel.web.guarding import given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from log_sentinel.sources.push import Push

# Kong's http-log waits 10 s for an answer (its `timeout`) and then sends the same again
ANSWER_SECONDS = 8.0
RETRY_SECONDS = 5
LATER = frozenset({429, 503})


class Pushes:
    """The route's handler; `sources` are those of `type = "push"` by name."""

    def __init__(self, sources: Mapping[str, Push]) -> None:
        self._sources = sources

    @property
    def guarded_here(self) -> frozenset[str]:
        """Paths of the sources that have a token of their own."""
        return frozenset(f"/push/{name}" for name, source in self._sources.items() if source.settings.token)

    async def __call__(self, request: Request) -> Response:
        source = self._sources.get(request.path_params["name"])
        if source is None:
            return _refusal(Refused(404, 'No [sources.NAME] with type = "push" has this name.'))
        body = Body(request, source)
        try:
            _allow(request, source)
            answer: Response = JSONResponse(await _stored(body, source))
        except Refused as refused:
            await body.pass_over()
            answer = _refusal(refused)
        source.answers[answer.status_code] += 1
        return answer


def _allow(request: Request, source: Push) -> None:
    if "origin" in request.headers:
        # a page in somebody's browser; gateways send none
        raise Refused(403, "Not for browsers.")
    token = source.settings.token
    if token is not None and not hmac.compare_digest(given(request.headers), token.get_secret_value().encode()):
        raise Refused(401, f"The token of [sources.{source.name}] is needed.")


async def _stored(body: Body, source: Push) -> dict[str, int]:
    """How many entries there are and how many of them were new, once they are in the database."""
    try:
        lines = await run_in_threadpool(entries, await body.receive())
    except BadBody as why:
        body.let_go()
        raise Refused(400, f"The body cannot be read: {why}.") from None
    except BaseException:
        body.let_go()
        raise
    try:
        delivery = await run_in_threadpool(source.deliver, lines, body.held)
        new = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(delivery.stored)), ANSWER_SECONDS)
    except Closed:
        raise Refused(503, "Stopping.") from None
    except TimeoutError:
        source.withdraw(delivery)
        raise Refused(503, "Not stored yet; /healthz says what is the matter.") from None
    return {"entries": len(lines), "new": new}


def _refusal(refused: Refused) -> Response:
    headers = {"Retry-After": str(RETRY_SECONDS)} if refused.status in LATER else {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return PlainTextResponse(f"{refused}\n", refused.status, headers)
