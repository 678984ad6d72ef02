"""Nights in which clocks are changed: the store has UTC, each line once and in the right order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from log_sentinel.store.tables import denials, traffic
from tests.reliability.logs import INSTANCE, choose, ingest, line

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.store.engine import Database

# The hours before and after a change, in UTC
NIGHTS = {
    "Europe/Berlin falls back": ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "Europe/Berlin springs forward": ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    "America/Sao_Paulo fell back": ("America/Sao_Paulo", datetime(2019, 2, 17, 2, tzinfo=UTC)),
    "America/New_York springs forward": ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
}
MINUTES = range(-90, 90)


@pytest.mark.parametrize(("zone", "change"), NIGHTS.values(), ids=NIGHTS)
def test_lines_with_their_offset_are_stored_in_utc_minute_by_minute(
    zone: str, change: datetime, database: Database, tmp_path: Path
) -> None:
    moments = [change + timedelta(minutes=minute) for minute in MINUTES]
    log = tmp_path / "access.log"
    log.write_text("".join(line(number, at=moment.astimezone(ZoneInfo(zone))) for number, moment in enumerate(moments)))
    ingest(database, log)
    with database.read() as connection:
        assert moments == list(connection.scalars(select(denials.c.time).order_by(denials.c.id)))
        counted = connection.execute(select(traffic.c.minute, traffic.c.n).order_by(traffic.c.minute)).all()
    assert [(moment, 1) for moment in moments] == [tuple(row) for row in counted]
    assert INSTANCE


@pytest.mark.parametrize(("zone", "change"), NIGHTS.values(), ids=NIGHTS)
def test_lines_without_an_offset_are_read_in_the_zone_of_their_source(zone: str, change: datetime) -> None:
    """Of the hour that comes twice the first pass is taken: such a log does not tell which it is."""
    from log_sentinel.model.lines import Checkpoint, Lines, Move

    moments = [change + timedelta(minutes=minute) for minute in MINUTES]
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
    data = "".join(
        json.dumps(
            {
                "time": moment.strftime("%Y-%m-%dT%H:%M:%S"),
                "remote_addr": "192.0.2.1",
                "status": 403,
                "request": f"GET /n/{number} HTTP/1.1",
            }
        )
        + "\n"
        for number, moment in enumerate(local)
    ).encode()
    form = choose(zone, "nginx-json")(data)
    assert form is not None
    checkpoint = Checkpoint(1, "edge", "x", 0, 0, 0, "", len(data), 0, "", len(data))
    parsed = form.parser.parse(Lines("edge", data, Move(0, checkpoint)))
    assert [moment.replace(fold=0).astimezone(UTC) for moment in local] == parsed.denials["time"].to_list()
