"""One run: writer, daemon and database in a folder of their own, kills and faults by a seed, and the verdict."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import TYPE_CHECKING, Any

from benchmarks.chaos import verdict
from benchmarks.chaos.daemon import READY_WITHIN_SECONDS, TRY_AGAIN, Daemon, Died
from benchmarks.chaos.databases import Away, opened, stored_lines
from benchmarks.chaos.lines import WINDOW_STATUS, began_before
from benchmarks.chaos.writer import Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.chaos.databases import Database
    from benchmarks.chaos.verdict import Verdict

# Which log is rotated by which modes: a log has its folder layout for good.
LAYOUTS = {
    "edge": ("create", "compress", "copytruncate", "copytruncate-busy", "copytruncate-compress", "delete"),
    "globbed": ("create", "compress", "copytruncate", "copytruncate-compress"),
    "moved": ("olddir",),
    "linked": ("symlink",),
}
ALL_MODES = tuple(dict.fromkeys(mode for modes in LAYOUTS.values() for mode in modes))
SOURCE = """[sources.{name}]
path = "{path}"
format = "nginx-combined"
start = "beginning"
hold_rotated = "1s"
poll_every = "200ms"
rotated = ["{path}-old"]
"""
HEAD = """instance = "chaos"
[database]
url = "{url}"
[web]
listen = "127.0.0.1:{port}"
[log]
format = "json"
level = "info"
[detection]
every = "1s"
"""
LOOKS_EVERY_SECONDS = 0.02
STARTING_SHARE, STARTUP_SECONDS = 0.15, 1.5
LONGEST_LIFE_SECONDS = 1.0
LONGEST_FAULT_SECONDS = 2.5
NO_PROGRESS_SECONDS = 120.0
TARGET_WITHIN_SECONDS = 10.0
MODE_ROUNDS = 6


@dataclass(frozen=True)
class Setup:
    """What is played. `faults` is how many of the lives have the database broken in them."""

    seed: int
    database: str
    kills: int
    lines: int
    modes: tuple[str, ...]
    rotations: int
    faults: int


@dataclass
class Played:
    """What really happened: the faults that were felt, and how the daemon took them."""

    kills: int = 0
    killed_at: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    unfelt: Counter[str] = field(default_factory=Counter)
    tried_again: int = 0
    trouble: list[str] = field(default_factory=list)
    ready_seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    unused_modes: list[str] = field(default_factory=list)
    level_seconds: float = 0.0


class Writer:
    """The writing process. One order at a time; `stored` is told with each."""

    def __init__(self, plan: Plan, path: Path) -> None:
        path.write_text(json.dumps(asdict(plan)))
        self.written: Counter[str] = Counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.chaos.writer", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, lines: int, stored: Counter[str], *, seconds: float = 0.0, each_mode: bool = False) -> None:
        """Starts it; `done` waits for its end."""
        wanted = {"lines": lines, "stored": stored, "seconds": seconds, "each_mode": each_mode}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()

    def done(self) -> list[str]:
        """The modes that were not used yet."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the writer ended with {self._process.wait()}")
        answer = json.loads(line)
        self.written = Counter(answer["written"])
        unused: list[str] = answer["unused"]
        return unused

    def close(self) -> None:
        with suppress(OSError):
            self._process.communicate(timeout=10)
        self._process.kill()


