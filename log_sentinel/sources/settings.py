"""Settings of `[sources.NAME]`: where log lines come from."""

import ipaddress
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from log_sentinel.config.durations import Duration
from log_sentinel.config.listening import Token, host_of, port_of
from log_sentinel.config.section import Section
from log_sentinel.config.zones import known_zone

SHORTEST_POLL = timedelta(milliseconds=100)
KIB, MIB = 1 << 10, 1 << 20


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError('an address or a network, as in "10.0.0.0/8", "192.0.2.7" or "2001:db8::/32"') from None


def _poll(every: timedelta) -> timedelta:
    if every < SHORTEST_POLL:
        raise ValueError("at least 100ms: every poll looks at every file")
    return every


def _endpoint(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        if port.isascii() and port.isdigit() and int(port) < 1 << 16 and host.startswith("[") == (":" in host):
            return listen
    except ValueError:
        pass
    raise ValueError('an address and a port up to 65535, as in "127.0.0.1:5514" or "[::]:5514"')


Network = Annotated[str, AfterValidator(_network)]
Zone = Annotated[str, AfterValidator(known_zone('a time zone of the tz database, as in "UTC" or "Europe/Berlin"'))]


class LogSource(Section):
    """How the lines of a source are read, wherever they come from."""

    format: str | None = None
    log_format: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    zone: Zone = "UTC"

    @model_validator(mode="after")
    def _one_format(self) -> Self:
        if self.format is not None and self.log_format is not None:
            raise ValueError(
                "format and log_format are both set; a source has one of them, or neither: then it is guessed"
            )
        return self


class FileSource(LogSource):
    """Files that a gateway appends to. `path` may be a glob (`*`, `?`, `[...]`, and `**` for any depth).

    `start` says where a file is begun that is there when the source is looked at for the first time. A file that
    appears later is always read from its beginning.
    """

    type: Literal["file"] = "file"
    path: Annotated[str, Field(min_length=1)]
    error_log: str | None = None
    start: Literal["end", "beginning"] = "end"
    poll_every: Annotated[Duration, AfterValidator(_poll)] = timedelta(seconds=1)
    # Folders that hold rotated files when they do not stay beside the live one (logrotate's `olddir`).
    rotated: tuple[str, ...] = ()
    # Globs of files that `path` matches and that are not logs to read.
    exclude: tuple[str, ...] = ()
    # How long a rotated file must have been silent before it is finished: its writer may not have let go of it.
    hold_rotated: Duration = timedelta(seconds=10)
    max_line_bytes: Annotated[int, Field(ge=KIB, le=64 * MIB)] = MIB
    # What a container's runtime puts around each line, and which of the container's two outputs is read.
    envelope: Literal["auto", "docker", "cri", "none"] = "auto"
    stream: Literal["both", "stdout", "stderr"] = "both"


class PushSource(LogSource):
    """What a sender posts to /push/NAME of the web endpoints: Kong's http-log, or anything that posts lines or JSON.

    With a `token` of its own, the sender needs that one and no other; without, whatever `[web]` asks for.
    """

    type: Literal["push"]
    token: Token | None = None
    # Of one request, unpacked or not.
    max_body_bytes: Annotated[int, Field(ge=KIB, le=256 * MIB)] = 16 * MIB


class SyslogSource(LogSource):
    """What is sent to `listen` as syslog. `senders` are who may, besides this machine itself."""

    type: Literal["syslog"]
    listen: Annotated[str, AfterValidator(_endpoint)] = "127.0.0.1:5514"
    protocols: tuple[Literal["udp", "tcp"], ...] = ("udp", "tcp")
    senders: tuple[Network, ...] = ()
    max_line_bytes: Annotated[int, Field(ge=KIB, le=MIB)] = 64 * KIB

    @model_validator(mode="after")
    def _not_open_to_everybody(self) -> Self:
        if not self.protocols:
            raise ValueError('protocols is empty; "udp", "tcp" or both are possible')
        if not self.senders and not ipaddress.ip_address(self.host).is_loopback:
            raise ValueError(
                f'listen "{self.listen}" can be reached from other machines and syslog knows no password; '
                "name in senders who may send, or listen on 127.0.0.1"
            )
        return self

    @property
    def host(self) -> str:
        return host_of(self.listen)

    @property
    def port(self) -> int:
        return port_of(self.listen)


class StdinSource(LogSource):
    """What comes through a pipe: `kubectl logs -f ... | log-sentinel run -`."""

    type: Literal["stdin"]
    max_line_bytes: Annotated[int, Field(ge=KIB, le=64 * MIB)] = MIB


def _file_by_default(source: Any) -> Any:
    return {"type": "file", **source} if isinstance(source, dict) else source


SourceSettings = Annotated[
    FileSource | PushSource | SyslogSource | StdinSource, Field(discriminator="type"), BeforeValidator(_file_by_default)
]
