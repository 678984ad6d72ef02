"""From what a line's fields said to the canonical columns: where both paths meet, so that they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.addresses import IPV4, TrustedProxies, canonical, forwarded_as_list, network
from log_sentinel.parsing.escapes import WRITTEN
from log_sentinel.parsing.request_line import (
    PATH_LIMIT,
    PROTOCOLS,
    QUERY_READ,
    Target,
    redacted_query,
    redacted_url,
    split_request,
    split_target,
)
from log_sentinel.parsing.routes import ANY_METHOD, OTHER, Routes
from log_sentinel.parsing.times import Clock
from log_sentinel.parsing.values import (
    TEXT_LIMIT,
    attempts,
    each,
    elements,
    evidence,
    last_status,
    number,
    scaled,
    text,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.readings import Reading
    from log_sentinel.parsing.rows import Rows


class Canonical:
    """Makes columns of one format's inputs. What it remembers only saves time; threads may share one."""

    def __init__(
        self,
        readings: Mapping[str, Reading],
        evidence_names: Sequence[str],
        *,
        unescape: Callable[[str], str],
        zone: str,
        proxies: TrustedProxies,
        routes: Routes,
        conceal: Callable[[str], str] | None = None,
    ) -> None:
        self.units = {name: reading.unit or "s" for name, reading in readings.items()}
        self.evidence = tuple(evidence_names)
        self.proxies = proxies
        self.routes = routes
        self.clock = Clock(self.units["time"], zone)
        self.fine_clock = Clock(self.units["fine_time"], zone) if "fine_time" in readings else None
        self._unescape, self._conceal = unescape, conceal

    def target(self, request: object, method: object, target: object) -> Target:
        """The request from its line or, where there is none, from method and target."""
        line = text(request)
        return split_target(text(target), text(method)) if line is None else split_request(line)

    def targets(self, requests: Sequence[object], *others: Sequence[object]) -> list[Target]:
        """Many requests given as for `target`."""
        return [
            split_request(parts[0]) if isinstance(parts[0], str) and len(parts[0]) > 1 else self.target(*parts)
            for parts in zip(requests, *others, strict=True)
        ]

    def route(self, request: object, method: object, target: object) -> str:
        """The template for a request given as for `target`."""
        if isinstance(request, str) and request[-9:] in PROTOCOLS:
            return self.routes.of_request(request[:-9].partition("?")[0])
        return self.routes.of_target(self.target(request, method, target))

    def request_key(self, request: object, method: object, target: object) -> str | None:
        """What decides a request's route, in the form that `Routes.of_request` takes; None where nothing does."""
        found = self.target(request, method, target)
        if found.path is None or (found.method is None and not found.path.startswith("/")):
            return None
        return f"{found.method or ANY_METHOD} {found.path}"

    def address(self, ip: object, forwarded_for: object = None, forwarded: object = None) -> str | None:
        """The client's canonical address, concealed where that is wanted."""
        return self._concealed(self._true_address(ip, forwarded_for, forwarded))

    def _concealed(self, address: str | None) -> str | None:
        return address if address is None or self._conceal is None else self._conceal(address)

    def _true_address(self, ip: object, forwarded_for: object, forwarded: object) -> str | None:
        asked_from = ip if isinstance(ip, str) else text(ip)
        if asked_from is None:
            return None
        direct = canonical(asked_from)
        if direct is None and "," in asked_from:
            # $proxy_add_x_forwarded_for where an address belongs: its last element is the peer
            hops, _, last = asked_from.rpartition(",")
            direct, forwarded_for = canonical(last.strip()), hops
        if not self.proxies:
            return direct
        return self.proxies.client(direct, text(forwarded_for) or forwarded_as_list(text(forwarded) or ""))

    def addresses(self, ips: Sequence[object], *forwarded: Sequence[object]) -> list[str | None]:
        """Many clients' addresses."""
        if self.proxies:
            return list(map(self.address, ips, *forwarded))
        if self._conceal is not None:
            return list(map(self.address, ips))
        return [ip if isinstance(ip, str) and IPV4.fullmatch(ip) else self.address(ip) for ip in ips]

    def clean(self, value: object) -> str | None:
        """A field as unescaped text of bounded length."""
        found = text(value)
        if found is None:
            return None
        return (self._unescape(found[: WRITTEN * TEXT_LIMIT]) if "\\" in found else found)[:TEXT_LIMIT]

    def columns(self, rows: Rows) -> dict[str, Sequence[object]]:
        """The columns of DENIALS and the evidence columns, but for those that are the same in every row or absent."""
        inputs = rows.inputs
        methods, paths, queries, schemes, hosts = zip(*rows.targets, strict=True)

        def read(name: str, how: Callable[[object], object]) -> list[object] | None:
            return each(how, inputs[name]) if name in inputs else None

        scheme, host = read("scheme", self.clean), read("host", self.clean)
        out: dict[str, Sequence[object] | None] = {
            "time": self._times(rows),
            "origin_offset": rows.offsets,
            "method": methods,
            "scheme": schemes if scheme is None else _either(scheme, schemes),
            "host": each(_lower, hosts if host is None else _either(host, hosts)),
            "path": [self._undone(path, PATH_LIMIT) if path else None for path in paths],
            "query": each(self._query, queries),
            "route": rows.routes,
            "route_from": self._routes_from(rows),
            "status": rows.statuses,
            "ip": rows.addresses,
            "peer_ip": self._sockets(rows),
            "network": each(_network, rows.addresses),
            **self._upstream(rows),
            "referer": read("referer", self._referer),
        }
        for name in ("service", "request_id", "user_agent", "client", "credential"):
            out[name] = read(name, self.clean)
        for name in ("request_bytes", "response_bytes"):
            out[name] = read(name, _count)
        unit = self.units.get("duration", "s")
        out["duration_ms"] = read("duration", lambda value: _duration(value, unit))
        for name in self.evidence:
            out[EVIDENCE_PREFIX + name] = read(EVIDENCE_PREFIX + name, self._evidence)
        return {name: values for name, values in out.items() if values is not None}

    def _query(self, query: str | None) -> str | None:
        return redacted_query(self._undone(query, QUERY_READ)) if query else None

    def _referer(self, value: object) -> str | None:
        return redacted_url(self.clean(value))

    def _routes_from(self, rows: Rows) -> list[str]:
        of_route = ["cap" if route == OTHER else "template" for route in rows.routes]
        if "route" not in rows.inputs:
            return of_route
        named = each(self.clean, rows.inputs["route"])
        return ["gateway" if name else other for name, other in zip(named, of_route, strict=True)]

    def _upstream(self, rows: Rows) -> dict[str, Sequence[object]]:
        """What the upstreams did that were asked, so far as the format says it."""
        inputs, unit = rows.inputs, self.units.get("upstream_time", "s")
        nothing: list[None] = [None] * len(rows.offsets)
        addresses, statuses, times = (
            each(text, inputs[name]) if name in inputs else nothing
            for name in ("upstream_addr", "upstream_status", "upstream_time")
        )
        out: dict[str, Sequence[object]] = {}
        if "upstream_addr" in inputs:
            out["upstream_addr"] = each(_last, addresses)
        if "upstream_status" in inputs:
            out["upstream_status"] = each(last_status, statuses)
            out["upstream_attempts"] = [
                attempts(*parts, unit) for parts in zip(addresses, statuses, times, strict=True)
            ]
        if "upstream_time" in inputs:
            out["upstream_ms"] = [total(value, unit) for value in times]
        return out

    def _evidence(self, value: object) -> str | None:
        return evidence(self.clean(value) if isinstance(value, str) else value)

    def _sockets(self, rows: Rows) -> Sequence[str | None]:
        """The socket's address: what the format calls so, else the one that the gateway took for the client's."""
        if not self.proxies and "peer" not in rows.inputs:
            return rows.addresses
        addresses = rows.inputs.get("ip", [None] * len(rows.offsets))
        peers = rows.inputs.get("peer", addresses)
        return [self._concealed(_peer(text(peer) or text(ip))) for peer, ip in zip(peers, addresses, strict=True)]

    def _times(self, rows: Rows) -> Sequence[int]:
        if self.fine_clock is None:
            return rows.times
        read, fine = self.fine_clock.read, rows.inputs["fine_time"]
        return [found if (found := read(value)) is not None else at for at, value in zip(rows.times, fine, strict=True)]

    def _undone(self, value: str, limit: int) -> str:
        return (self._unescape(value[: WRITTEN * limit]) if "\\" in value else value)[:limit]


def _peer(value: str | None) -> str | None:
    """An address, or the last of a list of them."""
    return None if value is None else canonical(value.rpartition(",")[2].strip() if "," in value else value)


def _last(value: str | None) -> str | None:
    return elements(value)[-1][:TEXT_LIMIT] if value else None


def _either(given: Sequence[object], otherwise: Sequence[object]) -> list[object]:
    return [one or other for one, other in zip(given, otherwise, strict=True)]


def _network(address: str | None) -> str | None:
    return network(address) if address else None


def _lower(value: str | None) -> str | None:
    return value.lower() if value else None


def _count(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _duration(value: object, unit: str) -> float | None:
    found = number(value)
    return None if found is None else scaled(found, unit)
