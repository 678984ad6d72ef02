"""A certificate for servers on loopback, and a client that takes it and has none of its own."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


def certificate(folder: Path) -> None:
    """Writes cert.pem, key.pem and both.pem."""
    issued = trustme.CA().issue_cert("edge.example.com")
    chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
    key = issued.private_key_pem.bytes()
    for name, data in (("cert.pem", chain), ("key.pem", key), ("both.pem", key + chain)):
        (folder / name).write_bytes(data)


def client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
