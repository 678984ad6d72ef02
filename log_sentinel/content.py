"""Finds what ships beside the engine: log formats, alert rules, migrations."""

from importlib import resources
from pathlib import Path
from typing import Literal

Kind = Literal["parsers", "alerts", "migrations"]


def shipped(kind: Kind) -> Path:
    """The folder of the shipped `kind`: inside the package in an installation, beside it in a checkout.

    Raises FileNotFoundError when the installation carries neither.
    """
    package = Path(str(resources.files("log_sentinel")))
    for folder in (package / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{package / kind}: not found; the installation is incomplete. Install log-sentinel again.")
