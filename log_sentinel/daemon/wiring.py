"""Builds the parts from the settings, runs them until somebody asks to stop, and takes them down in order."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from log_sentinel.daemon import systemd
from log_sentinel.daemon.background import around
from log_sentinel.daemon.health import of_daemon
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.jobs import Jobs
from log_sentinel.daemon.lifecycle import Parts
from log_sentinel.daemon.metrics import DaemonMetrics
from log_sentinel.daemon.readings import chooser, definitions, options_for
from log_sentinel.daemon.status import Status
from log_sentinel.daemon.tally import Tally
from log_sentinel.daemon.tick import DetectionTick
from log_sentinel.delivery.loop import Delivery
from log_sentinel.detection.detector import Detector
from log_sentinel.detection.rules import load_rules, rule_files
from log_sentinel.sources.tailer import FileTail
from log_sentinel.sources.wakeups import DirectoryWakeups
from log_sentinel.store.appending import append
from log_sentinel.store.engine import open_database
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.owner import own
from log_sentinel.store.retention import sweep
from log_sentinel.web.app import app
from log_sentinel.web.serving import Serving

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.judging import Format
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.sources.settings import SourceSettings
    from log_sentinel.store.engine import Database
    from log_sentinel.web.health import Health

log = structlog.get_logger(__name__)

RETENTION_EVERY = timedelta(minutes=10)
# A daemon that nobody watches still says now and then to systemd that it lives.
UNWATCHED_SECONDS = 60.0


def run(loaded: Loaded[Settings], stop: threading.Event) -> None:
    """Runs the daemon until `stop` is set. Raises what keeps it from starting, and what ended it if nobody asked.

    What is wrong with the settings comes out as BadSettings, BadRule or BadDefinition before anything is started.
    """
    settings = loaded.settings
    detector = Detector(load_rules(rule_files(settings.detection, loaded.folder)), settings.detection)
    known = definitions(settings, loaded.folder)
    formats = {name: _chooser(loaded, known, name, source) for name, source in settings.sources.items()}
    with Parts() as parts:
        database = open_database(settings.database)
        parts.started("database", database.close)
        parts.started("ownership", own(database, settings.instance).release)
        database.take_checkpointing()
        upgrade(database)
        daemon = _Daemon(settings, database, detector, formats)
        daemon.start(parts)
        _run_until(stop, daemon.ingest)
    if daemon.ingest.failure is not None:
        raise daemon.ingest.failure
    log.info("stopped")


class _Daemon:
    """The parts that run, and what they share."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        detector: Detector,
        formats: Mapping[str, Callable[[bytes], Format | None]],
    ) -> None:
        self.settings, self.database = settings, database
        checkpoints = StoredCheckpoints(database, settings.instance)
        self.sources = [FileTail(name, source, checkpoints) for name, source in settings.sources.items()]
        self.readings = [Reading(source, formats[source.name]) for source in self.sources]
        self.tally, self.jobs, self.wakeups = Tally(), Jobs(), DirectoryWakeups()
        self.ingest = Ingest(
            self.readings,
            lambda commit: append(database, commit),
            instance=settings.instance,
            tally=self.tally,
            wakeups=self.wakeups,
            poll_seconds=min((one.poll_every.total_seconds() for one in settings.sources.values()), default=1.0),
        )
        self.delivery = Delivery(
            database,
            settings.channels,
            settings.routing,
            instance=settings.instance,
            background=lambda incident: around(database, incident),
        )
        self.tick = DetectionTick(
            database,
            detector,
            idle=lambda: self.ingest.idle and not any(source.behind() for source in self.sources),
            caught_up=lambda: self.ingest.idle and all(source.caught_up for source in self.sources),
        )

    def start(self, parts: Parts) -> None:
        """Starts everything, from the end of the data's way to its beginning, and says so."""
        for source in self.sources:
            parts.started(f"source {source.name}", source.close)
        parts.started("wakeups", self.wakeups.close)
        self.delivery.start()
        parts.started("delivery", self.delivery.stop)
        serving = Serving(self.settings.web.listen, app(self.health, self._metrics(), self.settings.web))
        serving.start()
        parts.started("web", serving.stop)
        self.ingest.start()
        parts.started("ingest", self.ingest.stop)
        self._schedule()
        self.jobs.start()
        parts.started("jobs", self.jobs.stop)
        log.info("watching", sources=[source.name for source in self.sources], web=serving.url)
        systemd.notify("READY=1", f"STATUS=watching {len(self.sources)} sources")
        parts.started("systemd", lambda: systemd.notify("STOPPING=1"))

    def health(self) -> Health:
        return of_daemon(self.readings, self.ingest, self.jobs.states, self.delivery)

    def _metrics(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(DaemonMetrics(self.tally, self.sources, self.jobs.states, self.delivery))
        return registry

    def _schedule(self) -> None:
        settings = self.settings
        status = Status(self.tally, self.sources, datetime.now(UTC))
        self.jobs.every(settings.detection.every, "detection", self._detect)
        self.jobs.every(settings.log.status_every, "status", status)
        self.jobs.every(RETENTION_EVERY, "retention", lambda now: sweep(self.database, settings.retention, now))

    def _detect(self, now: datetime) -> None:
        if self.tick(now):
            self.delivery.wake()


def _chooser(
    loaded: Loaded[Settings], known: Mapping[str, Definition], name: str, source: SourceSettings
) -> Callable[[bytes], Format | None]:
    return chooser(
        name,
        known,
        options_for(loaded.settings, source),
        format_name=source.format,
        directive=source.log_format,
        origin=loaded.origins.get(f"sources.{name}.format", ""),
        key=f"sources.{name}.format",
    )


def _run_until(stop: threading.Event, ingest: Ingest) -> None:
    """Returns when `stop` is set or the ingest died, telling systemd meanwhile that the daemon lives."""
    pause = systemd.watchdog_seconds() or UNWATCHED_SECONDS
    next_sign = 0.0
    while not ingest.finished.wait(0.0) and not stop.is_set():
        if (now := time.monotonic()) >= next_sign:
            systemd.notify("WATCHDOG=1")
            next_sign = now + pause
        stop.wait(min(1.0, pause))
