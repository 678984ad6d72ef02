"""Alerts come without pictures, as without the extra `charts`, unless a test asks for `charts`: drawing takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.charts import drawing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_charts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if "charts" not in request.fixturenames:
        monkeypatch.setattr(drawing, "RENDERER", "no_such_module")
    drawing.drawn.cache_clear()
    yield
    drawing.drawn.cache_clear()


@pytest.fixture
def charts() -> None:
    """The extra `charts` is installed."""
