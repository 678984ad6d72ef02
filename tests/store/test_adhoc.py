"""Ad hoc SQL: reads everything, changes nothing, ends in time. On the real databases, with real attacks."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from log_sentinel.store.adhoc import Answer, Limits, NoReader, Refused, ask
from log_sentinel.store.adhoc_postgres import grants
from log_sentinel.store.appending import append
from log_sentinel.store.engine import Database, open_database
from log_sentinel.store.settings import DatabaseSettings
from tests.store.commits import Log, denial, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.store.postgres_server import PostgresServer

SOON = Limits(seconds=20.0)


def all_of(db: Database, question: str, limits: Limits = SOON) -> tuple[list[str], list[tuple[object, ...]], bool]:
    answer: Answer
    with ask(db, question, limits) as answer:
        rows = list(answer.rows)
    return answer.columns, rows, answer.truncated


@pytest.fixture
def reading_postgres(postgres: PostgresServer, postgres_template: str) -> Iterator[Database]:
    """A Postgres database with the reader's role made as the refusal says."""
    with made_readable(postgres, postgres_template) as db:
        yield db


@contextmanager
def made_readable(postgres: PostgresServer, postgres_template: str) -> Iterator[Database]:
    name = postgres.new_database(postgres_template)
    role = f"reader_{name}"
    postgres.sql(*grants(name, "postgres", role), database=name)
    settings = DatabaseSettings(
        url=SecretStr(postgres.url(name)), readonly_url=SecretStr(postgres.url(name, user=role))
    )
    db = open_database(settings)
    yield db
    db.close()
    postgres.drop_database(name)
    postgres.sql(f"DROP ROLE {role}")


@pytest.fixture(params=["sqlite", "reading_postgres"])
def readable(request: pytest.FixtureRequest) -> Database:
    db: Database = request.getfixturevalue(request.param)
    append(db, Log(db).commit(parsed([denial(number) for number in range(3)]), to=300))
    return db


def test_a_question_is_answered_with_columns_and_rows(readable: Database) -> None:
    question = "SELECT client, status, count(*) AS n, 1.5 AS half, NULL AS missing FROM denials GROUP BY client, status"
    columns, rows, truncated = all_of(readable, question)
    assert columns == ["client", "status", "n", "half", "missing"]
    assert [(client, status, n, float(str(half)), missing) for client, status, n, half, missing in rows] == [
        ("acme", 403, 3, 1.5, None)
    ]
    assert not truncated


def test_a_question_without_rows_still_has_its_columns(readable: Database) -> None:
    assert all_of(readable, "SELECT id, path FROM denials WHERE status = 1") == (["id", "path"], [], False)


def test_rows_past_the_limit_are_left_out_and_said(readable: Database) -> None:
    columns, rows, truncated = all_of(readable, "SELECT id FROM denials", Limits(rows=2, seconds=20))
    assert (columns, len(rows), truncated) == (["id"], 2, True)
    assert all_of(readable, "SELECT id FROM denials", Limits(rows=3, seconds=20))[2] is False


def test_blobs_endless_numbers_and_broken_text_come_back_as_they_are(sqlite: Database) -> None:
    question = "SELECT x'00ff', 9e999, -9e999, 0.1, 9223372036854775807, CAST(x'41ff' AS TEXT), 'a' || char(0) || 'b'"
    assert all_of(sqlite, question)[1] == [
        (b"\x00\xff", float("inf"), float("-inf"), 0.1, 2**63 - 1, "A\ufffd", "a\x00b")
    ]


def test_the_views_for_people_answer_the_questions_in_the_documentation(readable: Database) -> None:
    hours = all_of(readable, "SELECT client, route, status, denials FROM denials_hourly ORDER BY hour DESC")
    assert hours[1] == [("acme", "/orders/{id}", 403, 3)]
    assert all_of(readable, "SELECT * FROM open_incidents ORDER BY since")[1] == []
    with readable.write() as connection:
        # the views of the last day go by the database's own clock
        now = "strftime('%Y-%m-%d %H:%M:00.000', 'now')" if readable.is_sqlite else "date_trunc('minute', now())"
        for table in ("traffic", "denied_minutes"):
            connection.execute(text(f"UPDATE {table} SET minute = {now}"))
    assert all_of(readable, "SELECT client, ip, denials, routes FROM top_clients_24h LIMIT 10")[1] == [
        ("acme", "198.51.100.7", 3, 1)
    ]
    ratio = all_of(readable, "SELECT route, requests, denied, ratio FROM denial_ratio_by_route ORDER BY ratio DESC")[1]
    assert [(route, requests, denied, float(str(share))) for route, requests, denied, share in ratio] == [
        ("/orders/{id}", 6, 3, 0.5)
    ]


