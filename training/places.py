"""Where state lives: all below one folder, each place by a variable."""

import os
import re
from pathlib import Path


def build() -> Path:
    return Path(os.environ.get("SWARMLINE_BUILD", "build")).resolve()


def bundles() -> Path:
    return Path(os.environ.get("SWARMLINE_BUNDLES", build() / "bundles")).resolve()


def reports() -> Path:
    return Path(os.environ.get("SWARMLINE_REPORTS", build() / "reports")).resolve()


def tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{build() / 'mlflow.db'}"


def artifacts() -> Path:
    """Where artifacts go when MLflow is a local database; a server keeps its own."""
    return build() / "artifacts"


def public(text: str) -> str:
    """A text without the passwords of the addresses in it. One may hold any sign, `@` too, and a path has one slash."""
    return re.sub(r"(:/{1,2}[^:/@\s]*):\S*@", r"\1:***@", text)
