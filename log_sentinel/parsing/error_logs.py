"""Error logs: which of their entries explain a denial, and what they explain it with.

A definition is a TOML file like those of access logs: an expression for an entry, messages that tell something, the
verdict rules for them, and samples. Entries that say nothing about a denial are most of an error log and are passed
over.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from log_sentinel.config.section import Section
from log_sentinel.parsing.definitions import NAME, BadDefinition, VerdictRule, Zone, sentence

if TYPE_CHECKING:
    from pathlib import Path


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Expression = Annotated[str, AfterValidator(_expression)]
GROUPS = {"time", "message", "client", "connection", "request"}


class Message(Section):
    """A message that tells something: `matches` finds it, `unless` takes it back.

    Groups of `matches`: `zone` is the limit's; where the entry has no request, `path` is the request's, or `file` what
    it led to.
    """

    kind: str = Field(pattern=r"^[a-z_]+$")
    matches: Expression
    unless: Expression | None = None
    says: str = Field(min_length=1)


class CompanionSample(Section):
    """An entry and what comes of it; nothing where it tells nothing about a denial."""

    line: str
    companion: dict[Literal["time", "kind", "connection", "client", "request", "zone"], str | int] = Field(
        default_factory=dict
    )


class ErrorLog(Section):
    """One error log's format. `entry` has the groups time and message and may have client, connection and request.

    Times are in `unit`, one of those of access logs, and in `zone` where they have no offset.
    """

    name: str = Field(pattern=NAME)
    gateway: str = Field(pattern=NAME)
    description: str = Field(min_length=1)
    entry: Expression
    unit: Literal["error_log", "iso8601", "apache_error"]
    zone: Zone | None = None
    rules_version: int = Field(default=1, ge=1)
    messages: tuple[Message, ...] = Field(alias="message", min_length=1)
    verdicts: tuple[VerdictRule, ...] = Field(default=(), alias="verdict")
    samples: tuple[CompanionSample, ...] = Field(alias="sample", min_length=2)

    @model_validator(mode="after")
    def _groups(self) -> ErrorLog:
        found = set(re.compile(self.entry).groupindex)
        if not {"time", "message"} <= found <= GROUPS:
            raise ValueError(
                f"entry: got the groups {', '.join(sorted(found)) or 'none'}; time and message are needed, "
                "client, connection and request allowed"
            )
        return self


def load(path: Path) -> ErrorLog:
    """The definition in the TOML file `path`. Raises BadDefinition with every mistake, OSError when it cannot be
    read."""
    where = "/".join(path.parts[-2:])
    try:
        return ErrorLog.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadDefinition(where, f"not TOML: {error}. Mend the file's syntax.") from None
    except ValidationError as error:
        raise BadDefinition(where, *(sentence(each) for each in error.errors())) from None