class Playing:
    def __init__(self, setup: Setup, folder: Path) -> None:
        self.setup = setup
        self.played = Played()
        self._folder = folder
        self._chance = random.Random(setup.seed)
        self._began = began_before(datetime.now(UTC), setup.lines)
        self._stored: Counter[str] = Counter()
        self._daemons: list[Daemon] = []
        self._logs = {
            name: [mode for mode in modes if mode in setup.modes]
            for name, modes in LAYOUTS.items()
            if set(modes) & set(setup.modes)
        }
        (folder / "logs").mkdir()
        self._database: Database = opened(setup.database, folder)
        self._faults = cycle(self._chance.sample(sorted(self._database.faults), len(self._database.faults)))
        self._settings = self._write_settings()

    def play(self) -> Verdict:
        """Raises what the harness itself failed at."""
        rotate_every = max(1, self.setup.lines // max(1, self.setup.rotations))
        plan = Plan(str(self._folder), self._began.isoformat(), self.setup.seed, rotate_every, self._logs)
        writer = Writer(plan, self._folder / "plan.json")
        try:
            self._first_look(writer)
            self._lives(writer)
            self._settle(writer)
            return verdict.judge(self._database, verdict.read_journal(self._folder / "journal"), self._began)
        finally:
            for daemon in self._daemons:
                daemon.kill()
            writer.close()
            self._database.close()

    def _write_settings(self) -> Path:
        path = self._folder / "log-sentinel.toml"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        logs = self._folder / "logs"
        sources = "".join(
            SOURCE.format(name=name, path=logs / f"{name}.log").replace('globbed.log"\nformat', 'globbed.log*"\nformat')
            for name in self._logs
        )
        path.write_text(HEAD.format(url=self._database.url, port=port) + sources)
        return path

    # the parts of a run

    def _first_look(self, writer: Writer) -> None:
        """What was rotated before anybody looked for the first time is not read: so there is a look before it."""
        writer.order(200, Counter())
        writer.done()
        daemon = self._started()
        self._until_level(daemon, writer)
        self._end(daemon, "at rest")

    def _lives(self, writer: Writer) -> None:
        kills = self.setup.kills
        broken = set(self._chance.sample(range(kills), min(kills, self.setup.faults)))
        left = self.setup.lines
        for life in range(kills):
            lines = left // (kills - life + 1)
            left -= lines
            writer.order(lines, self._stored, seconds=self._chance.choice((0.0, 0.0, self._chance.uniform(0, 2))))
            fault = self._fault() if life in broken else None
            self._life()
            if fault is not None:
                fault.join()
            writer.done()
        writer.order(left, self._stored)
        writer.done()

    def _life(self) -> None:
        daemon = self._start()
        when = "starting"
        try:
            if self._chance.random() < STARTING_SHARE:
                time.sleep(self._chance.uniform(0, STARTUP_SECONDS))
            else:
                self.played.ready_seconds.append(daemon.wait_until_ready())
                when = self._chance.choice(("at any time", "while storing"))
                self._wait(daemon, when)
            daemon.check_alive()
        except Died as why:
            # a start may be refused while the database is broken; a daemon that watches waits for it to come back
            if why.code != TRY_AGAIN or when != "starting":
                self.played.trouble.append(f"{why}, {when}")
            self.played.tried_again += 1
            self._life()
            return
        self._end(daemon, when)

    def _wait(self, daemon: Daemon, when: str) -> None:
        """Passes a random time, or until a random number of lines more is stored. Raises Died."""
        if when == "at any time":
            time.sleep(self._chance.uniform(0, LONGEST_LIFE_SECONDS))
            return
        target = self._stored.total() + self._chance.randrange(1, 2 + self.setup.lines // (self.setup.kills + 1))
        end = time.monotonic() + TARGET_WITHIN_SECONDS
        while time.monotonic() < end and self._look().total() < target:
            daemon.check_alive()
            time.sleep(LOOKS_EVERY_SECONDS)

    def _end(self, daemon: Daemon, when: str) -> None:
        self.played.peak_bytes = max(self.played.peak_bytes, daemon.peak_memory())
        if daemon.kill():
            self.played.kills += 1
            self.played.killed_at[when] += 1
        self._look()

    def _fault(self) -> threading.Thread:
        name = next(self._faults)
        seconds, after = self._chance.uniform(0.5, LONGEST_FAULT_SECONDS), self._chance.uniform(0, 2)
        break_it: Callable[[float], bool] = self._database.faults[name]

        def fault() -> None:
            time.sleep(after)
            (self.played.faults if break_it(seconds) else self.played.unfelt)[name] += 1

        thread = threading.Thread(target=fault, name="fault")
        thread.start()
        return thread

    def _settle(self, writer: Writer) -> None:
        """No more faults: everything comes in, each mode was used, and another start adds nothing but new lines."""
        daemon = self._started()
        began = time.monotonic()
        self._until_level(daemon, writer)
        self.played.level_seconds = time.monotonic() - began
        for _ in range(MODE_ROUNDS):
            writer.order(20 * len(self._logs), self._stored)
            writer.done()
            if not self._until_level(daemon, writer):
                break
            writer.order(0, self._stored, each_mode=True)
            self.played.unused_modes = writer.done()
            if not self._until_level(daemon, writer) or not self.played.unused_modes:
                break
        self._stop(daemon)
        daemon = self._started()
        writer.order(100 * len(self._logs), self._stored)
        writer.done()
        self._until_level(daemon, writer)
        self._stop(daemon)

    def _start(self) -> Daemon:
        self._daemons = [one for one in self._daemons if one.is_running]
        self._daemons.append(Daemon(self._settings, self._folder / "daemon.log"))
        return self._daemons[-1]

    def _started(self) -> Daemon:
        """Running, and watching. Raises Died when it would not."""
        end = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            daemon = self._start()
            try:
                self.played.ready_seconds.append(daemon.wait_until_ready())
            except Died as why:
                if why.code != TRY_AGAIN or time.monotonic() > end:
                    raise
                self.played.tried_again += 1
            else:
                return daemon

    def _stop(self, daemon: Daemon) -> None:
        self.played.peak_bytes = max(self.played.peak_bytes, daemon.peak_memory())
        if (code := daemon.stop()) != 0:
            self.played.trouble.append(f"the daemon ended with {code} when it was asked to stop")

    def _until_level(self, daemon: Daemon, writer: Writer) -> bool:
        """Whether all that was written is stored, of each log; gives up when nothing has come for long."""
        moved = time.monotonic()
        while writer.written - (stored := self._look()):
            try:
                daemon.check_alive()
            except Died as why:
                self.played.trouble.append(str(why))
                return False
            time.sleep(LOOKS_EVERY_SECONDS)
            if self._look() != stored:
                moved = time.monotonic()
            if time.monotonic() - moved > NO_PROGRESS_SECONDS:
                self.played.trouble.append(f"nothing new was stored for {NO_PROGRESS_SECONDS:.0f} s")
                return False
        return True

    def _look(self) -> Counter[str]:
        """What is stored by log, as far as the database tells now."""
        with suppress(Away):
            self._stored = stored_lines(self._database, WINDOW_STATUS)
        return self._stored


def report(setup: Setup, played: Played, judged: Verdict, written: verdict.Written) -> dict[str, Any]:
    """The whole run as JSON-able figures."""
    ready = sorted(played.ready_seconds)
    return {
        "seed": setup.seed,
        "database": setup.database,
        "lines": written.lines.total(),
        "stored rows": judged.rows,
        "stored requests": judged.requests,
        "kills": played.kills,
        "killed while": dict(played.killed_at),
        "rotations": dict(written.rotated),
        "database faults": dict(played.faults),
        "database faults nobody felt": dict(played.unfelt),
        "starts refused, tried again": played.tried_again,
        "ready after, median and longest (s)": [round(ready[len(ready) // 2], 2), round(ready[-1], 2)],
        "peak memory (MiB)": played.peak_bytes >> 20,
        "level after the last kill (s)": round(played.level_seconds, 1),
        "window lines written and lost": [written.windowed.total(), judged.window_lost],
        "gaps of no bytes": judged.empty_gaps,
        "wrong": dict(judged.wrong),
        "examples": judged.examples,
        "trouble": played.trouble,
    }


def not_witnessed(setup: Setup, played: Played, written: verdict.Written) -> list[str]:
    """The faults that were to be made and were not: a run without them proves nothing."""
    missing = [f"rotation {mode}" for mode in setup.modes if not written.rotated[mode]]
    if played.kills < setup.kills:
        missing.append(f"kills: {played.kills} of {setup.kills}")
    if setup.faults and not played.faults.total():
        missing.append("a fault of the database that was felt")
    return missing
