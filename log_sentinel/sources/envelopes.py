"""Takes off what a container's runtime puts around each line of its output, and joins what it cut.

docker: the json-file driver, `{"log":"line\\n","stream":"stdout","time":"..."}`. It cuts a line after 16 KiB; all but
the last piece lack the newline in `log`.
cri: containerd, CRI-O, Podman, so Kubernetes, `2026-11-24T10:00:00.1Z stdout F line`. Pieces are tagged P, the last F.
https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md

Pieces of the two outputs may lie between one another. A batch therefore ends where no line is open, so that what is
read again after a restart begins with a first piece. A line whose last piece does not come is let go of as it is: when
entries are OPEN_SECONDS younger, when MOST_HELD bytes lie behind it, or at the end of the file.
What does not look like an entry is passed on as it is, and it is for the parser to say that it is no line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, chain, compress
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from log_sentinel.sources.settings import FileSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_sentinel.sources.following import Skipped
    from log_sentinel.sources.settings import SourceSettings

Kind = Literal["auto", "docker", "cri", "none"]

MOST_HELD = 4 << 20
OPEN_SECONDS = 10.0
# Lines that tell whether there are envelopes: the first of a batch may be torn.
LOOKED_AT = 3
CRI = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) (stdout|stderr) ([FP])\S* ?", re.ASCII)
WHOLE_CRI = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* (stdout|stderr) F (.*\n)", re.ASCII | re.MULTILINE)


class Entry(NamedTuple):
    """What one envelope holds; `is_last` piece of its line."""

    text: bytes
    stream: str
    time: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in the envelopes: lines, the offset of each one's first piece, and the bytes of the batch they take."""

    data: bytes
    offsets: tuple[int, ...]
    length: int
    skipped: Skipped = ()


class _DockerEntry(msgspec.Struct):
    log: str
    stream: str
    time: str


_docker = msgspec.json.Decoder(_DockerEntry)


def _docker_entry(line: bytes) -> Entry | None:
    if not line.startswith(b'{"'):
        return None
    try:
        found = _docker.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    text = found.log.encode()
    return Entry(text.removesuffix(b"\n"), found.stream, found.time, text.endswith(b"\n"))


def _cri_entry(line: bytes) -> Entry | None:
    found = CRI.match(line)
    if found is None:
        return None
    return Entry(line[found.end() :].rstrip(b"\n"), found[2].decode(), found[1].decode(), found[3] == b"F")


def _whole_docker_lines(block: bytes) -> tuple[list[str], list[str]]:
    try:
        entries = _docker.decode_lines(block)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return [], []
    texts = [entry.log for entry in entries]
    if not all(text.endswith("\n") for text in texts) or "".join(texts).count("\n") != len(texts):
        return [], []
    return [entry.stream for entry in entries], texts


def _whole_cri_lines(block: bytes) -> tuple[list[str], list[str]]:
    try:
        entries = WHOLE_CRI.findall(block.decode())
    except UnicodeDecodeError:
        return [], []
    return [stream for stream, _ in entries], [text for _, text in entries]


# The stream of every line of a batch and its text with a newline; fewer where some are pieces or no entries.
WHOLE: dict[str, Callable[[bytes], tuple[list[str], list[str]]]] = {
    "docker": _whole_docker_lines,
    "cri": _whole_cri_lines,
}
ENTRY: dict[str, Callable[[bytes], Entry | None]] = {"docker": _docker_entry, "cri": _cri_entry}


