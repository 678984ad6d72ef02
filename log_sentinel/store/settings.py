"""Settings of the store: where the database is, and how long what is kept."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from log_sentinel.config.durations import Duration
from log_sentinel.config.section import Section

ALLOWED = (
    "a database URL begins with sqlite:/// (a file) or postgresql+psycopg:// (a server), "
    'as in "sqlite:////var/lib/log-sentinel/sentinel.db" or "postgresql+psycopg://user:password@host:5432/database"'
)


def checked(url: SecretStr, schemes: frozenset[str]) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        raise ValueError(ALLOWED) from None
    if parts.scheme not in schemes:
        raise ValueError(ALLOWED)
    if parts.scheme == "sqlite" and (parts.netloc or parts.path in ("", "/", "/:memory:")):
        raise ValueError(f"an SQLite database is a file here; {ALLOWED}")
    return url


class DatabaseSettings(Section):
    """`url` is the daemon's own access; `readonly_url` (Postgres) is the role that ad hoc SQL and the dashboard use.

    `min_free_mb` (SQLite): with less free on its disk no more lines are read, until there is more again.
    """

    url: SecretStr = SecretStr("sqlite:///log-sentinel.db")
    readonly_url: SecretStr | None = None
    min_free_mb: int = Field(default=128, ge=0, description="megabytes that stay free on the disk of an SQLite file")

    @field_validator("url")
    @classmethod
    def known(cls, url: SecretStr) -> SecretStr:
        return checked(url, frozenset({"sqlite", "postgresql", "postgresql+psycopg"}))

    @field_validator("readonly_url")
    @classmethod
    def of_a_server(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None else checked(url, frozenset({"postgresql", "postgresql+psycopg"}))


def days(number: int) -> Duration:
    return timedelta(days=number)


class RetentionSettings(Section):
    """How long rows stay, by table. `denied_minutes` is when minutes become hours, `denied_hours` when those go."""

    generations: Duration = days(30)
    denials: Duration = days(90)
    candidates: Duration = timedelta(minutes=10)
    companion_evidence: Duration = timedelta(minutes=10)
    traffic: Duration = days(400)
    denied_minutes: Duration = days(30)
    denied_hours: Duration = days(400)
    activity: Duration = days(30)
    push_seen: Duration = timedelta(hours=24)
    rejects: Duration = days(7)
    reject_counts: Duration = days(90)
    incidents: Duration = days(400)
    notifications: Duration = days(90)
    config_loads: Duration = days(400)
    batch: int = Field(default=2000, ge=1, le=100_000, description="rows deleted at a time")
