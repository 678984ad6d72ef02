"""The process that asks SQLite somebody's question. Imports the standard library only, to start fast and hold little.

In (stdin): {"path", "sql", "rows", "seconds"}. Out, a line each: {"columns": [...]}, {"row": [...]} ..., and last
{"truncated": bool} or {"refused": why}. Not a command for people.

`mode=ro` and `query_only` do not make SQL safe: VACUUM INTO and ATTACH wrote files all the same. What does is an
authorizer that allows four actions and nothing else (https://www.sqlite.org/c3ref/set_authorizer.html); the rest here
bounds time, memory and output (https://www.sqlite.org/security.html).
"""

from __future__ import annotations

import base64
import json
import math
import resource
import sqlite3
import sys
import time
from typing import Any
from urllib.parse import quote

ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
# Functions that reach out of the database where a build has them
FORBIDDEN = {
    "edit",
    "fts3_tokenizer",
    "load_extension",
    "readfile",
    "sqlite_dbpage",
    "sqlite_log",
    "writefile",
}
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 8 * 1024 * 1024,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 50_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
STEPS_BETWEEN_LOOKS = 20_000
OUTPUT_BYTES = 64 * 1024 * 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = json.loads(sys.stdin.buffer.read())
    cpu = math.ceil(order["seconds"]) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    try:
        answer(order)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        say({"refused": in_words(error, order["seconds"])})
    except MemoryError:
        say({"refused": "the question needed too much memory. Ask for less."})


def answer(order: dict[str, Any]) -> None:
    connection = opened(order["path"], order["seconds"])
    cursor = connection.execute(order["sql"])
    if cursor.description is None:
        say({"refused": "the statement gives no rows; only a SELECT is answered."})
        return
    say({"columns": [column[0] for column in cursor.description]})
    written = 0
    for number, row in enumerate(cursor):
        if number == order["rows"] or written > OUTPUT_BYTES:
            say({"truncated": True})
            return
        written += say({"row": [value_of(value) for value in row]})
    say({"truncated": False})


def opened(path: str, seconds: float) -> sqlite3.Connection:
    """A connection that can read the tables of this file and do nothing else."""
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, timeout=2)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    for setting in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY", "mmap_size=0"):
        connection.execute(f"PRAGMA {setting}")
    # reads the schema and makes the -shm file now, if it must be made; from here on no file may grow
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for limit, value in LIMITS.items():
        connection.setlimit(limit, value)
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    connection.set_authorizer(authorized)
    return connection


def authorized(action: int, _first: str | None, second: str | None, _database: str | None, _by: str | None) -> int:
    if action not in ALLOWED or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FORBIDDEN):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def in_words(error: Exception, seconds: float) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error):
        return f"not allowed: {error}. Only reading is: SELECT from the tables and views of this database."
    if code == sqlite3.SQLITE_INTERRUPT:
        return f"the question took longer than {seconds:g} s. Ask for less: a shorter time, fewer columns, a LIMIT."
    return f"{str(error).rstrip('.')}."


def value_of(value: Any) -> Any:
    """What JSON can hold; bytes and endless numbers as objects (a column never holds one)."""
    if isinstance(value, bytes):
        return {"blob": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def say(line: dict[str, Any]) -> int:
    text = json.dumps(line, ensure_ascii=True)
    sys.stdout.write(text + "\n")
    return len(text)


if __name__ == "__main__":
    main()
