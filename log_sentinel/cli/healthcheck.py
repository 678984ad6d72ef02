"""`log-sentinel healthcheck`: asks the running daemon how it is; for Docker's HEALTHCHECK and exec probes.

It runs every few seconds beside a gateway, so it loads the settings and Python's own HTTP client and nothing more.
"""

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Annotated, Any

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.exits import Failed
from log_sentinel.cli.options import ConfigFile
from log_sentinel.cli.visible import visible

if TYPE_CHECKING:
    from log_sentinel.web.settings import WebSettings

LARGEST_ANSWER = 1 << 20
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked at, not bound to


def register(app: typer.Typer) -> None:
    app.command("healthcheck")(healthcheck)


def healthcheck(
    config: ConfigFile = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for an answer.", min=0.1)] = 5.0,
) -> None:
    """Ask the running daemon how it is; a sentence for each part that is not well. Exit code 1 if one is failing."""
    web = opening.settings(config).settings.web
    status, health = _asked(web, timeout)
    for part in health.get("parts", []):
        if part["state"] != "ok":
            print(visible(" ".join(f"{part['name']} is {part['state']}: {part['says']}. {part['todo']}".split())))
    if status != 200:
        raise Failed(f"The daemon at {web.listen} is {health['state']}.")
    print("ok" if health["state"] == "ok" else f"{visible(str(health['state']))}, but working")


def _asked(web: "WebSettings", timeout: float) -> tuple[int, dict[str, Any]]:
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
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise Failed(f"{url}: no answer ({said}). Is `log-sentinel run` running with these settings?") from None
    if not isinstance(health, dict) or "state" not in health:
        raise Failed(f"{url}: another program answers. Set a port of its own in web.listen.")
    return response.status, health
