"""Where state lives: all below one folder, each place by a variable."""

import os
import re
from pathlib import Path


def build() -> Path:
    return Path(os.environ.get("SWARMLINE_BUILD") or "build").resolve()


def bundles() -> Path:
    return Path(os.environ.get("SWARMLINE_BUNDLES") or build() / "bundles").resolve()


def reports() -> Path:
    return Path(os.environ.get("SWARMLINE_REPORTS") or build() / "reports").resolve()


def tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{build() / 'mlflow.db'}"


def artifacts() -> Path:
    """Where artifacts go when MLflow is a local database; a server keeps its own."""
    return build() / "artifacts"


def public(address: str) -> str:
    """An address without its password, for messages and records."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", address)
