"""Builds the parts from the settings, runs them until somebody asks to stop, and takes them down in order."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry

from log_sentinel.daemon.audit import record_load
from log_sentinel.daemon.background import around, services_of
from log_sentinel.daemon.error_logs import ErrorLogs, error_log_definitions
from log_sentinel.daemon.health import of_daemon
from log_sentinel.daemon.ingest import Ingest
from log_sentinel.daemon.itself import watch_itself
from log_sentinel.daemon.jobs import Jobs
from log_sentinel.daemon.lifecycle import Parts
from log_sentinel.daemon.metrics import DaemonMetrics
from log_sentinel.daemon.patience import Patience, PatientCheckpoints
from log_sentinel.daemon.people import act
from log_sentinel.daemon.pipelines import Pipelines
from log_sentinel.daemon.readings import chooser, concealing_for, definitions, options_for
from log_sentinel.daemon.status import Status
from log_sentinel.daemon.supplying import supplying
from log_sentinel.daemon.tally import Tally
from log_sentinel.daemon.tick import DetectionTick
from log_sentinel.delivery.loop import Delivery
from log_sentinel.detection.detector import Detector
from log_sentinel.detection.rules import rules_in_force
from log_sentinel.incidents.maintenance import under_way
from log_sentinel.incidents.silences import silencing
from log_sentinel.sources.settings import PushSource
from log_sentinel.store import silences
from log_sentinel.store.appending import append
from log_sentinel.store.engine import open_database
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.integrity import check_at_start
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.owner import own
from log_sentinel.store.retention import sweep
from log_sentinel.web.app import app
from log_sentinel.web.incidents import IncidentPages
from log_sentinel.web.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.ingest import Reading
    from log_sentinel.daemon.judging import Format
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.incidents.maintenance import Maintenance
    from log_sentinel.model.incident import Incident
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.sources.settings import SourceSettings
    from log_sentinel.sources.wakeups import Wakeups
    from log_sentinel.store.engine import Database
    from log_sentinel.web.health import Health

log = structlog.get_logger(__name__)

RETENTION_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Prepared:
    """Settings that were found good, and what was built from them without touching anything outside."""

    settings: Settings
    detector: Detector
    formats: Mapping[str, Callable[[bytes], Format | None]]
    error_logs: ErrorLogs


def prepared(loaded: Loaded[Settings]) -> Prepared:
    """Raises BadSettings, BadRule or BadDefinition when something in the settings or the files they name is wrong."""
    settings = loaded.settings
    known = definitions(settings, loaded.folder)
    return Prepared(
        settings,
        Detector(rules_in_force(settings.detection, loaded.folder), settings.detection),
        {name: _chooser(loaded, known, name, source) for name, source in settings.sources.items()},
        ErrorLogs(error_log_definitions(settings, loaded.folder), concealing_for(settings)),
    )


@contextmanager
def running(prepared: Prepared, *, tell_the_past: bool = False) -> Iterator[Pipelines]:
    """The whole daemon, started; stopped in order at the end. Gives its ingests, which say if one died.

    `tell_the_past`: what came and went since the last run opens incidents too.

    Raises what keeps it from starting: Owned, StoreError, ListenError, CannotListen. What was started by then is
    stopped.
    """
    with Parts() as parts:
        database = open_database(prepared.settings.database)
        parts.started("database", database.close)
        parts.started("ownership", own(database, prepared.settings.instance).release)
        check_at_start(database)
        if any(isinstance(source, PushSource) for source in prepared.settings.sources.values()):
            database.sync_every_commit()
        database.take_checkpointing()
        upgrade(database)
        daemon = _Daemon(prepared, database, tell_the_past=tell_the_past)
        daemon.start(parts)
        record_load(database, prepared.settings, datetime.now(UTC))
        yield daemon.ingest
    if daemon.ingest.failure is not None:
        raise daemon.ingest.failure


class _Daemon:
    """The parts that run, and what they share."""

    def __init__(self, prepared: Prepared, database: Database, *, tell_the_past: bool) -> None:
        self.settings, self.database = prepared.settings, database
        settings = prepared.settings
        self.patience = patience = Patience()
        checkpoints = PatientCheckpoints(StoredCheckpoints(database, settings.instance), patience)
        error_logs = prepared.error_logs
        self.supply = supplying(settings.sources, prepared.formats, error_logs, database, checkpoints, patience)
        self.sources = self.supply.sources
        self.tally, self.jobs = Tally(), Jobs()

        def ingest(readings: list[Reading], wakeups: Wakeups, **how: float) -> Ingest:
            return Ingest(
                readings,
                lambda commit: append(database, commit, explain=error_logs.explain),
                instance=settings.instance,
                tally=self.tally,
                wakeups=wakeups,
                patience=patience,
                **how,
            )

        ingests = [ingest(self.supply.readings, self.supply.wakeups, poll_seconds=self.supply.poll_seconds)]
        if self.supply.answering:
            ingests.append(ingest(self.supply.answering, self.supply.pushed_wakeups, gather_seconds=0.0))
        self.ingest = Pipelines(ingests, lambda: self.supply.is_over)
        self.delivery = Delivery(
            database,
            settings.channels,
            settings.routing,
            instance=settings.instance,
            background=partial(around, database),
            services=partial(services_of, database),
            muting=lambda now: _muted(database, now, settings.maintenance),
            act=lambda press: act(database, press, datetime.now(UTC)),
            dashboard=settings.web.external_url,
        )
        self.tick = DetectionTick(
            database,
            prepared.detector,
            idle=lambda: self.ingest.idle and not any(source.behind() for source in self.sources),
            caught_up=lambda: self.ingest.idle and all(source.caught_up for source in self.sources),
            holder=settings.instance if database.is_sqlite else f"{settings.instance} {uuid4().hex[:8]}",
            tell_the_past=tell_the_past,
            stopping=self.jobs.stopping.is_set,
        )

    def start(self, parts: Parts) -> None:
        """Starts everything, from the end of the data's way to its beginning, and says so."""
        for source in self.sources:
            parts.started(f"source {source.name}", source.close)
        parts.started("wakeups", self.supply.wakeups.close)
        self.delivery.start()
        parts.started("delivery", self.delivery.stop)
        incidents = IncidentPages(self.database, partial(around, self.database), self.settings.instance)
        pages = app(self.health, self._metrics(), self.settings.web, self.supply.pushed, incidents)
        serving = Serving(self.settings.web.listen, pages)
        serving.start()
        parts.started("web", serving.stop)
        # those whose entries could not be stored any more are answered before the web endpoints go
        parts.started("waiting senders", self.supply.send_away)
        self.ingest.start()
        parts.started("ingest", self.ingest.stop)
        parts.started("receiving", lambda: self.supply.stop(lambda: self.ingest.waiting_for_database is not None))
        for syslog in self.supply.syslogs:
            syslog.start()
        parts.started("detection", lambda: self.tick.save(datetime.now(UTC)))
        self._schedule()
        self.jobs.start()
        parts.started("jobs", self.jobs.stop)
        log.info("watching", sources=[source.name for source in self.sources], web=serving.url)

    def health(self) -> Health:
        muting = under_way(self.settings.maintenance, datetime.now(UTC))
        return of_daemon(self.supply.all, self.ingest, self.jobs.states, self.delivery, muting)

    def _metrics(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(
            DaemonMetrics(
                self.tally,
                self.sources,
                self.jobs.states,
                self.delivery,
                self.patience,
                lambda: self.tick.detector.faults.count,
                lambda: self.tick.detector.cut,
            )
        )
        return registry

    def _schedule(self) -> None:
        settings = self.settings
        status = Status(self.tally, self.sources, datetime.now(UTC))
        self.jobs.every(settings.detection.every, "detection", self._detect)
        self.jobs.every(settings.log.status_every, "status", status)
        self.jobs.every(RETENTION_EVERY, "retention", self._sweep)
        watch_itself(self.jobs, self.database, settings, self.health, self.patience, self.delivery.wake)

    def _detect(self, now: datetime) -> None:
        if self.tick(now):
            self.delivery.wake()

    def _sweep(self, now: datetime) -> None:
        settings, stopping = self.settings, self.jobs.stopping
        sweep(
            self.database,
            settings.retention,
            now,
            instance=settings.instance,
            stopping=stopping.is_set,
            rest=stopping.wait,
        )


def _muted(database: Database, now: datetime, maintenance: Mapping[str, Maintenance]) -> Callable[[Incident], bool]:
    """Whether an incident is silenced at `now`, by somebody or by a maintenance window."""
    in_force = [*silences.in_force(database, now), *under_way(maintenance, now)]
    return lambda incident: silencing(incident, in_force, now) is not None


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
