"""Whatever a settings file holds, it is accepted or its mistakes are told: nothing else ever comes out of loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_sentinel.config import explaining, layers, secret_files
from log_sentinel.config.load import BadSettings, load
from log_sentinel.config.redaction import Redaction
from log_sentinel.daemon.settings import Settings

KEYS = st.sampled_from(
    [
        *("a", "type", "path", "url", "token", "token_file", "slack", "email", "match", "to", "listen", "statuses"),
        *("database", "sources", "edge", "channels", "ops", "routing", "web", "retention", "retention_file", "denials"),
    ]
)
SCALARS = st.one_of(
    st.none().map(lambda _: "slack"), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_of_values_is_accepted_or_told(tree: dict[str, Any]) -> None:
    whole = layers.merged([layers.Layer("x.toml", tree)])

    mistakes = secret_files.resolve(whole, Settings, {})
    try:
        Settings.model_validate(whole.values)
    except ValueError as error:
        mistakes += explaining.mistakes(error, Settings, whole, Redaction())  # type: ignore[arg-type]
        assert mistakes

    assert all(str(mistake).startswith("x.toml") and str(mistake).endswith((".", "?")) for mistake in mistakes)


def loads_or_tells(path: Path, environ: dict[str, str]) -> bool:
    try:
        load(Settings, path, environ)
    except BadSettings as bad:
        return bool(bad.mistakes)
    return True


@given(st.one_of(st.binary(), st.text().map(str.encode)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_accepted_or_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)

    assert loads_or_tells(path, {})


@given(st.dictionaries(st.lists(KEYS, min_size=1, max_size=5).map("__".join), st.text(max_size=20), max_size=5))
def test_any_variables_are_accepted_or_told(variables: dict[str, str]) -> None:
    environ = {f"LOG_SENTINEL__{name.upper()}": value for name, value in variables.items()}

    assert loads_or_tells(Path("/dev/null"), environ)


@pytest.mark.parametrize("secret", ["canary-1234567890"])
@pytest.mark.parametrize("key", ["token", "tokn", "token_file", "webhook_url", "channel", "timeout"])
@pytest.mark.parametrize("template", ['"{}"', '["{}"]', '{{ a = "{}" }}', '{{ "{}" = 1 }}'])
def test_a_token_is_shown_in_no_mistake_of_its_section_but_where_it_was_given_as_a_name(
    tmp_path: Path, secret: str, key: str, template: str
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f'[channels.ops]\ntype = "slack"\n{key} = {template.format(secret)}\n')

    try:
        load(Settings, path, {})
    except BadSettings as bad:
        shown = [str(mistake) for mistake in bad.mistakes if secret in str(mistake)]
        assert shown == [] or key in ("token_file", "channel", "timeout")
