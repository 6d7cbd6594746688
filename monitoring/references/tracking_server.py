"""MLflow's client for the monitor: it comes within seconds, or a sentence says why not."""

from __future__ import annotations

import importlib
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import requests

from monitoring.settings import Settings
from outside.address import is_sound, public

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow import MlflowClient

T = TypeVar("T")
#: MLflow's client reads them at each request; its own would try again for minutes.
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
KNOCK_SECONDS = 3.0
#: So long after a failure nobody is asked again.
PAUSE_SECONDS = 30.0


class TrackingUnavailable(Exception):
    """MLflow does not answer, or was not named; the message says which."""


class TrackingRefused(TrackingUnavailable):
    """MLflow answers, and refuses what it was asked."""


class TrackingServer:
    """MLflow at one address, for as long as the process lives; one in each thread that uses it."""

    def __init__(self, uri: str, username: str | None = None, password: str | None = None):
        self._uri = uri
        self._client: MlflowClient | None = None
        self._failed = -PAUSE_SECONDS
        self._why = ""
        os.environ.update(_PATIENCE)
        for name, value in (("USERNAME", username), ("PASSWORD", password)):
            if value:
                os.environ[f"MLFLOW_TRACKING_{name}"] = value

    @classmethod
    def of(cls, settings: Settings) -> TrackingServer:
        return cls(
            settings.mlflow_tracking_uri,
            settings.mlflow_tracking_username,
            settings.mlflow_tracking_password,
        )

    @property
    def named(self) -> bool:
        return bool(self._uri)

    def ask(self, question: Callable[[MlflowClient], T]) -> T:
        """What MLflow answers; TrackingUnavailable where it does not, and for a while after that at once.

        That something is not there is an answer: `question` takes care of it.
        """
        if time.monotonic() - self._failed < PAUSE_SECONDS:
            raise TrackingUnavailable(self._why)
        try:
            client = self._connected()
            # Only with a client is it known that MLflow can be imported.
            from mlflow.exceptions import MlflowException  # pylint: disable=import-outside-toplevel

            try:
                return question(client)
            except MlflowException as error:
                status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
                if _is_refusal(status):
                    raise TrackingRefused(self._sentence(error)) from error
                raise TrackingUnavailable(self._sentence(error)) from error
            except requests.HTTPError as error:
                if error.response is not None and _is_refusal(error.response.status_code):
                    raise TrackingRefused(self._sentence(error)) from error
                raise
        except TrackingRefused:
            # It is there: another question may be answered.
            raise
        except (OSError, requests.RequestException) as error:
            raise self._note(TrackingUnavailable(self._sentence(error))) from error
        except TrackingUnavailable as error:
            raise self._note(error)

    def _note(self, error: TrackingUnavailable) -> TrackingUnavailable:
        self._failed, self._why, self._client = time.monotonic(), str(error), None
        return error

    def _sentence(self, error: Exception) -> str:
        reason = str(error).strip().partition("\n")[0].replace(self._uri, public(self._uri))
        return f"MLflow at {public(self._uri)} does not answer as it should ({reason[:300]})"

    def _connected(self) -> MlflowClient:
        if self._client is None:
            if not self._uri or not is_sound(self._uri):
                raise TrackingUnavailable("no MLflow is named; MLFLOW_TRACKING_URI does")
            self._knock()
            self._client = _client(self._uri)
        return self._client

    def _knock(self) -> None:
        """MLflow's client waits long for one that is away, and makes the tables of a file that is not there."""
        if self._uri.startswith("http"):
            requests.get(f"{self._uri.rstrip('/')}/health", timeout=KNOCK_SECONDS)
        elif self._uri.startswith("sqlite:///"):
            file = Path(self._uri.removeprefix("sqlite:///"))
            if not file.is_file():
                raise TrackingUnavailable(f"MLflow's file {file} is not there")


def _is_refusal(status: int) -> bool:
    """Of this question alone: not for want of a login, or of time."""
    return 400 <= status < 500 and status not in (401, 403, 408, 429)


def _client(uri: str) -> MlflowClient:
    try:
        # Takes seconds to import: not before it is needed.
        mlflow = importlib.import_module("mlflow.tracking")
        errors = importlib.import_module("mlflow.exceptions")
    except ImportError as error:
        raise TrackingUnavailable(f"MLflow's client cannot be loaded: {error}") from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client: MlflowClient = mlflow.MlflowClient(uri, uri)
        return client
    except (ImportError, errors.MlflowException) as error:
        raise TrackingUnavailable(f"MLflow at {public(uri)} cannot be used: {error}") from error
