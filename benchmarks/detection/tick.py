"""What one tick costs: 100,000 entities, an hour in memory, 4,000 rows of denials a minute.

The detector alone is fed minutes as frames; a whole tick reads them from SQLite or Postgres, judges, and records: with
little and with much history stored, which should be the same. Beside the milliseconds stands the ratio to the plainest
thing that could be done instead: adding the hour's denials up by client, address and route, once. Milliseconds are of
CPU, those that Postgres itself spends among them. The usual is learned every fifth minute, which the largest figure
shows. Memory is what the process holds more than before anything was learned.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import insert

from benchmarks.chaos.databases import Postgres
from log_sentinel import content
from log_sentinel.daemon.tick import DetectionTick
from log_sentinel.detection.detector import Detector
from log_sentinel.detection.rules import load_rules
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.model.columns import DENIED_MINUTES, TRAFFIC
from log_sentinel.store import tables
from log_sentinel.store.engine import open_database
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_sentinel.store.engine import Database

START = datetime(2026, 3, 3, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CLIENTS, ADDRESSES, ROUTES, ROUTES_A_CLIENT = 7_000, 14_500, 400, 3
ROWS_A_MINUTE, REQUESTS_A_ROUTE = 4_000, 300
MEASURED = 40


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a tick in milliseconds of CPU: the middle and the largest of MEASURED. `megabytes`: held more."""

    what: str
    middle: float
    largest: float
    ratio: float
    megabytes: float


class Minutes:
    """Made-up minutes, the same for the same seed."""

    def __init__(self) -> None:
        draw = Random("tick")
        networks = [f"{draw.randrange(11, 220)}.{draw.randrange(256)}.{draw.randrange(256)}" for _ in range(9_000)]
        self._routes = [
            [f"/api/r{int(ROUTES * draw.random() ** 2)}" for _ in range(ROUTES_A_CLIENT)] for _ in range(CLIENTS)
        ]
        self._ips = [f"{draw.choice(networks)}.{draw.randrange(1, 255)}" for _ in range(ADDRESSES)]

    def denied(self, at: datetime) -> pl.DataFrame:
        draw = Random(f"{at}")
        rows = [
            (
                at,
                "edge",
                f"client-{client}",
                self._ips[int(ADDRESSES * draw.random() ** 1.5)],
                draw.choice(self._routes[client]),
                draw.choice([403, 429]),
                "unknown",
                draw.choice([1, 1, 1, 2]),
            )
            for client in [int(CLIENTS * draw.random() ** 2) for _ in range(ROWS_A_MINUTE)]
        ]
        return pl.DataFrame(rows, schema=DENIED_MINUTES, orient="row")

    def traffic(self, at: datetime) -> pl.DataFrame:
        rows = [(at, f"/api/r{route}", 200, REQUESTS_A_ROUTE) for route in range(ROUTES)]
        return pl.DataFrame(rows, schema=TRAFFIC, orient="row").with_columns(source=pl.lit("edge"))


def detector_alone(history: timedelta) -> Cost:
    """`history`: so much was learned before, in one go."""
    made, hours = Minutes(), int(history / MINUTE)
    detector = Detector(load_rules(sorted(content.shipped("alerts").glob("*.toml"))), DetectionSettings())
    hour = [made.denied(START) for _ in range(60)]
    plain = [timed(partial(plainly, hour)) for _ in range(5)]
    before = resident()
    for number in range(0, hours, 60):
        # what waits to be learned comes again
        part = [START + minute * MINUTE for minute in range(max(0, number - 15), min(number + 60, hours))]
        denied, traffic = pl.concat(map(made.denied, part)), pl.concat(map(made.traffic, part))
        detector.learn(denied, traffic, part[-1] + MINUTE)
    spent = []
    for number in range(60 + MEASURED):
        at = START + history + number * MINUTE
        spent.append(timed(partial(detector.feed, at, made.denied(at), made.traffic(at))))
    spent = spent[60:]
    name = f"detector, {detector.entities:,} entities known, {history / HOUR:.0f} h of history"
    return Cost(name, median(spent), max(spent), median(spent) / median(plain), resident() - before)


def whole_tick(history: timedelta, kind: str) -> Cost:
    """`history`: so much is stored, of which an hour was learned before. `kind`: sqlite or postgres."""
    made = Minutes()
    with server(kind) as (url, processes):
        database = open_database(DatabaseSettings(url=url))
        upgrade(database)
        rules = load_rules(sorted(content.shipped("alerts").glob("*.toml")))
        end = START + history
        hour = [made.denied(START) for _ in range(60)]
        plain = [timed(partial(plainly, hour)) for _ in range(5)]
        for number in range(int(history / MINUTE)):
            at = START + number * MINUTE
            store(database, made.denied(at), made.traffic(at))
        before = resident()
        learned = DetectionSettings(learn_from=timedelta(hours=1))
        tick = DetectionTick(database, Detector(rules, learned), idle=lambda: True, caught_up=lambda: True)
        tick(end)
        servers = processes()
        spent = []
        for number in range(MEASURED):
            at = end + number * MINUTE
            store(database, made.denied(at), made.traffic(at))
            spent.append(
                timed(partial(tick, at + 2 * MINUTE), lambda: time.process_time() + sum(map(spent_by, servers)))
            )
        held = resident() - before
        database.close()
    name = f"whole tick on {kind}, {tick.detector.entities:,} entities known, {history / HOUR:.0f} h stored"
    return Cost(name, median(spent), max(spent), median(spent) / median(plain), held)


@contextmanager
def server(kind: str) -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """The URL of an empty database, and the processes of its server, as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite:///{Path(folder) / 'tick.db'}", list
            return
    postgres = Postgres()
    try:
        yield postgres.url, postgres.pids
    finally:
        postgres.close()


def plainly(minutes: list[pl.DataFrame]) -> None:
    hour = pl.concat(minutes)
    for column in ("client", "ip", "route"):
        hour.group_by(column, "status").agg(pl.col("n").sum())


def store(database: Database, denied: pl.DataFrame, traffic: pl.DataFrame) -> None:
    where = {"instance": "edge-1"}
    with database.write() as connection:
        for table, frame in ((tables.denied_minutes, denied), (tables.traffic, traffic)):
            keys = [name for name in frame.columns if name != "n"]
            rows = frame.group_by(keys).agg(pl.col("n").sum()).to_dicts()
            connection.execute(insert(table), [where | row for row in rows])


def timed(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Milliseconds of CPU, or by another `clock`: what else the machine does is left out."""
    began = clock()
    work()
    return (clock() - began) * 1000


def spent_by(pid: int) -> float:
    """Seconds of CPU of another process."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9


def resident() -> float:
    """Megabytes of this process in memory; 0 where /proc does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Prints a line for each measurement."""
    for measure in (
        partial(detector_alone, 2 * HOUR),
        partial(detector_alone, 12 * HOUR),
        *(partial(whole_tick, hours * HOUR, kind) for kind in ("sqlite", "postgres") for hours in (1, 6)),
    ):
        cost = measure()
        print(
            f"{cost.what}: {cost.middle:.0f} ms in the middle, {cost.largest:.0f} ms at most, "
            f"{cost.ratio:.1f} times the plain sums; {cost.megabytes:.0f} MB",
            flush=True,
        )
