"""Does what the README tells a new user to do, from a clean clone and with real downloads: make run, then make test.

    python -m tests.packaging.clean_clone

Ends with 0 when the demo showed an alert of each kind and an incident that was over, and the suite passed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300
ALERT = "(CRITICAL|WARNING|INFO) "
WANTED = (rf"{ALERT}.*\bclient\b", rf"{ALERT}.*\baddress\b", rf"{ALERT}.*\broute\b", "RESOLVED ")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="log-sentinel-clone-") as parent:
        clone = Path(parent) / "log-sentinel"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        missing = run_demo(clone)
        if missing:
            sys.stderr.write(f"make run did not show: {', '.join(missing)}\n")
            return 1
        return subprocess.run(["make", "test"], cwd=clone, check=False).returncode


def run_demo(clone: Path) -> list[str]:
    """`make run` until everything was seen; what was not."""
    began = time.monotonic()
    missing = list(WANTED)
    demo = subprocess.Popen(
        ["make", "run"], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(demo.pid, signal.SIGTERM))
    signal.alarm(PATIENCE_SECONDS)
    assert demo.stdout is not None
    for line in demo.stdout:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {line}")
        sys.stdout.flush()
        missing = [pattern for pattern in missing if not re.match(pattern, line)]
        if not missing:
            os.killpg(demo.pid, signal.SIGINT)
            break
    demo.communicate(timeout=60)
    signal.alarm(0)
    return missing


if __name__ == "__main__":
    raise SystemExit(main())
