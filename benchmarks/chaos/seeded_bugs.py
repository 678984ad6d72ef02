"""`python -m benchmarks.chaos.seeded_bugs [PART OF A NAME]...`: can the tests fail?

Each bug of seeded_bugs.toml is built into a copy of the tree, and the tests that must catch it are run there; before
that they must pass without it. What holds for both databases is tried on SQLite alone. Exit code 0: every bug was
caught. 1: one survived, or could not be built in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUGS = Path(__file__).with_name("seeded_bugs.toml")
TAKES_AT_MOST_SECONDS = 600


@dataclass(frozen=True)
class Edit:
    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    name: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    def build_into(self, tree: Path) -> dict[Path, str]:
        """What the modules were before. Raises Stale, with nothing changed, when an edit does not fit any more."""
        before: dict[Path, str] = {}
        changed: dict[Path, str] = {}
        for edit in self.edits:
            path = tree / edit.module
            text = changed.get(path) or (path.read_text() if path.exists() else "")
            if text.count(edit.old) != 1:
                raise Stale(f"{edit.module} has the old text of an edit {text.count(edit.old)} times")
            before.setdefault(path, text)
            changed[path] = text.replace(edit.old, edit.new)
        for path, text in changed.items():
            path.write_text(text)
        return before


class Stale(Exception):  # noqa: N818 - says what is so
    """The code has changed under a bug."""


def bugs() -> list[Bug]:
    read = tomllib.loads(BUGS.read_text())["bug"]
    return [Bug(one["name"], tuple(one["tests"]), tuple(Edit(**edit) for edit in one["edit"])) for one in read]


def copy_of_the_tree(folder: Path) -> Path:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def tests_fail(tree: Path, tests: tuple[str, ...]) -> bool:
    """Whether one of `tests` fails in `tree`. One that hangs fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", "not postgres", *tests]
    environ = os.environ | {
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".examples"),
    }
    try:
        ran = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, timeout=TAKES_AT_MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if ran.returncode not in (0, 1, 2):
        raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout.decode()[-2000:]}")
    return ran.returncode != 0


def survival(bug: Bug, tree: Path, sound: dict[tuple[str, ...], bool]) -> str | None:
    """Why `bug` was not caught; None when it was. `sound` remembers which tests pass without any bug."""
    if bug.tests not in sound:
        sound[bug.tests] = not tests_fail(tree, bug.tests)
    if not sound[bug.tests]:
        return "its tests fail without it"
    try:
        before = bug.build_into(tree)
    except Stale as why:
        return str(why)
    try:
        return None if tests_fail(tree, bug.tests) else "SURVIVED"
    finally:
        for path, text in before.items():
            path.write_text(text)


def main() -> int:
    wanted = [bug for bug in bugs() if not sys.argv[1:] or any(part in bug.name for part in sys.argv[1:])]
    folder = Path(tempfile.mkdtemp(prefix="log-sentinel-bugs-"))
    tree = copy_of_the_tree(folder)
    sound: dict[tuple[str, ...], bool] = {}
    others = []
    for bug in wanted:
        began = time.monotonic()
        problem = survival(bug, tree, sound)
        if problem is not None:
            others.append(f"{bug.name}: {problem}")
        print(f"{problem or 'caught':10} {bug.name} ({time.monotonic() - began:.0f} s)", flush=True)
    shutil.rmtree(folder)
    print(f"{len(wanted) - len(others)} of {len(wanted)} caught", *others, sep="\n")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
