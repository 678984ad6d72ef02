"""Runs the daemon, and runs it anew on settings read again when SIGHUP asks for it.

New settings are looked at before anything is touched; what is wrong with them is logged and the old ones go on. Good
ones are taken by stopping the parts in order and starting them anew, in the same process: nothing is lost by that,
since every part begins where the database says it was. If the new ones cannot be started (a port in use, a database
that does not answer), the old ones are started again.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from log_sentinel.daemon import systemd
from log_sentinel.daemon.wiring import prepared, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.lifecycle import Asked
    from log_sentinel.daemon.pipelines import Pipelines
    from log_sentinel.daemon.settings import Settings

log = structlog.get_logger(__name__)

# How soon it is seen that the ingest died
LOOK_SECONDS = 1.0


def run(
    loaded: Loaded[Settings], load: Callable[[], Loaded[Settings]], asked: Asked, *, tell_the_past: bool = False
) -> None:
    """Runs until `asked` to stop; `load` reads the settings again. `tell_the_past`: of the time before the first start.

    Raises what keeps it from starting the first time, and what ended it if nobody asked.
    """
    former: Loaded[Settings] | None = None
    while True:
        with ExitStack() as stack:
            try:
                ingest = stack.enter_context(running(prepared(loaded), tell_the_past=tell_the_past and former is None))
            except Exception:
                if former is None:
                    raise
                log.exception("the new settings could not be started; going back to the old ones")
                loaded, former = former, None
                continue
            systemd.notify("READY=1", f"STATUS=watching {len(loaded.settings.sources)} sources")
            fresh = _watch(ingest, load, asked)
            systemd.notify("STOPPING=1" if fresh is None else "RELOADING=1")
        if fresh is None:
            log.info("stopped")
            return
        loaded, former = fresh, loaded


def _watch(ingest: Pipelines, load: Callable[[], Loaded[Settings]], asked: Asked) -> Loaded[Settings] | None:
    """Returns new settings that are good, or None when it is time to stop. Tells systemd meanwhile that we live."""
    pause = min(LOOK_SECONDS, systemd.watchdog_seconds() or LOOK_SECONDS)
    while not asked.to_stop and not ingest.ended and not ingest.done:
        systemd.notify("WATCHDOG=1")
        if asked.taken_reload():
            try:
                fresh = load()
                prepared(fresh)
            except Exception as why:  # noqa: BLE001 - whatever is wrong with new settings, the old ones are good
                log.warning("settings not reloaded, the old ones go on", reason=str(why))
            else:
                log.info("settings reloaded")
                return fresh
        asked.wait(pause)
    return None
