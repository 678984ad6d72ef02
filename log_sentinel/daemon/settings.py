"""All settings in one tree: every part declares its own section, this puts them together."""

import socket
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from log_sentinel.config.durations import Duration, parse
from log_sentinel.config.section import Section
from log_sentinel.delivery.settings import ChannelSettings, HeartbeatSettings, Route
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.incidents.maintenance import Maintenance
from log_sentinel.parsing.settings import DenialsSettings, ParsingSettings
from log_sentinel.sources.settings import SourceSettings
from log_sentinel.store.settings import DatabaseSettings, RetentionSettings
from log_sentinel.web.settings import WebSettings


class LogSettings(Section):
    """What log-sentinel says of itself, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"
    status_every: Duration = parse("1m")


def _not_blank(name: str) -> str:
    if not name.strip():
        raise ValueError("a name is needed; leave the key out for the host's name")
    return name


def _one_pipe(sources: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
    pipes = [name for name, source in sources.items() if source.type == "stdin"]
    if len(pipes) > 1:
        raise ValueError(f'{" and ".join(pipes)} are both of type "stdin"; there is one standard input')
    return sources


class Settings(Section):
    """The whole of log-sentinel.toml."""

    instance: Annotated[str, AfterValidator(_not_blank)] = Field(default_factory=socket.gethostname)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    denials: DenialsSettings = Field(default_factory=DenialsSettings)
    parsing: ParsingSettings = Field(default_factory=ParsingSettings)
    sources: Annotated[dict[str, SourceSettings], AfterValidator(_one_pipe)] = Field(default_factory=dict)
    detection: DetectionSettings = Field(default_factory=DetectionSettings)
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    routing: list[Route] = Field(default_factory=list)
    maintenance: dict[str, Maintenance] = Field(default_factory=dict)
    heartbeat: HeartbeatSettings | None = None
    web: WebSettings = Field(default_factory=WebSettings)
    log: LogSettings = Field(default_factory=LogSettings)
