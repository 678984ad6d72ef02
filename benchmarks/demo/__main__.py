"""`python -m benchmarks.demo`: what `make run` shows.

`--dry-run SECONDS` writes the logs of so many seconds alone, at once, and tells what is in them.
"""

import argparse
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType

from benchmarks.demo import watching
from benchmarks.demo.playing import Playing
from benchmarks.demo.world import DAY, World

PACE = 20
HISTORY = 2 * DAY
# Event time starts this many days ago at ten in the morning (UTC): at twenty times the clock's pace it takes more than
# half a day until it has caught up with the clock, with whose pace it then goes on.
DAYS_AGO = 14
MORNING = 10 * 3600
STEP = 0.2


def live_from(now: float) -> int:
    return int(now) // DAY * DAY - DAYS_AGO * DAY + MORNING


def event_time(start: int, elapsed: float, now: float) -> float:
    """Twenty event seconds for each second since the demo went live, never later than `now`."""
    return min(start + PACE * elapsed, now)


def rehearse(folder: Path, seed: int, history: int, seconds: float) -> None:
    """Writes what a demo of so many seconds would write, at once and without the daemon, and says what it is."""
    start = live_from(time.time())
    playing = Playing(folder, World(seed), start)
    began = time.monotonic()
    playing.write_history(history)
    lines = sum(truth.lines for truth in playing.written.values())
    print(f"history: {lines:,} lines in {time.monotonic() - began:.1f} s")
    playing.play_until(start + PACE * seconds)
    playing.close()
    for gateway, truth in playing.written.items():
        print(f"{playing.paths[gateway]}: {truth.lines:,} lines, {truth.size:,} bytes, {truth.denied:,} denied")
    for disturbance in playing.begun:
        from_, to = (_clock(moment) for moment in (disturbance.starts, disturbance.ends))
        print(f"{from_} to {to} UTC: {disturbance.kind} {disturbance.actor} at {disturbance.gateway}")


def demonstrate(folder: Path, seed: int, history: int) -> int:
    """Runs until it is told to stop (exit code 0) or the daemon ends by itself (the daemon's exit code)."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wanted, stop)
    start = live_from(time.time())
    playing = Playing(folder, World(seed), start)
    paths = playing.paths
    settings = watching.write_settings(folder, paths["edge"], paths["kong"], watching.free_port())
    _introduce(folder)
    print("Writing the history ...", flush=True)
    playing.write_history(history)
    daemon = watching.start(settings)
    began = time.monotonic()
    while not stopped.wait(STEP) and daemon.poll() is None:
        playing.play_until(event_time(start, time.monotonic() - began, time.time()))
    playing.close()
    if daemon.returncode is not None:
        print(f"log-sentinel ended by itself with exit code {daemon.returncode}.")
        return daemon.returncode
    watching.stop(daemon)
    return 0


def _introduce(folder: Path) -> None:
    url = watching.database_url(folder)
    query = f"{watching.program()} sql 'select cause, count(*) from denials group by 1' --db {url}"
    print(
        f"A made-up nginx and a made-up Kong write logs at {PACE} times the clock's pace after two days of history; "
        "log-sentinel watches them.\n"
        "Within a minute a client, an address and a route are denied far more than usual, then recover. "
        "Ctrl-C stops everything and removes it.\n"
        f"The database is {folder}/sentinel.db. Try in another terminal: {query}\n",
        flush=True,
    )


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(moment))


def main() -> int:
    arguments = argparse.ArgumentParser(
        prog="python -m benchmarks.demo", description="log-sentinel beside made-up traffic."
    )
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--history", type=int, default=HISTORY, metavar="SECONDS", help="default: two days")
    arguments.add_argument("--folder", type=Path, help="keeps everything here instead of in a temporary folder")
    arguments.add_argument(
        "--dry-run", type=float, metavar="SECONDS", help="writes the logs alone and tells what they hold"
    )
    chosen = arguments.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="log-sentinel-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if chosen.dry_run is None:
            return demonstrate(folder, chosen.seed, chosen.history)
        rehearse(folder, chosen.seed, chosen.history, chosen.dry_run)
        return 0
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    raise SystemExit(main())