def statements(name: str) -> list[str]:
    lines = (Path(__file__).parent / "attacks" / name).read_text().splitlines()
    return [line for line in lines if not line.startswith("--")]


ATTACKS_ON_SQLITE = [
    *statements("sqlite.sql"),
    "SELECT 1;\n-- nothing\nDROP TABLE denials",
    "SELECT " + "(" * 500 + "1" + ")" * 500,
    "SELECT 1" + " UNION SELECT 1" * 200,
    "SELECT '" + "x" * 200_000 + "'",
    "SELECT 'a\x00b'",
    "",
]


@pytest.fixture(scope="module")
def attacked_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all attacks, with the -shm file that a reader makes."""
    path = tmp_path_factory.mktemp("attacked") / "sentinel.db"
    shutil.copy(sqlite_template, path)
    db = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{path}")))
    append(db, Log(db).commit(parsed([denial(number) for number in range(20)]), to=2000))
    all_of(db, "SELECT 1")
    yield db
    db.close()


@pytest.fixture(scope="module")
def attacked_postgres(postgres: PostgresServer, postgres_template: str) -> Iterator[Database]:
    with made_readable(postgres, postgres_template) as db:
        append(db, Log(db).commit(parsed([denial(number) for number in range(20)]), to=2000))
        yield db


def fingerprint(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("attack", ATTACKS_ON_SQLITE, ids=lambda attack: attack[:60].replace("\x00", "NUL"))
def test_an_attack_on_sqlite_is_refused_and_changes_no_byte(
    attack: str, attacked_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attacked_sqlite.path is not None
    folder = attacked_sqlite.path.parent
    monkeypatch.chdir(folder)
    before = fingerprint(folder)
    with pytest.raises(Refused) as raised:
        all_of(attacked_sqlite, attack, Limits(seconds=0.5, memory_bytes=256 * 1024 * 1024))
    assert raised.value.reason
    # the -shm file is shared memory of locks: a reader marks itself there
    before.pop("sentinel.db-shm")
    after = fingerprint(folder)
    after.pop("sentinel.db-shm")
    assert before == after


@pytest.mark.parametrize("attack", [*statements("postgres.sql"), ""], ids=lambda attack: attack[:60])
def test_an_attack_on_postgres_is_refused_and_changes_no_row(attack: str, attacked_postgres: Database) -> None:
    state = text(
        "SELECT (SELECT count(*) FROM denials), (SELECT last_value FROM denials_id_seq),"
        " (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_largeobject_metadata),"
        " (SELECT count(*) FROM leases)"
    )
    with attacked_postgres.read() as connection:
        before = connection.execute(state).one()
    with pytest.raises(Refused) as raised:
        all_of(attacked_postgres, attack, Limits(seconds=0.5))
    assert raised.value.reason
    with attacked_postgres.read() as connection:
        assert before == connection.execute(state).one()


def test_without_a_reader_postgres_is_not_asked_and_the_grants_are_given(
    postgres: PostgresServer, postgres_template: str
) -> None:
    name = postgres.new_database(postgres_template)
    db = open_database(DatabaseSettings(url=SecretStr(postgres.url(name))))
    with pytest.raises(NoReader) as raised:
        all_of(db, "SELECT 1")
    assert raised.value.reason.startswith("database.readonly_url is not set")
    assert any(statement.startswith("GRANT SELECT ON ") for statement in raised.value.statements)
    db.close()
    postgres.drop_database(name)


def test_a_reader_that_could_write_is_refused(postgres: PostgresServer, postgres_template: str) -> None:
    name = postgres.new_database(postgres_template)
    url = SecretStr(postgres.url(name))
    db = open_database(DatabaseSettings(url=url, readonly_url=url))
    with pytest.raises(NoReader, match="is a superuser") as raised:
        all_of(db, "SELECT 1")
    assert "may write tables" in raised.value.reason
    db.close()
    postgres.drop_database(name)


def test_a_question_that_is_left_early_ends_its_process_at_once(sqlite: Database) -> None:
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"
    with ask(sqlite, endless, Limits(rows=10**9, seconds=30)) as answer:
        assert next(answer.rows) == (1,)
