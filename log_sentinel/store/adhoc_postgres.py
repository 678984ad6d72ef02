"""Asks Postgres as the role of `database.readonly_url`, which must not be able to write.

A read-only transaction alone does not make SQL safe (a statement could commit it, a function could write); missing
grants do. So the role is looked at first and refused if it could write. One statement, by the extended protocol, which
takes no second one; a cancel from here when the time is over, since the role can set its own statement_timeout.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from log_sentinel.store.adhoc import Answer, Limits, NoReader, Refused
from log_sentinel.store.faults import in_words, redacted
from log_sentinel.store.postgres_engine import ARGUMENTS
from log_sentinel.store.tables import VIEWS, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from sqlalchemy.engine import URL

    from log_sentinel.store.engine import Database

# What the role could do that it must not; each a yes or no of the server
POWERS = """
    SELECT rolsuper, rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication,
           has_database_privilege(current_database(), 'TEMPORARY'),
           has_schema_privilege('public', 'CREATE'),
           EXISTS (
               SELECT FROM pg_class AS c
               WHERE c.relkind IN ('r', 'p', 'v') AND c.relnamespace = 'public'::regnamespace
                 AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
           ),
           EXISTS (
               SELECT FROM pg_proc AS f
               WHERE f.proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_import', 'lo_put', 'lowrite')
                 AND has_function_privilege(f.oid, 'EXECUTE')
           )
    FROM pg_roles WHERE rolname = current_user
"""
NAMES = (
    "is a superuser",
    "may create roles or databases, replicate, or pass row security by",
    "may create temporary tables",
    "may create tables",
    "may write tables",
    "may create large objects",
)


LARGE_OBJECTS = (
    "lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_import(text), lo_import(text, oid), "
    "lo_put(oid, bigint, bytea), lowrite(integer, bytea)"
)


def grants(database: str, owner: str, role: str = "log_sentinel_reader") -> tuple[str, ...]:
    """What a superuser runs in `database` to make a role fit for ad hoc SQL; `owner` is the daemon's own role."""
    tables = ", ".join([*metadata.tables, *VIEWS])
    return (
        f"CREATE ROLE {role} LOGIN PASSWORD '...' CONNECTION LIMIT 5",
        f"ALTER ROLE {role} SET default_transaction_read_only = on",
        f"ALTER ROLE {role} SET temp_file_limit = '1GB'",
        f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC',
        f'GRANT TEMPORARY ON DATABASE "{database}" TO "{owner}"',
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE EXECUTE ON FUNCTION {LARGE_OBJECTS} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT ON {tables} TO {role}",
    )


@contextmanager
def asked(db: Database, question: str, limits: Limits) -> Iterator[Answer]:
    """The answer of the server, until the `with` is left. Raises Refused, NoReader, StoreError."""
    import psycopg

    statements = grants(db.url.database or "log_sentinel", db.url.username or "log_sentinel")
    if db.readonly_url is None:
        raise NoReader(
            "database.readonly_url is not set; on Postgres questions are asked as a role that cannot write. "
            "Make one with the statements below, then set it.",
            statements,
        )
    try:
        connection = _connected(db.readonly_url)
    except psycopg.Error as error:
        raise in_words(error, redacted(db.readonly_url)) or error from error
    stop = threading.Timer(limits.seconds, connection.cancel)
    stop.daemon = True
    stop.start()
    try:
        _refuse_power(connection, statements)
        connection.execute("BEGIN READ ONLY")
        connection.execute("SET LOCAL lock_timeout = '2s'")
        answer = Answer(_columns(connection, question), iter(()))
        with connection.cursor() as cursor:
            # `stream` sends by the extended protocol and holds one row at a time
            answer.rows = _limited(cursor.stream(question), limits, answer)
            yield answer
    except psycopg.Error as error:
        raise _refusal(error, limits) from error
    finally:
        stop.cancel()
        connection.close()


def _connected(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    import psycopg

    as_libpq_reads_it = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(as_libpq_reads_it, **ARGUMENTS, autocommit=True)


def _columns(connection: psycopg.Connection[tuple[Any, ...]], question: str) -> list[str]:
    """The names of the answer's columns; the server reads the question but does not run it yet."""
    from psycopg import pq
    from psycopg.errors import error_from_result

    server = connection.pgconn
    read = server.prepare(b"", question.encode())
    result = server.describe_prepared(b"") if read.status == pq.ExecStatus.COMMAND_OK else read
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise error_from_result(result)
    if not result.nfields:
        raise Refused("the statement gives no rows; only a SELECT is answered.")
    return [(result.fname(number) or b"").decode() for number in range(result.nfields)]


def _limited(rows: Iterator[tuple[Any, ...]], limits: Limits, answer: Answer) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows):
        if number == limits.rows:
            answer.truncated = True
            return
        yield row


def _refuse_power(connection: psycopg.Connection[tuple[Any, ...]], statements: tuple[str, ...]) -> None:
    powers = connection.execute(POWERS).fetchone() or ()
    found = [name for name, has in zip(NAMES, powers, strict=True) if has]
    if found:
        raise NoReader(
            f"the role of database.readonly_url {', '.join(found)}; it must not. "
            "Make one that cannot with the statements below.",
            statements,
        )


def _refusal(error: psycopg.Error, limits: Limits) -> Refused:
    if error.sqlstate == "57014":
        return Refused(
            f"the question took longer than {limits.seconds:g} s. Ask for less: a shorter time, fewer columns, a LIMIT."
        )
    if error.sqlstate == "42501":
        return Refused(f"not allowed: {error.diag.message_primary}. Only reading is, of the tables and views granted.")
    return Refused(f"{error.diag.message_primary or 'the connection broke'}.")
