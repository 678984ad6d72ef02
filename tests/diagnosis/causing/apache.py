"""Apache: Require in its forms, the older Deny, rewriting, files that it may not read, scripts and proxied services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnosis.causing.services import service
from tests.diagnosis.causing.situations import Situation, Written, ask, two_ports, until_logged
from tests.diagnosis.causing.tls import certificate, client
from tests.parsing import real_apache, real_servers
from tests.parsing.real_apache import COMBINED, COMMON, VHOST

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {
    "combined": COMBINED,
    "common": COMMON,
    "vhost": VHOST,
    "handler": rf"{COMBINED} %D %R",
}
MODULES = "authz_groupfile access_compat autoindex proxy proxy_http ssl socache_shmcb cgid setenvif env allowmethods"
DIRECTIVES = """
Listen 127.0.0.1:{tls}
ScriptSock {folder}/s/cgisock
LogLevel warn
<Directory {folder}/html>
  Options -Indexes -ExecCGI
  AllowOverride All
  AcceptPathInfo On
  Require all granted
</Directory>
<Files ".ht*">
  Require all denied
</Files>
<Location /net>
  <RequireAll>
    Require all granted
    Require not ip 127.0.3
  </RequireAll>
</Location>
<Location /inside>
  Require ip 10.0.0.0/8
</Location>
<Location /up/inside>
  Require ip 10.0.0.0/8
</Location>
<Location /older>
  Order allow,deny
  Allow from all
  Deny from 127.0.3
</Location>
<Location /nobody>
  Require all denied
</Location>
<LocationMatch "/\\.git">
  Require all denied
</LocationMatch>
<Location /reading>
  <LimitExcept GET HEAD>
    Require all denied
  </LimitExcept>
</Location>
SetEnvIfNoCase User-Agent sqlmap scanner
<Location /scanned>
  <RequireAll>
    Require all granted
    Require not env scanner
  </RequireAll>
</Location>
<Location /basic>
  AuthType Basic
  AuthName x
  AuthUserFile {folder}/users
  Require user alice
</Location>
<Location /admins>
  AuthType Basic
  AuthName x
  AuthUserFile {folder}/users
  AuthGroupFile {folder}/groups
  AuthzSendForbiddenOnFailure On
  Require group admins
</Location>
<Location /secured>
  SSLRequireSSL
</Location>
<Location /required>
  SSLRequire %{{SSL_CIPHER_USEKEYSIZE}} >= 4096
</Location>
Redirect 429 /plan
Redirect 403 /redirected
RewriteEngine on
RewriteRule ^/rewritten - [F]
RewriteCond %{{HTTP_USER_AGENT}} sqlmap
RewriteRule ^/robots-only - [F]
ScriptAlias /scripts {folder}/scripts
<Directory {folder}/scripts>
  Options +ExecCGI
  Require all granted
</Directory>
<Location /off.cgi>
  SetHandler cgi-script
</Location>
ProxyPass /up http://127.0.0.1:{service}
ProxyPass /paged http://127.0.0.1:{service}
<Location /paged>
  ProxyErrorOverride On
</Location>
<VirtualHost 127.0.0.1:{tls}>
  SSLEngine on
  SSLCertificateFile {folder}/cert.pem
  SSLCertificateKeyFile {folder}/key.pem
  SSLCACertificateFile {folder}/cert.pem
  <Location /certified>
    SSLVerifyClient require
  </Location>
