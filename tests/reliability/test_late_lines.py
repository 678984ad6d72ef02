"""Lines that are late, out of order, or have a time nobody can have meant."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from log_sentinel.store.sanitising import AHEAD, EARLIEST
from log_sentinel.store.tables import activity, denials, denied_minutes, reject_counts, traffic
from tests.lengths import times
from tests.reliability.logs import BEGAN, ingest, line

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.store.engine import Database

LINES = times(6_000, 2_000_000)
PIECES = 7
STATUSES = (200, 200, 304, 403, 404, 429, 500)
ABSURD = (
    "24/Nov/0001:10:00:00 +0000",
    "24/Nov/2999:10:00:00 +0000",
    "24/Nov/2098:10:00:00 +0000",
    "31/Feb/2026:10:00:00 +0000",
    "24/Nov/2026:99:99:99 +0000",
    "24/Nov/2026:10:00:00 +9999",
    "01/Jan/1970:00:00:00 +0000",
    "-1",
    "99999999999999999999",
    "",
)


def minute(moment: datetime) -> datetime:
    return moment.replace(second=0)


def test_lines_out_of_order_give_the_counts_of_lines_in_order(database: Database, tmp_path: Path) -> None:
    chance = random.Random(37)
    requests = [
        (BEGAN + timedelta(seconds=number * 2), chance.choice(STATUSES), f"198.51.100.{chance.randrange(9)}")
        for number in range(LINES)
    ]
    lateness = {
        number: chance.uniform(0, 600) if chance.random() < 0.9 else chance.uniform(0, 86_400)
        for number in range(LINES)
    }
    order = sorted(range(LINES), key=lambda number: number * 2 + lateness[number])
    log = tmp_path / "access.log"
    for piece in range(PIECES):
        with log.open("a") as file:
            for number in order[piece::PIECES]:
                moment, status, ip = requests[number]
                file.write(line(number, status=status, at=moment, ip=ip))
        ingest(database, log)
    with database.read() as connection:
        counted = {
            (at, status): n
            for at, status, n in connection.execute(
                select(traffic.c.minute, traffic.c.status, func.sum(traffic.c.n)).group_by(
                    traffic.c.minute, traffic.c.status
                )
            )
        }
        denied = {
            (at, ip, status): n
            for at, ip, status, n in connection.execute(
                select(
                    denied_minutes.c.minute, denied_minutes.c.ip, denied_minutes.c.status, func.sum(denied_minutes.c.n)
                ).group_by(denied_minutes.c.minute, denied_minutes.c.ip, denied_minutes.c.status)
            )
        }
        hours = {
            (at, key, status): n
            for at, key, status, n in connection.execute(
                select(activity.c.hour, activity.c.key, activity.c.status_class, activity.c.n).where(
                    activity.c.dimension == "ip"
                )
            )
        }
    assert Counter((minute(at), status) for at, status, _ in requests) == counted
    assert Counter((minute(at), ip, status) for at, status, ip in requests if status in (403, 429)) == denied
    assert (
        Counter(
            (minute(at).replace(minute=0), ip, status if status in (403, 429) else status // 100)
            for at, status, ip in requests
        )
        == hours
    )


def test_a_time_that_nobody_can_have_meant_is_no_way_out_of_the_account(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(number, at=stamp) for number, stamp in enumerate(ABSURD)) + line(1000))
    ingest(database, log)
    with database.read() as connection:
        stored = connection.execute(select(denials.c.path, denials.c.time, denials.c.time_is)).all()
        rejected = connection.scalar(select(func.sum(reject_counts.c.n))) or 0
        newest = connection.scalar(select(func.max(traffic.c.minute)))
    assert len(ABSURD) + 1 == len(stored) + int(rejected)
    assert "/n/1000" in {row.path for row in stored}
    now = datetime.now(UTC)
    assert all(EARLIEST <= row.time <= now + AHEAD for row in stored)
    assert newest is not None
    assert newest <= now + AHEAD
