"""nginx's `combined` format: http://nginx.org/en/docs/http/ngx_http_log_module.html#log_format."""

import functools
import time

from benchmarks.traffic.request import Request

# nginx writes English names whatever the locale
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@functools.lru_cache(maxsize=1024)
def _time_local(second: int) -> str:
    at = time.gmtime(second)
    return f"{at.tm_mday:02}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year}:{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"


def combined(request: Request) -> str:
    """The request's line with its newline. Nothing made up here needs nginx's escapes."""
    return (
        f"{request.ip} - {request.client or '-'} [{_time_local(int(request.at))}] "
        f'"{request.method} {request.target} HTTP/1.1" {request.status} {request.size} '
        f'"{request.referer}" "{request.agent}"\n'
    )