</VirtualHost>
"""
SCRIPT = b'#!/bin/sh\nprintf \'Status: 403 Forbidden\\r\\nContent-Type: application/json\\r\\n\\r\\n{"error":"no"}\'\n'
ALICE = (("Authorization", "Basic YWxpY2U6b3Blbg=="),)
WRONG = (("Authorization", "Basic YWxpY2U6d3Jvbmc="),)
SERVICE = ("upstream", "insufficient_permissions")
POLICY = ("gateway", "resource_policy")
MISTAKE = ("gateway", "gateway_misconfiguration")
ERROR_LOG = "apache-error"
SITUATIONS = [
    Situation("allowed", "/hello.txt", exact=True),
    Situation("allowed by address", "/net", 404),
    Situation("Require not ip", "/net", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation("Require ip", "/inside", 403, "gateway", "ip_restriction"),
    Situation("Require ip, POST", "/inside", 403, "gateway", "ip_restriction", method="POST"),
    Situation("Require ip, before a service", "/up/inside", 403, "gateway", "ip_restriction"),
    Situation("Deny from", "/older", 403, "gateway", "ip_restriction", source="127.0.3"),
    Situation("Require all denied", "/nobody", 403, *POLICY, ("ip_restriction",)),
    Situation("hidden files", "/.git/config", 403, *POLICY, exact=True),
    Situation("hidden files of Apache's", "/.htaccess", 403, *POLICY, exact=True),
    Situation("LimitExcept", "/reading", 403, *POLICY, method="DELETE"),
    Situation("user agent", "/scanned", 403, *POLICY, headers=(("User-Agent", "sqlmap/1.8"),)),
    Situation("no password", "/basic", 401, "gateway", "authentication"),
    Situation("wrong password", "/basic", 401, "gateway", "authentication", headers=WRONG),
    Situation("not of the group", "/admins", 403, "gateway", "insufficient_permissions", headers=ALICE),
    Situation("no TLS", "/secured", 403, *POLICY, ("gateway_misconfiguration",)),
    Situation("SSLRequire", "/required", 403, *POLICY, tls=True),
    Situation("no certificate", "/certified", 403, "gateway", "authentication",
        ("insufficient_permissions", "gateway_misconfiguration"), tls=True),
    Situation("Redirect 429", "/plan", 429, "gateway", "rate_limit"),
    Situation("Redirect 403", "/redirected", 403, *POLICY),
    Situation("RewriteRule", "/rewritten", 403, *POLICY),
    Situation("RewriteCond", "/robots-only", 403, *POLICY, headers=(("User-Agent", "sqlmap/1.8"),)),
    Situation("no index", "/folder/", 403, *MISTAKE, exact=True),
    Situation("file permissions", "/closed.txt", 403, *MISTAKE, exact=True),
    Situation("folder permissions", "/closed/a.txt", 403, *MISTAKE, exact=True),
    Situation("symbolic link", "/linked.txt", 403, *MISTAKE, ("resource_policy",), exact=True),
    Situation("script that is none", "/off.cgi", 403, *MISTAKE, ("resource_policy",), exact=True),
    Situation("the script", "/scripts/no.cgi", 403, *SERVICE),
    Situation("the service", "/up/forbidden", 403, *SERVICE),
    Situation("the service, POST", "/up/forbidden", 403, *SERVICE, method="POST"),
    Situation("the service's limit", "/up/many", 429, "upstream", "rate_limit"),
    Situation("the service's login", "/up/unauthorized", 401, "upstream", "authentication"),
    Situation("the service, with Apache's page", "/paged/forbidden", 403, *SERVICE),
    Situation("the service is busy", "/up/busy", 503),
]  # fmt: skip


def written(folder: Path, rounds: int, _: str = "") -> Written:
    """Asks a new Apache in `folder` everything, `rounds` times; it logs in all of FORMATS at once."""
    prepare(folder)
    certificate(folder)
    ports = two_ports()
    with service() as one:
        directives = DIRECTIVES.format(folder=folder, tls=ports[True], service=one)
        with real_apache.running(folder, ports[False], directives, FORMATS, MODULES):
            journal = ask(ports, SITUATIONS, rounds, "apache", client())
            for name in FORMATS:
                until_logged(folder / f"{name}.log", journal)
    return Written(folder, journal)


def prepare(folder: Path) -> None:
    """Documents and scripts that may be read by nobody's processes, and some that may not."""
    real_servers.make_reachable(folder)
    html, scripts = folder / "html", folder / "scripts"
    for each in (html / "folder", html / "closed", scripts, folder / "s"):
        each.mkdir(parents=True)
    (folder / "s").chmod(0o777)
    for name in ("hello.txt", "closed.txt", "closed/a.txt", "off.cgi", ".htaccess"):
        (html / name).write_text("" if name == ".htaccess" else "hello\n")
    (html / "closed.txt").chmod(0o000)
    (html / "closed").chmod(0o000)
    (html / "linked.txt").symlink_to(html / "hello.txt")
    (scripts / "no.cgi").write_bytes(SCRIPT)
    (scripts / "no.cgi").chmod(0o755)
    # of the password "open"
    (folder / "users").write_text("alice:{SHA}X8fji//gDKRq3YkUVGSi6vdZ1cI=\n")
    (folder / "groups").write_text("admins: bob\n")
