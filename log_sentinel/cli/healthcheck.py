"""`log-sentinel healthcheck`: asks the running daemon how it is; for Docker's HEALTHCHECK and exec probes.

It runs every few seconds beside a gateway, so it loads the settings and Python's own HTTP client and nothing more.
"""

from typing import Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.asking import asked
from log_sentinel.cli.exits import Failed
from log_sentinel.cli.options import ConfigFile
from log_sentinel.cli.visible import visible


def register(app: typer.Typer) -> None:
    app.command("healthcheck")(healthcheck)


def healthcheck(
    config: ConfigFile = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for an answer.", min=0.1)] = 5.0,
) -> None:
    """Ask the running daemon how it is; a sentence for each part that is not well. Exit code 1 if one is failing."""
    web = opening.settings(config).settings.web
    works, health = asked(web, timeout)
    for part in health.get("parts", []):
        if part["state"] != "ok":
            said = f"{part['name']} is {part['state']}: {part['says'].rstrip('.')}. {part['todo']}"
            print(visible(" ".join(said.split())))
    if not works:
        raise Failed(f"The daemon at {web.listen} is {health['state']}.")
    print("ok" if health["state"] == "ok" else f"{visible(str(health['state']))}, but working")
