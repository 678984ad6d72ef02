"""An nginx `log_format ... escape=json` as many deployments write it: every value a string."""

import time
from functools import lru_cache

from benchmarks.traffic.request import Request

# What stands in nginx.conf for these lines.
DIRECTIVE = (
    'log_format api escape=json \'{"time_iso8601":"$time_iso8601","remote_addr":"$remote_addr",'
    '"remote_user":"$remote_user","request_method":"$request_method","request_uri":"$request_uri","status":"$status",'
    '"body_bytes_sent":"$body_bytes_sent","request_time":"$request_time","http_referer":"$http_referer",'
    '"http_user_agent":"$http_user_agent","upstream_status":"$upstream_status"}\';'
)


@lru_cache(maxsize=1024)
def _time_iso8601(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(second))


def nginx_json(request: Request) -> str:
    """The request's line with its newline. A missing value is empty under escape=json, where it is `-` otherwise."""
    referer = "" if request.referer == "-" else request.referer
    return (
        f'{{"time_iso8601":"{_time_iso8601(int(request.at))}","remote_addr":"{request.ip}",'
        f'"remote_user":"{request.client or ""}","request_method":"{request.method}","request_uri":"{request.target}",'
        f'"status":"{request.status}","body_bytes_sent":"{request.size}","request_time":"{request.seconds:.3f}",'
        f'"http_referer":"{referer}","http_user_agent":"{request.agent}",'
        f'"upstream_status":"{request.status if request.from_upstream else ""}"}}\n'
    )
