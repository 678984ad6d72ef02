"""`log-sentinel formats from-nginx`: the sources that an nginx configuration amounts to, as settings.

What is printed is TOML; what is said about it is in its comments, so that it can be put into conf.d as it is.
"""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli.exits import Failed
from log_sentinel.cli.heads import tail
from log_sentinel.cli.output import text
from log_sentinel.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.daemon.coverage import Coverage
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.parsing.nginx_conf import AccessLog, NginxConf

LOOKED_AT_BYTES = 8 << 20
SHOWN = ("time", "status", "method", "path", "route", "ip", "denied_by", "cause", "cause_confidence")
LOCALTIME = Path("/etc/localtime")


def from_nginx(
    path: Annotated[Path, typer.Argument(metavar="[NGINX_CONF]", help="The main configuration file.")] = Path(
        "/etc/nginx/nginx.conf"
    ),
    prefix: Annotated[
        Path | None,
        typer.Option(
            "--prefix",
            metavar="DIR",
            help="What relative names of logs are meant from (`nginx -V` shows it). [default: the configuration's]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the settings for the logs that nginx writes, three lines of each as they are read, and what stays unseen.

    The output is TOML: what is said about it stands in comments.
    """
    from log_sentinel.parsing import nginx_conf

    with path.open("rb"):
        pass
    try:
        conf = nginx_conf.read(path, prefix or (path.parent.parent if path.parent.name == "conf" else path.parent))
    except ImportError:
        raise Failed(
            "crossplane, which reads nginx's configuration, is not installed. "
            "Run: pip install 'log-sentinel[nginx]'; or paste the log_format directive into a source yourself."
        ) from None
    except nginx_conf.BadConfiguration as bad:
        raise Failed(str(bad)) from None
    if not conf.logs:
        raise Failed(f"{path}: no access_log that is a file; nothing to read. Let nginx write one.")
    names: set[str] = set()
    for log in conf.logs:
        names.add(name := _name(log.path, names))
        print("\n".join(_source(name, log, conf)), end="\n\n")


def _source(name: str, log: AccessLog, conf: NginxConf) -> Iterator[str]:
    from log_sentinel.content import shipped
    from log_sentinel.parsing.definitions import BadDefinition, load
    from log_sentinel.parsing.directive import from_directive
    from log_sentinel.parsing.log_format import written

    rows = [f"[sources.{name}]", f"path = {json.dumps(log.path)}"]
    definition = load(shipped("parsers") / "nginx-combined.toml")
    if log.directive is not None:
        directive = written(log.directive)
        rows.append(f"log_format = '''\n{directive}\n'''")
        try:
            definition = from_directive(directive)
        except BadDefinition as bad:
            yield from _comments("This log cannot be read:", *bad.mistakes)
            yield from _comments(*"\n".join(rows).splitlines())
            return
    elif log.format_name == "combined":
        rows.append('format = "nginx-combined"')
    if log.error_logs:
        rows.append(f"error_log = {json.dumps(log.error_logs[0])}")
        zone = _zone()
        if zone != "UTC":
            rows.append(f"zone = {json.dumps(zone)}  # nginx writes its error log in local time")
    yield from _comments(*log.notes)
    if len(log.error_logs) > 1:
        yield from _comments(f"A source has one error log; these are not read: {', '.join(log.error_logs[1:])}")
    yield from rows
    yield ""
    yield from _comments(*_said(log, conf, definition))


def _said(log: AccessLog, conf: NginxConf, definition: Definition) -> Iterator[str]:
    """What the log's own lines show, and what would let them tell more."""
    more = _missing(log, conf, definition)
    found = _coverage(log, conf, definition)
    if found is None:
        yield f"{log.path}: there is no line to be read yet."
    else:
        yield f"{log.path}: {_share(found.read, found.lines)} of the last {found.lines} lines are read."
        if found.unread is not None:
            yield f"Not read, as others: {found.unread}"
        if found.denials:
            known = _share(found.explained, found.denials)
            yield f"{found.denials} of them are denials; by whom and why is known of {known}."
        else:
            yield "None of them is a denial."
    if more:
        share = found is not None and found.denials and _share(found.explainable, found.denials)
        said = f"for up to {share}" if share else "to see by whom and why requests are denied"
        yield f"Add {' '.join(f'${name}' for name in more)} {said}:"
        yield from _directive(log, definition, more)
        if conf.asks_auth and not conf.keeps_auth:
            yield "    auth_request_set $auth_status $upstream_status;  # beside each auth_request"
        yield "Reload nginx, then run this command again. The limits' variables need nginx 1.17.6."
    if not log.error_logs:
        yield "There is no error log beside it: deny rules, missing index files and permissions stay unseen."
    if conf.silent:
        yield "nginx logs no word on `return 403`, secure_link and valid_referers: these look alike."
    if "auth_status" in more:
        yield "Nor does it on auth_request: without $auth_status only the time it takes tells it from `return 403`."
    if found is not None and found.shown.height:
        yield f"The last {found.shown.height}, as they are read:"
        yield from (
            "    " + " ".join(f"{key}={text(value)}" for key, value in row.items() if value is not None)
            for row in found.shown.select(SHOWN).iter_rows(named=True)
        )


def _directive(log: AccessLog, definition: Definition, more: list[str]) -> Iterator[str]:
    from log_sentinel.parsing.log_format import Directive, written

    directive = log.directive or Directive("combined_and_more", None, definition.log_format[0])
    yield from (f"    {row}" for row in written(directive, more).splitlines())
    if log.directive is None:
        yield f"    access_log {log.path} {directive.name};"


def _missing(log: AccessLog, conf: NginxConf, definition: Definition) -> list[str]:
    """The variables that would tell more of this configuration's denials."""
    wanted = [f"{limit}_status" for limit in sorted(conf.limits)]
    wanted += ["upstream_status"] if conf.asks_upstreams else []
    wanted += ["request_time", "auth_status"] if conf.asks_auth else []
    wanted += ["connection"] if log.error_logs else []
    there = log.directive.text if log.directive is not None else definition.log_format[0]
    return [name for name in wanted if re.search(rf"\${{?{name}\b", there) is None]


def _coverage(log: AccessLog, conf: NginxConf, definition: Definition) -> Coverage | None:
    from log_sentinel.content import shipped
    from log_sentinel.daemon.coverage import coverage
    from log_sentinel.parsing.compiling import ParseOptions, compiled
    from log_sentinel.parsing.error_logs import load

    files = sorted(filter(os.path.isfile, glob.glob(log.path)))  # noqa: PTH207  # `path` may be absolute with a glob
    lines = b"".join(tail(Path(file), LOOKED_AT_BYTES // len(files)) for file in files)
    if not lines:
        return None
    entries = tail(Path(log.error_logs[0]), LOOKED_AT_BYTES) if log.error_logs else b""
    parser = compiled(definition, ParseOptions())
    error_log = load(shipped("parsers") / "error-logs" / "nginx-error.toml")
    return coverage(parser, lines, entries, error_log, _zone(), conf.says_nothing_of)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %".replace(".0 %", " %") if whole else "0 %"


def _comments(*rows: str) -> Iterator[str]:
    return (f"# {visible(row)}".rstrip() for row in rows)


def _name(path: str, taken: set[str]) -> str:
    """A name for the source of a log: what tells its file from others."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(path).name.lower().removesuffix(".log")).strip("-") or "nginx"
    number = 1
    while (name := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return name


def _zone() -> str:
    """This machine's time zone."""
    named = os.environ.get("TZ", "").lstrip(":") or str(LOCALTIME.resolve())
    zone = named.rpartition("zoneinfo/")[2]
    return "UTC" if zone.startswith("/") or zone in ("Etc/UTC", "") else zone
