"""Where state lives: all below one folder, each place by a variable."""

import os
import re
from pathlib import Path


def build() -> Path:
    return Path(os.environ.get("SWARMLINE_BUILD", "build")).resolve()


def trained() -> Path:
    """Bundles as training writes them, or fetches them from MLflow; nothing is served from here."""
    return Path(os.environ.get("SWARMLINE_TRAINED", build() / "trained")).resolve()


def bundles() -> Path:
    """The exported set, which the service reads."""
    return Path(os.environ.get("SWARMLINE_BUNDLES", build() / "bundles")).resolve()


def reports() -> Path:
    return Path(os.environ.get("SWARMLINE_REPORTS", build() / "reports")).resolve()


def tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{build() / 'mlflow.db'}"


def run_page(experiment_id: str, run_id: str) -> str:
    """Where people see a run; empty where MLflow is no server.

    A build may reach MLflow by an address that only machines inside the Swarm can open.
    """
    address = os.environ.get("SWARMLINE_MLFLOW_PAGES") or public(tracking_uri())
    if not address.startswith("http"):
        return ""
    return f"{address.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def artifacts() -> Path:
    """Where artifacts go when MLflow is a local database; a server keeps its own."""
    return build() / "artifacts"


def public(address: str) -> str:
    """An address without its password, for messages and records."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", address)