@dataclass(frozen=True, slots=True)
class Envelopes:
    """How a file's lines are taken out. `stream`: stdout, stderr or both; `longest`: bytes of a joined line."""

    kind: Kind = "auto"
    stream: Literal["both", "stdout", "stderr"] = "both"
    longest: int = 1 << 20

    def around(self, data: bytes, start: int = 0) -> str | None:
        """Which envelope the lines of `data` that begin at `start` lie in; None if in none."""
        if self.kind != "auto":
            return None if self.kind == "none" else self.kind
        for _ in range(LOOKED_AT):
            end = data.find(b"\n", start)
            line = data[start : end + 1 if end >= 0 else len(data)]
            for kind, entry in ENTRY.items():
                if (found := entry(line)) is not None and found.stream in ("stdout", "stderr"):
                    return kind
            if end < 0:
                break
            start = end + 1
        return None

    def opened(self, kind: str, block: bytes, begins: int, *, whole: bool) -> Opened:
        """The lines in `block`, whole lines that begin at the offset `begins`, as far as none is left open.

        With `whole`, to its end: nothing more comes, or as much is held as may be.
        """
        if (quick := self._quickly(kind, block, begins)) is not None:
            return quick
        joining = _Joining(self)
        entry, at = ENTRY[kind], begins
        for line in _lines(block):
            joining.take(at, line, entry(line))
            at += len(line)
        if whole:
            joining.let_go()
        return joining.closed(at if whole else None, begins)

    def _quickly(self, kind: str, block: bytes, begins: int) -> Opened | None:
        """All at once, where every entry is a whole line, as nearly always; else None."""
        lines = block.count(b"\n")
        streams, texts = WHOLE[kind](block)
        if len(texts) != lines or not block.endswith(b"\n"):
            return None
        lengths = map(len, block.split(b"\n")[:-2])
        offsets: Iterable[int] = accumulate((length + 1 for length in lengths), initial=begins)
        if self.stream != "both":
            wanted = [stream == self.stream for stream in streams]
            offsets, texts = compress(offsets, wanted), list(compress(texts, wanted))
        return Opened("".join(texts).encode(), tuple(offsets), len(block))


def envelopes_of(source: SourceSettings | None) -> Envelopes:
    """Those of a source's settings (None: of a file nobody configured)."""
    if isinstance(source, FileSource):
        return Envelopes(source.envelope, source.stream, source.max_line_bytes)
    return Envelopes()


@dataclass(slots=True)
class _Open:
    """A line whose last piece has not come."""

    at: int
    since: str
    pieces: list[bytes] = field(default_factory=list)
    length: int = 0


class _Joining:
    """Puts pieces together, entry by entry."""

    def __init__(self, envelopes: Envelopes) -> None:
        self._wanted = envelopes.stream
        self._longest = envelopes.longest
        self._open: dict[str, _Open] = {}
        self._lines: list[tuple[int, bytes]] = []
        self._skipped: list[tuple[int, str, bytes]] = []
        # up to where nothing was open, and what there was by then
        self._safe: tuple[int, int, int] | None = None

    def take(self, at: int, line: bytes, entry: Entry | None) -> None:
        if entry is None:
            self._lines.append((at, line.removesuffix(b"\n")))
        elif self._wanted in ("both", entry.stream):
            self._let_go_before(entry.time)
            self._take(at, entry)
        if not self._open:
            self._safe = (at + len(line), len(self._lines), len(self._skipped))

    def _take(self, at: int, entry: Entry) -> None:
        if entry.is_last and entry.stream not in self._open:
            self._line(at, entry.text)
            return
        one = self._open.setdefault(entry.stream, _Open(at, entry.time))
        one.length += len(entry.text)
        if one.length <= self._longest:
            one.pieces.append(entry.text)
        if entry.is_last:
            self._end(entry.stream)

    def _let_go_before(self, time: str) -> None:
        for stream in [stream for stream, one in self._open.items() if _seconds(one.since, time) > OPEN_SECONDS]:
            self._end(stream)

    def let_go(self) -> None:
        for stream in list(self._open):
            self._end(stream)

    def _end(self, stream: str) -> None:
        one = self._open.pop(stream)
        if one.length > self._longest:
            self._skipped.append((one.at, f"line longer than {self._longest} bytes", one.pieces[0][:200]))
        else:
            self._line(one.at, b"".join(one.pieces))

    def _line(self, at: int, text: bytes) -> None:
        if text:
            # a newline inside a line would make two of it, and the second could be forged
            self._lines.append((at, text.replace(b"\n", b" ")))

    def closed(self, end: int | None, begins: int) -> Opened:
        """What can be given out; up to `end`, or to where nothing was open."""
        if end is None:
            end, lines, skipped = self._safe or (begins, 0, 0)
            del self._lines[lines:], self._skipped[skipped:]
        data = b"".join(chain.from_iterable((text, b"\n") for _, text in self._lines))
        return Opened(data, tuple(at for at, _ in self._lines), end - begins, tuple(self._skipped))


def _lines(block: bytes) -> Iterator[bytes]:
    """The lines of `block` with their newlines; unlike splitlines, which ends them at carriage returns too."""
    for line in block.split(b"\n")[:-1]:
        yield line + b"\n"
    if not block.endswith(b"\n"):
        yield block[block.rfind(b"\n") + 1 :]


def _seconds(since: str, until: str) -> float:
    try:
        return (datetime.fromisoformat(until[:19]) - datetime.fromisoformat(since[:19])).total_seconds()
    except ValueError:
        return 0.0
