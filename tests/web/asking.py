"""A real server with a given health, and plain HTTP requests to it."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter

from log_sentinel.web.app import app
from log_sentinel.web.health import Health, Part, State
from log_sentinel.web.serving import Serving
from log_sentinel.web.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.web.incidents import IncidentPages

WELL = Health((Part("database", State.OK),))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> object:
        return json.loads(self.body)


@contextmanager
def served(health: Health = WELL, incidents: IncidentPages | None = None, **settings: object) -> Iterator[Serving]:
    registry = CollectorRegistry()
    Counter("log_sentinel_lines", "Lines read.", ["source"], registry=registry).labels("edge").inc(3)
    web = WebSettings.model_validate({"listen": "127.0.0.1:0", **settings})
    serving = Serving(web.listen, app(lambda: health, registry, web, incidents=incidents))
    serving.start()
    try:
        yield serving
    finally:
        serving.stop()


def ask(serving: Serving, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    answer = Answer(
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        response.read().decode(),
    )
    connection.close()
    return answer
