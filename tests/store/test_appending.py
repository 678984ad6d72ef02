"""Commits: rows, counts and checkpoint together, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sqlalchemy import func, select, text

from log_sentinel.model.commit import Commit
from log_sentinel.store import tables
from log_sentinel.store.appending import REFUSED, Appended, Superseded, append
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.readers import denied_minutes, sample_denials, traffic_minutes
from tests.store.commits import TEN, Log, denial, judged, parsed

if TYPE_CHECKING:
    from sqlalchemy import Table

    from log_sentinel.store.engine import Database

DAY = timedelta(days=1)


def counted(db: Database, table: Table) -> int:
    with db.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def summed(db: Database, table: Table) -> int:
    with db.read() as connection:
        return int(connection.scalar(select(func.coalesce(func.sum(table.c.n), 0))) or 0)


def everything(db: Database) -> dict[str, int]:
    return {name: counted(db, table) for name, table in tables.metadata.tables.items()}


def test_a_commit_stores_rows_counts_and_the_checkpoint(database: Database) -> None:
    log = Log(database)
    commit = log.commit(parsed([denial(number) for number in range(130)]), to=13_000)
    assert append(database, commit) == Appended(denials=130, duplicates=0)
    assert counted(database, tables.denials) == 130
    assert denied_minutes(database, TEN, TEN + DAY)["n"].to_list() == [60, 60, 10]
    assert summed(database, tables.traffic) == 260
    assert traffic_minutes(database, TEN, TEN + DAY).filter(pl.col("status") == 403)["n"].to_list() == [60, 60, 10]
    assert summed(database, tables.activity) == 130
    assert [log.at] == StoredCheckpoints(database, "edge-1").known("edge")


def test_what_goes_in_comes_out_the_same(database: Database) -> None:
    rows = [
        denial(0, duration_ms=0.1, upstream_attempts='["10.0.0.1:80"]', upstream_status=503),
        denial(1, client=None, ip=None, route=None, query='a="b",c=\\N\r\n', user_agent="", referer="\\."),
        denial(2, time=TEN + timedelta(milliseconds=7), path="/ünïcode/\u2028/\U0001f600", host="\\"),
    ]
    log = Log(database)
    append(database, log.commit(parsed(rows), to=300))
    found = sample_denials(database, TEN, TEN + DAY, {}).sort("origin_offset")
    json_columns = ("upstream_attempts", "cause_alternatives", "evidence")
    plain = [name for name in found.columns if name not in ("id", "instance", "source", "generation", *json_columns)]
    assert judged(rows).select(plain).rows() == found.select(plain).rows()
    assert found["upstream_attempts"].to_list() == ['["10.0.0.1:80"]', None, None]
    assert found["source"].to_list() == ["edge"] * 3


def test_a_commit_that_is_repeated_stores_nothing_and_says_where_the_checkpoint_is(database: Database) -> None:
    log = Log(database)
    commit = log.commit(parsed([denial(0)]), to=100)
    append(database, commit)
    before = everything(database)
    with pytest.raises(Superseded) as raised:
        append(database, commit)
    assert (raised.value.generation, raised.value.expected, raised.value.found) == (log.at.generation, 0, 100)
    assert before == everything(database)


def test_a_batch_of_a_forgotten_generation_is_superseded(database: Database) -> None:
    log = Log(database)
    commit = log.commit(parsed([denial(0)]), to=100)
    with database.write() as connection:
        connection.execute(tables.generations.delete())
    with pytest.raises(Superseded) as raised:
        append(database, commit)
    assert raised.value.found is None


def test_several_batches_of_a_generation_and_of_others_enter_together(database: Database) -> None:
    first, second = Log(database), Log(database, "kong", inode=2)
    commits = [
        first.commit(parsed([denial(0)]), to=100),
        first.commit(parsed([denial(1)]), to=200),
        second.commit(parsed([denial(0, client="globex")]), to=100),
    ]
    together = Commit("edge-1", tuple(batch for commit in commits for batch in commit.batches))
    assert append(database, together) == Appended(denials=3, duplicates=0)
    known = StoredCheckpoints(database, "edge-1")
    assert [first.at, second.at] == known.known("edge") + known.known("kong")


def test_one_superseded_batch_undoes_the_whole_commit(database: Database) -> None:
    first, second = Log(database), Log(database, "kong", inode=2)
    good, late = first.commit(parsed([denial(0)]), to=100), second.commit(parsed([denial(0)]), to=100)
    append(database, late)
    before = everything(database)
    with pytest.raises(Superseded):
        append(database, Commit("edge-1", good.batches + late.batches))
    assert before == everything(database)
    assert StoredCheckpoints(database, "edge-1").known("edge")[0].offset == 0


def test_lines_stored_before_are_counted_as_duplicates_and_in_no_table_twice(database: Database) -> None:
    log = Log(database)
    append(database, log.commit(parsed([denial(0), denial(1)]), to=200))
    again = parsed([denial(1), denial(2), denial(2)])
    assert append(database, log.commit(again, to=300)) == Appended(denials=1, duplicates=2)
    assert counted(database, tables.denials) == 3
    assert summed(database, tables.denied_minutes) == 3


def test_counts_of_the_same_minute_add_up_over_commits(database: Database) -> None:
    log = Log(database)
    append(database, log.commit(parsed([denial(0), denial(1, client=None)]), to=200))
    append(database, log.commit(parsed([denial(2), denial(3, client=None)]), to=400))
    found = denied_minutes(database, TEN, TEN + DAY).sort("client", nulls_last=True)
    assert found.select("client", "n").rows() == [("acme", 2), (None, 2)]


def test_rejects_keep_a_sample_and_are_counted_by_reason(database: Database) -> None:
    log = Log(database)
    lines = parsed([], rejects=[(0, "not json", "\\xff{")], counts={"not json": 7, "too long": 1})
    append(database, log.commit(lines, to=100), now=TEN + timedelta(minutes=5))
    with database.read() as connection:
        counts = connection.execute(select(*tables.reject_counts.c["hour", "source", "reason", "n"])).all()
        sample = connection.execute(select(*tables.rejects.c["seen_at", "origin_offset", "reason", "sample"])).one()
    assert sorted(map(tuple, counts)) == [(TEN, "edge", "not json", 7), (TEN, "edge", "too long", 1)]
    assert tuple(sample) == (TEN + timedelta(minutes=5), 0, "not json", "\\xff{")


def test_candidates_and_companions_wait_with_the_moment_they_came(database: Database) -> None:
    log = Log(database)
    said = {"time": TEN, "origin_offset": 0, "kind": "limit_req", "client": "198.51.100.7", "says": "limiting requests"}
    lines = parsed([], candidates=[denial(0, status=503)], companions=[said])
    append(database, log.commit(lines, to=100), now=TEN)
    with database.read() as connection:
        assert connection.execute(select(*tables.candidates.c["status", "stored_at"])).one() == (503, TEN)
        assert connection.execute(select(*tables.companion_evidence.c["kind", "stored_at"])).one() == ("limit_req", TEN)
    assert summed(database, tables.denied_minutes) == 0


# Each of these once stopped a batch for good, or would have.
POISON: dict[str, dict[str, Any]] = {
    "NUL in a path": {"path": "/a\x00b"},
    "NUL in JSON, escaped": {"evidence": '[{"value": "a\\u0000b"}]'},
    "half a surrogate pair in JSON": {"evidence": '[{"value": "\\ud800"}]'},
    "JSON that is none": {"evidence": "[{"},
    "a number that is none": {"duration_ms": float("nan")},
    "an endless duration": {"upstream_ms": float("inf")},
    "a year nobody meant": {"time": TEN.replace(year=9999)},
    "a time before the web": {"time": TEN.replace(year=1901)},
    "a client too long for an index": {"client": "c" * 9000},
    "a route of long letters": {"route": "/" + "ü\U0001f600" * 4000},
    "the largest number": {"response_bytes": 2**63 - 1},
    "no status": {"status": None},
    "no time": {"time": None},
}


@pytest.mark.parametrize("poison", POISON)
def test_a_poison_row_stops_nothing(poison: str, database: Database) -> None:
    log = Log(database)
    rows = [denial(number, **(POISON[poison] if number == 617 else {})) for number in range(1000)]
    done = append(database, log.commit(parsed_without_counts(rows), to=100_000))
    assert (done.denials + done.refused, done.duplicates) == (1000, 0)
    assert done.denials >= 999
    assert counted(database, tables.denials) == done.denials
    assert summed(database, tables.denied_minutes) == done.denials
    assert counted(database, tables.rejects) == done.refused
    assert StoredCheckpoints(database, "edge-1").known("edge")[0].offset == 100_000


def parsed_without_counts(rows: list[dict[str, Any]]) -> Any:
    return replace(parsed([]), denials=judged(rows))


def test_a_row_the_database_refuses_becomes_a_reject_that_shows_it(database: Database) -> None:
    log = Log(database)
    append(database, log.commit(parsed_without_counts([denial(0), denial(1, status=None)]), to=200))
    with database.read() as connection:
        reject = connection.execute(select(tables.rejects)).one()
        counted_ = connection.execute(select(*tables.reject_counts.c["source", "reason", "n"])).one()
    assert (reject.origin_offset, reject.reason, reject.source) == (100, REFUSED, "edge")
    assert '"path":"/orders/1"' in reject.sample
    assert tuple(counted_) == ("edge", REFUSED, 1)


def test_a_wrong_statement_is_not_taken_for_a_bad_row(database: Database) -> None:
    log = Log(database)
    commit = log.commit(parsed([denial(0)]), to=100)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE denials RENAME COLUMN path TO way"))
    with pytest.raises(Exception, match="tables are missing or of another version"):
        append(database, commit)
    assert counted(database, tables.rejects) == 0
