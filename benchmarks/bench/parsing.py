"""Child process of the bench: parses a log to frames with the product's parser, and counts by minute, route and status.

Reads 4 MB of whole lines at a time and parses two such chunks at once, as `ingest` does; stores nothing.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from benchmarks.bench.chunks import chunks
from log_sentinel.cli.starting import starting
from log_sentinel.content import shipped
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.parsing.compiling import ParseOptions, Parser, compiled
from log_sentinel.parsing.definitions import load_folders

THREADS = 2


def parser_of(format_name: str) -> Parser:
    options = ParseOptions(statuses=frozenset({403, 429}), candidate_statuses=frozenset({503}))
    return compiled(load_folders([shipped("parsers")])[format_name], options)


def parsed(path: Path, parser: Parser) -> Iterator[ParsedLines]:
    """The log's chunks, parsed, in order."""
    with ThreadPoolExecutor(THREADS) as pool:
        ahead: deque[Future[ParsedLines]] = deque()
        for lines in chunks(path):
            ahead.append(pool.submit(parser.parse, lines))
            if len(ahead) > THREADS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def main() -> None:
    denials = 0
    traffic = []
    with starting():
        parser = parser_of(sys.argv[2])
    for part in parsed(Path(sys.argv[1]), parser):
        denials += part.denials.height
        traffic.append(part.traffic)
    counted = pl.concat(traffic).group_by("minute", "route", "status").agg(pl.col("n").sum())
    print(json.dumps({"lines": int(counted["n"].sum()), "denials": denials}))


if __name__ == "__main__":
    main()
