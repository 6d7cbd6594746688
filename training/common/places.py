"""Where state lives: all below one folder, each place by a variable; an empty one is as one that is not set."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from training.common.errors import RegistryError


def build() -> Path:
    return Path(os.environ.get("SWARMLINE_BUILD") or "build").resolve()


def trained() -> Path:
    """Bundles as training writes them, or fetches them from MLflow; nothing is served from here."""
    return Path(os.environ.get("SWARMLINE_TRAINED") or build() / "trained").resolve()


def bundles() -> Path:
    """The exported set, which the service reads."""
    return Path(os.environ.get("SWARMLINE_BUNDLES") or build() / "bundles").resolve()


def reports() -> Path:
    return Path(os.environ.get("SWARMLINE_REPORTS") or build() / "reports").resolve()


def tracking_uri() -> str:
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{build() / 'mlflow.db'}"
    if not is_sound(uri):
        raise RegistryError(
            f"MLFLOW_TRACKING_URI: given {public(uri)}, in which name, password, host and port cannot be told apart;"
            " percent-encode what is special (@ is %40), or give MLFLOW_TRACKING_USERNAME and"
            " MLFLOW_TRACKING_PASSWORD"
        )
    return uri


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
    """An address without its password, for messages and records: all between a name and the last @ is hidden, for of a
    password that is not percent-encoded nobody knows where it ends. As in scripts/command/address.py.
    """
    return re.sub(r"(://[^:/@]*)(?::|@(?=.*@)).*@", r"\1:***@", address, flags=re.DOTALL)


def is_sound(address: str) -> bool:
    """Whether name, password, host and port can be told apart. As scripts/command/address.py, service/readers.py."""
    after = address.partition("://")[2]
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    if re.search(r"[@\s]", login) or (authority and "@" in after[len(authority) :]):
        return False
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def public_text(text: str) -> str:
    """A message without the passwords of the addresses in it."""
    return re.sub(r"\S*://\S*", lambda address: public(address[0]), text)
