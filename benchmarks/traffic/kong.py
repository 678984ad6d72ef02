r"""Kong's file-log plugin: one object of the log serializer a line, as Kong 3.9 writes it.

https://developer.konghq.com/plugins/file-log/ lists the fields. Kong's cjson writes no spaces and escapes `/` as `\/`;
`upstream_status` is a string; `tries` is absent and `latencies.proxy` is -1 when Kong answered by itself.
"""

import json
import time
from functools import lru_cache
from hashlib import blake2b

from benchmarks.traffic import population
from benchmarks.traffic.request import Request

HOST = "api.example.com"
AUTHORIZED = '"authorization":"REDACTED",'
LIMITED = '"x-ratelimit-limit-minute":"600","x-ratelimit-remaining-minute":"0","retry-after":"17",'


def _id(*of: str) -> str:
    """A UUID that is always the same for the same thing."""
    digest = blake2b("/".join(of).encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


WORKSPACE = _id("workspace", "default")


@lru_cache
def _entities(route_name: str) -> str:
    """The `route` and `service` members: whole entities, the same in each line of a route."""
    route = population.ROUTE[route_name]
    service_id = _id("service", route.service)
    entities = {
        "route": {
            "id": _id("route", route_name),
            "name": route_name,
            "paths": [route.template.split("{")[0].split("?")[0]],
            "methods": [route.method],
            "protocols": ["http", "https"],
            "strip_path": False,
            "preserve_host": False,
            "regex_priority": 0,
            "path_handling": "v0",
            "created_at": 1758000000,
            "updated_at": 1758000000,
            "service": {"id": service_id},
            "ws_id": WORKSPACE,
        },
        "service": {
            "id": service_id,
            "name": route.service,
            "host": f"{route.service}.internal",
            "port": 8080,
            "protocol": "http",
            "connect_timeout": 60000,
            "read_timeout": 60000,
            "write_timeout": 60000,
            "retries": 5,
            "enabled": True,
            "created_at": 1758000000,
            "updated_at": 1758000000,
            "ws_id": WORKSPACE,
        },
    }
    return _text(entities)[1:-1]


@lru_cache(maxsize=4096)
def _consumer(client: str) -> str:
    consumer_id = _id("consumer", client)
    known = {
        "consumer": {"id": consumer_id, "username": client, "created_at": 1758000000, "ws_id": WORKSPACE},
        "authenticated_entity": {"id": _id("key", client), "consumer_id": consumer_id},
    }
    return _text(known)[1:-1] + ","


@lru_cache(maxsize=256)
def _escaped(text: str) -> str:
    return _text(text)[1:-1]


@lru_cache(maxsize=1024)
def _http_date(second: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))


def _slashes(plain: str) -> str:
    """A text without quotes, backslashes or controls as it stands in JSON: quicker than asking `json`."""
    return plain.replace("/", "\\/")


def _refusal(request: Request) -> str:
    """The members that show that Kong answered by itself."""
    took = int(request.seconds * 1000)
    return (
        '"upstream_uri":"","upstream_status":"","source":"kong",'
        f'"latencies":{{"kong":{took},"proxy":-1,"request":{took},"receive":0}},'
    )


def _relay(request: Request, started: int) -> str:
    """The members that show that the upstream answered."""
    took = int(request.seconds * 1000)
    return (
        f'"upstream_uri":"{_slashes(request.target)}","upstream_status":"{request.status}","source":"upstream",'
        f'"latencies":{{"kong":2,"proxy":{max(took - 3, 0)},"request":{took},"receive":1}},'
        f'"tries":[{{"ip":"10.20.0.{20 + started % 4}","port":8080,"balancer_start":{started + 1},'
        f'"balancer_start_ns":{started + 1}000192,"balancer_latency":0,"balancer_latency_ns":18176,"keepalive":true}}],'
    )


def _querystring(target: str) -> str:
    pairs = (pair.partition("=") for pair in target.partition("?")[2].split("&") if pair)
    return ",".join(f'"{name}":"{_slashes(value)}"' for name, _, value in pairs)


def kong(request: Request) -> str:
    """The request's line with its newline."""
    ended = int(request.at * 1000)
    started = int((request.at - request.seconds) * 1000)
    uri = _slashes(request.target)
    request_id = blake2b(f"{ended} {request.ip} {uri}".encode(), digest_size=16).hexdigest()
    limits = LIMITED if request.status == 429 and not request.from_upstream else ""
    return (
        f'{{"request":{{"id":"{request_id}","method":"{request.method}","uri":"{uri}",'
        f'"url":"http:\\/\\/{HOST}:8000{uri}","size":{310 + len(uri)},"querystring":{{{_querystring(request.target)}}},'
        f'"headers":{{"host":"{HOST}","accept":"*\\/*",{AUTHORIZED if request.client else ""}'
        f'"user-agent":"{_escaped(request.agent)}","x-forwarded-for":"{request.ip}"}}}},'
        f'"response":{{"status":{request.status},"size":{request.size + 320},"headers":{{'
        f'"content-type":"application\\/json; charset=utf-8","date":"{_http_date(ended // 1000)}",'
        f'"content-length":"{request.size}",{limits}"server":"kong\\/3.9.1","x-kong-request-id":"{request_id}"}}}},'
        f"{_relay(request, started) if request.from_upstream else _refusal(request)}"
        f"{_entities(request.route)},{_consumer(request.client) if request.client else ''}"
        f'"client_ip":"{request.ip}","started_at":{started},"workspace":"{WORKSPACE}","workspace_name":"default"}}\n'
    )
