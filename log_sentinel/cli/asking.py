"""Asks the running daemon how it is, with Python's own HTTP client and nothing more."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from log_sentinel.cli.exits import Failed

if TYPE_CHECKING:
    from log_sentinel.web.settings import WebSettings

LARGEST_ANSWER = 1 << 20
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked at, not bound to


def asked(web: WebSettings, timeout: float) -> tuple[bool, dict[str, Any]]:
    """Whether the daemon does its work, and what /healthz says: `state`, and `parts` with name, state, says and todo.

    Raises Failed when no daemon answers in `timeout` seconds.
    """
    if web.port == 0:
        raise Failed("web.listen: port 0 is another one at every start; set one, so that it can be asked.")
    host = EVERYWHERE.get(web.host, web.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{web.port}/healthz"
    headers = {"Authorization": f"Bearer {web.token.get_secret_value()}"} if web.token else {}
    # a proxy from the environment must not be asked for a daemon beside us
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        try:
            response = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            health = json.loads(response.read(LARGEST_ANSWER))
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise Failed(f"{url}: no answer ({said}). Is `log-sentinel run` running with these settings?") from None
    if not isinstance(health, dict) or "state" not in health:
        raise Failed(f"{url}: another program answers. Set a port of its own in web.listen.")
    return response.status == HTTPStatus.OK, health
