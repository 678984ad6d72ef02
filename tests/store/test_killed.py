"""kill -9 of a process that commits: whatever the moment, rows, counts and checkpoint agree."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.store.commits import Log
from tests.store.in_step import lines_in_step

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

KILLS = 6
WRITING = """
import sys
from pydantic import SecretStr
from log_sentinel.store.appending import append
from log_sentinel.store.engine import open_database
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.settings import DatabaseSettings
from tests.store.commits import LINE_BYTES, Log, denial, parsed

db = open_database(DatabaseSettings(url=SecretStr(sys.argv[1])))
db.take_checkpointing()
log = Log.__new__(Log)
log.instance, log.at = "edge-1", StoredCheckpoints(db, "edge-1").known("edge")[0]
while True:
    first = log.at.offset // LINE_BYTES
    rows = [denial(number, path="/" + "x" * 500) for number in range(first, first + 300)]
    commit = log.commit(parsed(rows), to=(first + 300) * LINE_BYTES)
    print("about to commit", flush=True)
    append(db, commit)
"""


def test_a_killed_writer_leaves_rows_counts_and_checkpoint_in_step(database: Database, database_url: str) -> None:
    Log(database)
    chance = random.Random(20261124)
    reached = [0]
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITING, database_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 5)):
            assert writer.stdout.readline() == "about to commit\n"
        # a moment of our own length into the commit, without sleeping
        sum(number * number for number in range(chance.randrange(300_000)))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert writer.returncode == -signal.SIGKILL
        reached.append(lines_in_step(database))
    assert reached == sorted(reached)
    assert reached[-1] > reached[0], "no commit ever went through: the test proved nothing"
