"""What became of the requests of some keys: a few are looked up otherwise than many, with the same answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from log_sentinel.store import tables
from log_sentinel.store.activity import FEW, Outcomes, outcomes
from tests.store.commits import TEN

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

HOUR = timedelta(hours=1)
SERVED, MISSED, FORBIDDEN = 2, 4, 403
NOBODY = [f"nobody-{number}" for number in range(FEW)]


def test_few_keys_and_many_are_known_alike(database: Database) -> None:
    met = [
        ("acme", -50, SERVED, 7),
        ("acme", -3, SERVED, 5),
        ("acme", -3, FORBIDDEN, 2),
        ("acme", 0, SERVED, 3),
        ("acme", 1, SERVED, 90),
        ("globex", -1, MISSED, 4),
        ("initech", 0, FORBIDDEN, 9),
    ]
    rows = [
        {"hour": TEN + hour * HOUR, "dimension": "client", "key": key, "status_class": status_class, "n": n}
        for key, hour, status_class, n in met
    ]
    with database.write() as connection:
        connection.execute(insert(tables.activity), [*rows, rows[0] | {"dimension": "ip"}])
    asked = ["acme", "globex", "initech"]
    known = {
        "acme": Outcomes(TEN - 50 * HOUR, hours=2, requests=14, succeeded=12, lately=3),
        "globex": Outcomes(TEN - HOUR, hours=1, requests=4, succeeded=0),
        "initech": Outcomes(None, hours=0, requests=0, succeeded=0),
    }

    assert known == outcomes(database, "client", asked, TEN)
    assert known == outcomes(database, "client", asked + NOBODY, TEN)


def test_of_what_is_newer_than_asked_for_nothing_is_known(database: Database) -> None:
    assert {} == outcomes(database, "client", ["acme"], TEN)
    with database.write() as connection:
        row = {"hour": TEN, "dimension": "client", "key": "acme", "status_class": SERVED, "n": 1}
        connection.execute(insert(tables.activity), [row])

    assert {} == outcomes(database, "client", ["acme"], TEN - HOUR)
