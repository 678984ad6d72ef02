"""Which access logs an nginx configuration has, in which formats, and where nginx denies without a word about it.

Read with crossplane, NGINX's own parser of its configuration, which follows `include`. Levels inherit as nginx has
it: access_log and error_log hold below until a level has its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from log_sentinel.parsing.log_format import Directive, joined, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# asks another server for the answer: then $upstream_status tells who denied
ASKING = {"proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"}
# deny without an entry in the error log
SILENT = {"secure_link", "valid_referers"}
VARIABLE = re.compile(r"\$\{?\w+\}?")
BUILT_IN = "combined"


class BadConfiguration(Exception):
    """A configuration that cannot be read; the text says where and what to do."""


@dataclass(frozen=True, slots=True)
class AccessLog:
    """One file that nginx writes. `path` is a glob where nginx has a variable in it. `directive` is None for combined.

    `error_logs`: those beside it, the commonest first. `notes`: what about it a reader of the log should know.
    """

    path: str
    format_name: str
    directive: Directive | None
    error_logs: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class NginxConf:
    """`limits`: the directives that limit requests. `silent`: expressions for the paths that nginx denies silently.

    `asks_auth`: another server may deny by auth_request; `keeps_auth`: and $auth_status holds what it said.
    """

    logs: list[AccessLog] = field(default_factory=list)
    limits: set[str] = field(default_factory=set)
    asks_upstreams: bool = False
    asks_auth: bool = False
    keeps_auth: bool = False
    silent: set[str] = field(default_factory=set)

    def says_nothing_of(self, path: str) -> bool:
        """Whether nginx may have denied this path without a word in its error log."""
        return any(re.search(each, path) for each in self.silent)


def read(path: Path, prefix: Path) -> NginxConf:
    """The configuration in `path`, relative names of logs meant from `prefix`.

    Raises BadConfiguration when it or what it includes cannot be read, ImportError without crossplane.
    """
    import crossplane

    payload = crossplane.parse(str(path), combine=True, check_ctx=False, check_args=False)
    if payload["errors"]:
        error = payload["errors"][0]
        raise BadConfiguration(f"{error['file']}: {error['error']}. `nginx -t` says whether nginx itself can read it.")
    reader = _Reader(prefix)
    for part in payload["config"]:
        reader.walk(part["parsed"], _Level("main"))
    return reader.conf()


@dataclass(frozen=True, slots=True)
class _Level:
    """What a block inherits. `where` is an expression for the paths it is for."""

    kind: str
    where: str = ""
    access: tuple[tuple[str, ...], ...] = ()
    errors: tuple[str, ...] = ()


class _Reader:
    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        self._formats: dict[str, Directive] = {}
        self._conf = NginxConf()
        self._beside: dict[tuple[str, ...], list[str]] = {}
        self._of_http: tuple[str, ...] = ()

    def walk(self, block: Sequence[dict[str, Any]], inherited: _Level) -> None:
        level = self._at(block, inherited)
        if level.kind == "http":
            self._of_http = level.errors
        if level.kind in ("http", "server", "location"):
            for log in level.access:
                self._beside.setdefault(log, []).extend(level.errors if level.kind != "http" else ())
        for each in block:
            name, args = each["directive"], each["args"]
            if name == "log_format" and len(args) > 1:
                self._formats[args[0]] = _format(args)
            elif name in ("limit_req", "limit_conn"):
                self._conf.limits.add(name)
            elif name in ASKING:
                self._conf.asks_upstreams = True
            if name == "auth_request":
                self._conf.asks_auth |= args != ["off"]
            elif name == "auth_request_set":
                self._conf.keeps_auth |= args == ["$auth_status", "$upstream_status"]
            if name in SILENT or (name == "return" and args[:1] == ["403"]):
                self._conf.silent.add(level.where)
            if "block" in each:
                where = _where(args) if name == "location" else level.where
                kind = level.kind if name == "if" else name
                self.walk(each["block"], _Level(kind, where or level.where, level.access, level.errors))

    def conf(self) -> NginxConf:
        for args, errors in self._beside.items():
            log = self._log(args, errors or list(self._of_http))
            if log is not None and log not in self._conf.logs:
                self._conf.logs.append(log)
        return self._conf

    def _at(self, block: Sequence[dict[str, Any]], inherited: _Level) -> _Level:
        own = tuple(tuple(each["args"]) for each in block if each["directive"] == "access_log" and each["args"])
        errors = tuple(each["args"][0] for each in block if each["directive"] == "error_log" and each["args"])
        files = tuple(self._absolute(each) for each in errors if each != "stderr" and not each.startswith("syslog:"))
        return _Level(inherited.kind, inherited.where, own or inherited.access, files if errors else inherited.errors)

    def _log(self, args: tuple[str, ...], errors: list[str]) -> AccessLog | None:
        target, options = args[0], args[1:]
        if target == "off" or target.startswith(("syslog:", "memory:")):
            return None
        name = options[0] if options and "=" not in options[0] else BUILT_IN
        notes = []
        if any(option.startswith("gzip") for option in options):
            notes.append("nginx packs it (gzip): it can be ingested when it is finished, and not be followed")
        if any(option.startswith("if=") for option in options):
            notes.append("`if=` leaves requests out of it: what is denied is compared with what it holds, not with all")
        if target.startswith("/dev/"):
            notes.append("it is no file that can be followed: let nginx write one")
        if name != BUILT_IN and name not in self._formats:
            notes.append(f"its log_format {name} is nowhere in the configuration; the format is guessed")
        beside = tuple(sorted(set(errors), key=lambda each: (-errors.count(each), errors.index(each))))
        return AccessLog(self._absolute(target), name, self._formats.get(name), beside, tuple(notes))

    def _absolute(self, target: str) -> str:
        return VARIABLE.sub("*", str(self._prefix / target))


def _format(args: Sequence[str]) -> Directive:
    name, *strings = args
    escape = strings.pop(0).removeprefix("escape=") if strings[0].startswith("escape=") else None
    return Directive(name, escape, joined(list(map(plain, strings))))


def _where(args: Sequence[str]) -> str:
    """An expression for the paths of a location; "" where it cannot be written as one of Python's."""
    modifier, path = (args[0], args[-1]) if len(args) > 1 else ("", args[0])
    found = {"=": f"^{re.escape(path)}$", "~": path, "~*": f"(?i){path}"}.get(modifier, "^" + re.escape(path))
    if path.startswith("@"):
        return ""
    try:
        re.compile(found)
    except re.error:
        return ""
    return found
