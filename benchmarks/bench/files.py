"""The logs that are measured on: made once per kind, kept in the build folder, made anew when the generator changed."""

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

# Who names a client: few on a public nginx, most on a Kong with keys.
KNOWN = {"combined": 0.1, "kong": 0.8, "nginx-json": 0.1}
GENERATOR = Path(__file__).parents[1] / "traffic"


@dataclass(frozen=True, slots=True)
class BenchFile:
    """A log and what the generator knows to be in it. `kind`: a key of `traffic.writing.LINE`. `size`: bytes."""

    path: Path
    kind: str
    lines: int
    size: int
    denied: int


def bench_file(folder: Path, kind: str, lines: int, denied: float, seed: int = 1) -> BenchFile:
    """The log of these parameters; `denied` is a share, as `everyday` takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{lines}-{denied}-{seed}.log"
    beside = path.with_suffix(".json")
    generator = _generator()
    if path.exists() and beside.exists():
        made = json.loads(beside.read_text())
        if made.pop("generator") == generator:
            return BenchFile(path=path, **made)
    made = BenchFile(path, kind, **_make(path, kind, lines, denied, seed))
    facts = asdict(made) | {"generator": generator}
    del facts["path"]
    beside.write_text(json.dumps(facts))
    return made


def _make(path: Path, kind: str, lines: int, denied: float, seed: int) -> dict[str, int]:
    """Writes the log in a process of its own: a peak of memory here would be counted to every program run later."""
    wanted = {"lines": lines, "denied": denied, "seed": seed, "known": KNOWN[kind]}
    options = [text for name, value in wanted.items() for text in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth.json"
        command = [sys.executable, "-m", "benchmarks.traffic", kind, str(path), *options, "--truth", str(truth)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        counted = json.loads(truth.read_text())
    return {"lines": counted["lines"], "size": counted["bytes"], "denied": counted["denied"]}


def _generator() -> str:
    """A fingerprint of the generator's own text."""
    text = b"".join(module.read_bytes() for module in sorted(GENERATOR.glob("*.py")))
    return blake2b(text, digest_size=8).hexdigest()
