"""The shapes of the frames that travel: column names and types, used by name everywhere.

All times are UTC with milliseconds. A missing value is null, never "" or "-".
"""

import polars as pl

TIME = pl.Datetime("ms", "UTC")

# One denied request as its line told it, before the diagnosis. `time_is`: start, end or received.
# `origin_offset`: first byte of the line in its generation. `route_from`: gateway, template or cap.
DENIALS: dict[str, pl.DataType | type[pl.DataType]] = {
    "time": TIME,
    "time_is": pl.String,
    "format": pl.String,
    "gateway": pl.String,
    "origin_offset": pl.Int64,
    "method": pl.String,
    "scheme": pl.String,
    "host": pl.String,
    "path": pl.String,
    "query": pl.String,
    "route": pl.String,
    "route_from": pl.String,
    "service": pl.String,
    "request_id": pl.String,
    "status": pl.Int16,
    "request_bytes": pl.Int64,
    "response_bytes": pl.Int64,
    "duration_ms": pl.Float64,
    "referer": pl.String,
    "user_agent": pl.String,
    "client": pl.String,
    "credential": pl.String,
    "ip": pl.String,
    "peer_ip": pl.String,
    "network": pl.String,
    "upstream_addr": pl.String,
    "upstream_status": pl.Int16,
    "upstream_attempts": pl.String,
    "upstream_ms": pl.Float64,
}

# Prefix of the evidence columns (String) that may follow DENIALS: fields of the line that only the diagnosis reads.
EVIDENCE_PREFIX = "x."

# What the diagnosis adds. `cause_alternatives`: JSON [[cause, confidence], ...].
# `evidence`: JSON [{field, value, says}, ...].
VERDICT: dict[str, pl.DataType | type[pl.DataType]] = {
    "denied_by": pl.String,
    "cause": pl.String,
    "cause_confidence": pl.Float64,
    "cause_alternatives": pl.String,
    "evidence": pl.String,
    "rules_version": pl.Int32,
}

JUDGED = DENIALS | VERDICT

# Requests of every status: the denominators. `minute` is a minute's start.
TRAFFIC: dict[str, pl.DataType | type[pl.DataType]] = {
    "minute": TIME,
    "route": pl.String,
    "status": pl.Int16,
    "n": pl.Int64,
}

# Requests per client and per address by hour and outcome. `dimension`: client or ip. `status_class`: 2 for 2xx and so
# on, but each denied status as itself (403, 429). Every denied key and the largest others; the rest is OTHER_KEY.
ACTIVITY: dict[str, pl.DataType | type[pl.DataType]] = {
    "hour": TIME,
    "dimension": pl.String,
    "key": pl.String,
    "status_class": pl.Int16,
    "n": pl.Int64,
}
OTHER_KEY = "(other)"

# Lines of an error log that may explain a denial; `zone` is the limit's zone where the line names one.
COMPANIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "time": TIME,
    "origin_offset": pl.Int64,
    "kind": pl.String,
    "connection": pl.Int64,
    "client": pl.String,
    "request": pl.String,
    "zone": pl.String,
    "says": pl.String,
}

# Lines nobody could read: a bounded sample, cut to a few hundred characters, undecodable bytes as \xHH.
REJECTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "origin_offset": pl.Int64,
    "reason": pl.String,
    "sample": pl.String,
}

# Denials per minute and who, what, where: rows of `denied_minutes` as detection reads them.
DENIED_MINUTES: dict[str, pl.DataType | type[pl.DataType]] = {
    "minute": TIME,
    "source": pl.String,
    "client": pl.String,
    "ip": pl.String,
    "route": pl.String,
    "status": pl.Int16,
    "cause": pl.String,
    "n": pl.Int64,
}


def empty(columns: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """A frame of these columns without rows."""
    return pl.DataFrame(schema=columns)
