"""What a source's parser is told beside its format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from log_sentinel.config.load import load
from log_sentinel.daemon.readings import chooser, definitions, options_for
from log_sentinel.daemon.settings import Settings
from log_sentinel.parsing.mixed import MixedParser
from log_sentinel.parsing.parser import Parser
from log_sentinel.store.explaining import EXPLAINED_ALREADY
from tests.parsing.builders import batch

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
[sources.edge]
path = "/a.log"
log_format = '$remote_addr [$time_local] "$request" $status $upstream_status'
"""
DENIED = '203.0.113.7 [24/Nov/2026:03:33:33 +0000] "GET /a HTTP/1.1" 403 -\n'


def verdict(folder: Path, more: str) -> tuple[str, str, str]:
    """By whom, why and whose address, of a 403 that nginx answered itself."""
    (folder / "log-sentinel.toml").write_text(SOURCE + more)
    settings = load(Settings, folder / "log-sentinel.toml", {}).settings
    source = settings.sources["edge"]
    choose = chooser(
        "edge",
        definitions(settings, folder),
        options_for(settings, source),
        directive=source.log_format,
    )
    form = choose(b"")
    assert form is not None
    assert isinstance(form.parser, Parser | MixedParser)
    row = form.judge(form.parser.parse(batch(DENIED)).denials).row(0, named=True)
    # an entry that comes later must still be looked for
    assert re.search(EXPLAINED_ALREADY, row["evidence"]) is None
    return row["denied_by"], row["cause"], row["ip"]


def test_an_error_log_that_is_silent_says_something_too(tmp_path: Path) -> None:
    assert ("gateway", "unknown", "203.0.113.7") == verdict(tmp_path, "")
    assert ("gateway", "resource_policy", "203.0.113.7") == verdict(tmp_path, 'error_log = "/e.log"\n')


def test_addresses_are_stored_as_the_settings_want_them(tmp_path: Path) -> None:
    assert "203.0.113.0" == verdict(tmp_path, '[parsing]\naddresses = "truncated"\n')[2]
    assert verdict(tmp_path, '[parsing]\naddresses = "hashed"\naddresses_key = "k"\n')[2].startswith("fd")
