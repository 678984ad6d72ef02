"""What an alert says, for every channel: the conclusion first, then why, how much, what it looks like, what to do.

Everything that came out of a log is `Quoted`. Channels decide how it looks, not what it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.delivery.message.matters import Matter
    from log_sentinel.delivery.message.text import Phrase, Quoted, Url
    from log_sentinel.model.incident import HappeningKind, IncidentState
    from log_sentinel.model.spike import Severity


@dataclass(frozen=True, slots=True)
class Verdict:
    """The probable cause: `title` ("rate limiting, 97 % sure"), who denied, what else it may be, and what says so."""

    cause: str
    title: Phrase
    alternatives: Phrase
    evidence: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, with what is usual beside it."""

    label: str
    value: Phrase


@dataclass(frozen=True, slots=True)
class Sample:
    """One denied request as it stands in the log, redacted; `at` is UTC, as HH:MM:SS."""

    at: Quoted
    status: Quoted
    method: Quoted
    path: Quoted
    client: Quoted | None
    ip: Quoted | None
    user_agent: Quoted | None


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do: in words, and, where it is one, the command to paste."""

    words: Phrase
    command: Quoted | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on."""

    label: str
    url: Url


@dataclass(frozen=True, slots=True)
class Chart:
    """The last hours: `counts` minute by minute, oldest first, up to `until` (UTC); what is counted (`of`), what is
    usual a minute; and both as a text picture with its caption.
    """

    bars: str
    caption: Phrase
    counts: tuple[float, ...]
    until: datetime
    of: str
    usual: float | None


@dataclass(frozen=True, slots=True)
class Message:
    """One happening, ready to be told.

    `matter` is what kind of thing it is. `number` is the incident's (None: the message is about several), `key` the
    same for every attempt at telling this. `title` stays the same over the incident's life ("Denial spike: client
    acme"); `headline` is the whole of it in one line, for a phone; `happened` is this one step. Times are UTC;
    `late_minutes` is how long it took to get here, when that is worth a word, `merged` how many steps it tells in one.
    """

    kind: HappeningKind
    state: IncidentState
    severity: Severity
    number: int | None
    key: str
    instance: Quoted
    rule: Quoted
    matter: Matter
    title: Phrase
    headline: Phrase
    summary: Phrase
    happened: Phrase
    since: datetime
    at: datetime
    verdict: Verdict | None
    figures: tuple[Figure, ...]
    chart: Chart | None
    samples: tuple[Sample, ...]
    samples_more: int
    steps: tuple[Step, ...]
    late_minutes: int
    merged: int = 1
    links: tuple[Link, ...] = ()
