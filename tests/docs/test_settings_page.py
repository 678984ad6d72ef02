"""docs/settings.md against the settings themselves: every key, every default, and every TOML block in the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

import pytest

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"
# Defaults that a table says in words rather than as the value
IN_WORDS = {
    "instance": "the host's name",
    "format": "guessed",
    "rules": "the shipped ones",
    "port": "by `tls`",
}


def tables() -> dict[str, dict[str, str]]:
    """Heading to the keys of the table below it, each with what the page says is the default."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif row := re.match(r"\| `(\w+)` \| (.*?) \| ", line):
            found.setdefault(heading, {})[row[1]] = row[2]
    return found


def sections() -> dict[str, type[BaseModel]]:
    """Heading to the section of the settings that it is about."""
    from log_sentinel.config.section import Section
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.delivery.channels import CHANNELS
    from log_sentinel.delivery.settings import Route
    from log_sentinel.incidents.maintenance import Maintenance
    from log_sentinel.sources.settings import FileSource, PushSource, StdinSource, SyslogSource

    found: dict[str, type[BaseModel]] = {
        f"`[{name}]`": section
        for name, field in Settings.model_fields.items()
        # a section that may be left out is a union with None
        for section in (field.annotation, *get_args(field.annotation))
        if isinstance(section, type)
        and issubclass(section, Section)
        and get_origin(field.annotation) not in (dict, list)
    }
    found["`[sources.NAME]`"] = FileSource
    for source in (PushSource, SyslogSource, StdinSource):
        (name,) = get_args(source.model_fields["type"].annotation)
        found[f'`type = "{name}"`'] = source
    found["`[[routing]]`"] = Route
    found["`[maintenance.NAME]`"] = Maintenance
    for channel in CHANNELS:
        kind = cast("type[BaseModel]", channel.settings)
        (name,) = get_args(kind.model_fields["type"].annotation)
        found[f'`type = "{name}"`'] = kind
    return found


def test_every_key_of_every_section_is_on_the_page_and_no_other() -> None:
    on_page = {heading: set(keys) for heading, keys in tables().items()}
    in_code = {heading: set(section.model_fields) for heading, section in sections().items()}
    for heading, keys in in_code.items():
        if heading.startswith("`type = "):
            keys.discard("type")
    assert {heading: keys for heading, keys in in_code.items() if keys} == {
        heading: keys for heading, keys in on_page.items() if heading != "The top of the file"
    }


def test_every_section_is_on_the_page() -> None:
    from log_sentinel.daemon.settings import Settings

    text = PAGE.read_text()
    for name in Settings.model_fields:
        assert re.search(rf"^## `\[+{name}\b|^\| `{name}`", text, re.MULTILINE), name


def test_every_default_is_the_one_of_the_code() -> None:
    for heading, section in sections().items():
        said = tables().get(heading, {})
        for key, field in section.model_fields.items():
            if key in said and key not in IN_WORDS:
                assert default(field) == said[key].strip("`"), f"{heading} {key}"


def default(field: FieldInfo) -> str:
    from datetime import timedelta

    from pydantic import SecretStr

    from log_sentinel.config.durations import written

    if field.is_required():
        return "needed"
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        return written(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, tuple | list | frozenset):
        return str(sorted(value))
    return "none" if value is None else str(value)


def blocks(language: str) -> list[Any]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in pages
        for number, block in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL), 1
        )
    ]


@pytest.mark.parametrize("block", blocks("toml"))
def test_every_block_of_settings_in_the_docs_loads(block: str, tmp_path: Path) -> None:
    from log_sentinel.config.load import load
    from log_sentinel.daemon.settings import Settings

    for name in re.findall(r'_file = "([^"]+)"', block):
        secret = tmp_path / Path(name).name
        secret.write_text("https://hooks.slack.com/services/T/B/x")
        block = block.replace(name, str(secret))
    path = tmp_path / "log-sentinel.toml"
    path.write_text(block)
    assert load(Settings, path, {}).settings


@pytest.mark.parametrize("block", blocks("toml rule"))
def test_every_rule_in_the_docs_does_what_its_series_say(block: str, tmp_path: Path) -> None:
    from log_sentinel.detection.rules import load_rule
    from log_sentinel.detection.trial import try_rules

    path = tmp_path / "from-the-docs.toml"
    path.write_text(block)
    assert [outcome.problem for outcome in try_rules([load_rule(path)]) if outcome.problem] == []
