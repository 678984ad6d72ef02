"""What a syslog message says, without its header: the line as the gateway formatted it.

RFC 5424, and RFC 3164 as it is sent: by nginx (`<190>Nov 24 03:33:33 host nginx: line`, without the host with
`nohostname`), HAProxy (`<134>Nov 24 03:33:39 haproxy[7]: line`), rsyslog (an ISO time). What has no header is taken
whole.
Nothing in the header is believed: anybody can write it.
"""

from __future__ import annotations

import re

PRIORITY = rb"<\d{1,3}>"
STRUCTURED = rb"(?:-|(?:\[(?:[^\]\\]|\\.)*\])+)"
RFC5424 = re.compile(PRIORITY + rb"1 \S+ \S+ \S+ \S+ \S+ " + STRUCTURED + rb"(?: (?:\xef\xbb\xbf)?|$)", re.ASCII)
TIME = rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,16})"
# a host may be an IPv6 address; what ends with a colon is the tag already
HOST = rb"(?:\S{0,254}[^\s:] )?"
TAG = rb"[^\s:\[\]]{1,64}(?:\[[^\s\]]{1,64}\])?: ?"
RFC3164 = re.compile(PRIORITY + TIME + rb" " + HOST + TAG, re.ASCII)
BARE = re.compile(PRIORITY)


def content(message: bytes) -> bytes:
    """The line in a message; b"" when there is none. A newline inside becomes a space: it would make a second line."""
    message = message.rstrip(b"\r\n\0")
    for header in (RFC5424, RFC3164, BARE):
        if found := header.match(message):
            message = message[found.end() :]
            break
    return message.replace(b"\n", b" ")
