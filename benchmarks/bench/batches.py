"""Child process of the bench: what a few lines take, as a quiet live log brings them; milliseconds by batch size."""

import json
import statistics
import sys
import time
from itertools import islice
from pathlib import Path

from benchmarks.bench.chunks import batch
from benchmarks.bench.parsing import parser_of

SIZES = (1, 10, 100, 500)
REPEATS = 100


def main() -> None:
    parser = parser_of(sys.argv[2])
    with Path(sys.argv[1]).open("rb") as log:
        lines = list(islice(log, SIZES[-1] + REPEATS))
    took: dict[int, float] = {}
    for size in SIZES:
        times = []
        for first in range(REPEATS):
            one = batch(b"".join(lines[first : first + size]))
            began = time.perf_counter()
            parser.parse(one)
            times.append(time.perf_counter() - began)
        took[size] = statistics.median(times) * 1000
    print(json.dumps(took))


if __name__ == "__main__":
    main()
