"""Where each line of a batch begins in its generation."""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from log_sentinel.model.lines import Lines

BOM = b"\xef\xbb\xbf"


class LineStarts:
    """The lines of a batch and the offset of each. A byte order mark before the first line is no part of it."""

    def __init__(self, batch: Lines) -> None:
        marked = batch.data.startswith(BOM)
        self.data = batch.data[len(BOM) :] if marked else batch.data
        self._given = batch.offsets
        self._start = batch.move.start + (len(BOM) if marked else 0)

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines without their newlines; carriage returns stay."""
        lines = self.data.split(b"\n")
        if not lines[-1]:
            del lines[-1]
        return lines

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins in `data`, and after them its end."""
        return list(accumulate(map(len, BytesIO(self.data)), initial=0))

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.starts) - 1

    def line(self, number: int) -> bytes:
        """The line with this number, its newline included."""
        return self.data[self.starts[number] : self.starts[number + 1]]

    def offset(self, number: int) -> int:
        """The first byte of the line with this number in the generation."""
        return self._start + self.starts[number] if self._given is None else self._given[number]

    def offsets_of(self, numbers: Sequence[int], exact: pl.Series | None = None) -> list[int]:
        """The offsets of the lines with these numbers. `exact`: all lines, where no byte of them was changed; it is
        quicker."""
        if exact is None or self._given is not None:
            return [self.offset(number) for number in numbers]
        ends = exact.str.len_bytes().cast(int).cum_sum()
        # line n begins after n newlines and the bytes of those before it
        return [
            self._start + end - length + number
            for number, end, length in zip(
                numbers, ends.gather(numbers).to_list(), exact.gather(numbers).str.len_bytes().to_list(), strict=True
            )
        ]
