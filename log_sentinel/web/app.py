"""The web endpoints: /healthz, /readyz, /livez, /metrics, a page that shows them, the pages of incidents, and /push for
what gateways post.

Handlers are plain functions, so that Starlette runs each in a thread of its pool: reading the states may wait for
a lock, and must not hold up the other requests.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from log_sentinel import __version__
from log_sentinel.web.guarding import Guard
from log_sentinel.web.health import State
from log_sentinel.web.push import Pushes
from log_sentinel.web.rendering import page_file, rendered
from log_sentinel.web.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry
    from starlette.requests import Request

    from log_sentinel.sources.push import Push
    from log_sentinel.web.health import Health
    from log_sentinel.web.incidents import IncidentPages


def app(
    health: Callable[[], Health],
    metrics: CollectorRegistry,
    settings: WebSettings | None = None,
    pushed: Mapping[str, Push] = MappingProxyType({}),
    incidents: IncidentPages | None = None,
) -> Starlette:
    """The ASGI application; `health` is called from any thread for every request that wants it.

    `pushed` are the sources that are posted to, by name; `incidents` the pages of incidents, if there are any.
    """
    pushes = Pushes(pushed)

    def healthz(request: Request) -> Response:
        found = health()
        return JSONResponse(_allowed(found, request), 503 if found.state is State.FAILING else 200)

    def readyz(request: Request) -> Response:
        found = health()
        return JSONResponse(_allowed(found, request), 200 if found.ready else 503)

    def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    def figures(request: Request) -> Response:
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encoder(metrics), headers={"Content-Type": content_type})

    def index(_: Request) -> Response:
        return HTMLResponse(
            rendered("index.html", health=health(), version=__version__, incidents=incidents is not None)
        )

    def style(_: Request) -> Response:
        return Response(page_file("index.css"), media_type="text/css")

    routes = {"/healthz": healthz, "/readyz": readyz, "/livez": livez, "/metrics": figures, "/": index}
    return Starlette(
        routes=[
            *(Route(path, page) for path, page in routes.items()),
            Route("/pages/index.css", style),
            *(
                [Route("/incidents", incidents.list), Route("/incidents/{number:int}", incidents.one)]
                if incidents
                else []
            ),
            Route("/push/{name}", pushes.__call__, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, settings=settings or WebSettings(), elsewhere=pushes.guarded_here)],
    )


def _allowed(health: Health, request: Request) -> dict[str, object]:
    return health.as_json() if request.scope["trusted"] else {"state": health.state, "ready": health.ready}
