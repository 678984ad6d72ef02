"""What a sender posted, taken apart into entries, and the names by which a retry is known.

Allowed are one JSON object, an array of objects (Kong's http-log sends either, by `queue.max_batch_size`), objects or
any other lines one under the other. An entry becomes one line.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import msgspec

NAME_BYTES = 16
SPACE = b" \t\r\n"
# Envoy's lines begin with "[" too
ARRAY = re.compile(rb"\[\s*[{\]]")

_array = msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder(msgspec.Raw)


class BadBody(Exception):
    """The body is nothing that could be taken; the message says why, in half a sentence."""


def entries(body: bytes) -> list[bytes]:
    """The entries of a body, in their order, each without a newline. Raises BadBody.

    Only arrays are checked here: what is wrong with a single entry is the parser's to say, for that entry alone.
    """
    text = body.strip(SPACE)
    if not text:
        raise BadBody("it is empty")
    if ARRAY.match(text):
        try:
            return [_in_one_line(bytes(entry)) for entry in _array.decode(text)]
        except (msgspec.MsgspecError, RecursionError) as why:
            raise BadBody(f"it is no array in JSON ({why})") from None
    if text.startswith(b"{") and b"\n" in text:
        try:
            return [_in_one_line(bytes(_one.decode(text)))]
        except (msgspec.MsgspecError, RecursionError):
            pass  # several objects, a line each
    return [line for line in (each.strip(SPACE) for each in text.split(b"\n")) if line]


def names(lines: list[bytes]) -> list[str]:
    """A name for each entry of one body: the hash of its bytes, and which of several alike it is.

    Not the request's id that it may hold: in many formats the client chooses that, and could hide behind one that was
    seen. Equal entries of one body are told apart; in two bodies they are taken for a retry.
    """
    seen: Counter[bytes] = Counter()
    found = []
    for line in lines:
        digest = hashlib.blake2b(line, digest_size=NAME_BYTES).digest()
        found.append(digest.hex() if not seen[digest] else f"{digest.hex()}-{seen[digest]}")
        seen[digest] += 1
    return found


def _in_one_line(entry: bytes) -> bytes:
    return msgspec.json.format(entry, indent=-1) if b"\n" in entry else entry.strip(SPACE)
