"""From requests to a file on disk."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from benchmarks.traffic.combined import combined
from benchmarks.traffic.kong import kong
from benchmarks.traffic.nginx_json import nginx_json
from benchmarks.traffic.request import Request
from benchmarks.traffic.truth import Truth

LINE: dict[str, Callable[[Request], str]] = {"combined": combined, "kong": kong, "nginx-json": nginx_json}
BLOCK = 10_000


def write(path: Path, requests: Iterable[Request], line: Callable[[Request], str]) -> Truth:
    """Writes one line a request and tells what they were. The file appears under its name only when it is whole."""
    truth = Truth()
    unfinished = path.with_name(path.name + ".part")
    pending = iter(requests)
    with unfinished.open("wb") as out:
        while block := [(request, line(request).encode()) for request in islice(pending, BLOCK)]:
            for request, data in block:
                truth.saw(request, len(data))
            out.write(b"".join(data for _, data in block))
    unfinished.rename(path)
    return truth
