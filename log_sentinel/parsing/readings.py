"""What a field of a log line can mean: the inputs from which the canonical columns are made, and their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TIMES = ("clf", "iso8601", "epoch_s", "epoch_ms", "datetime", "error_log", "any")
DURATIONS = ("s", "ms", "us", "ns")

# input -> the units it may come in; () where there is nothing to choose.
#
# fine_time: the same moment as `time` with milliseconds, where `time` has none. request: the whole request line.
# target: path and query, or an absolute URL. ip: the address the gateway takes for the client's. peer: the socket's,
# where both are logged. forwarded_for: X-Forwarded-For. forwarded: RFC 7239. route: the gateway's own name of it.
# upstream_*: one value, or nginx's list "502, 403 : 200".
INPUTS: dict[str, tuple[str, ...]] = {
    "time": TIMES,
    "fine_time": TIMES,
    "status": (),
    "request": (),
    "method": (),
    "target": (),
    "scheme": (),
    "host": (),
    "route": (),
    "service": (),
    "request_id": (),
    "request_bytes": (),
    "response_bytes": (),
    "duration": DURATIONS,
    "referer": (),
    "user_agent": (),
    "client": (),
    "credential": (),
    "ip": (),
    "peer": (),
    "forwarded_for": (),
    "forwarded": (),
    "upstream_addr": (),
    "upstream_status": (),
    "upstream_time": DURATIONS,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One input is read from the first of `fields` that has a value, in `unit`. A field is a variable or a JSON
    path."""

    fields: tuple[str, ...]
    unit: str | None = None


# input -> the variables of a language that give it with their units, the better ones first
Meanings = Mapping[str, tuple[tuple[str, str | None], ...]]


def readings_of(meanings: Meanings, variables: set[str]) -> dict[str, Reading]:
    """The inputs that a format with these `variables` gives. Where several give one, those of the best one's unit
    count."""
    found: dict[str, Reading] = {}
    for name, ways in meanings.items():
        present = [(variable, unit) for variable, unit in ways if variable in variables]
        if present:
            unit = present[0][1]
            found[name] = Reading(tuple(variable for variable, its in present if its == unit), unit)
    if "time" in found and found["time"] == found.get("fine_time"):
        del found["fine_time"]
    return found
