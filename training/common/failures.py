"""Errors of MLflow, its database, a disk or a folder, as one sentence with its remedy."""

from __future__ import annotations

import errno
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from outside.address import public
from training.common import state
from training.common.errors import Unavailable

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def kinds() -> tuple[type[Exception], ...]:
    """The errors of MLflow, databases and disks; asked once one was raised, when what is in use is imported."""
    if "mlflow" not in sys.modules:
        return (OSError,)
    # pylint: disable=import-outside-toplevel  # a command that needs no MLflow does not wait for it
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return OSError, MlflowException, SQLAlchemyError


def explained(error: Exception) -> Unavailable:
    """The error as one to show: which place it was, what is wrong with it, what to do."""
    return Unavailable(_in_words(error, list(_chain(error))))


def _in_words(error: Exception, chain: list[BaseException]) -> str:
    for cause in chain:
        if isinstance(cause, OSError) and cause.errno in (*_FULL, *_CLOSED):
            return _of_disk(cause)
    address = public(state.tracking_uri())
    mlflow = f"MLflow at {address} (MLFLOW_TRACKING_URI)"
    text = str(error).strip() or type(error).__name__
    if "database or disk is full" in text:
        return f"{mlflow}: the disk is full; make room there, and run the command again"
    if "readonly database" in text or "unable to open database" in text:
        return f"{mlflow}: the database cannot be written; make file and folder writable"
    if _is_of_network(chain) or "connection failed" in text or "connection timeout" in text:
        return f"{mlflow} does not answer: {_reason(chain)}; start it, or set MLFLOW_TRACKING_URI to one that runs"
    if type(error).__module__.startswith(("mlflow.", "sqlalchemy.")):
        return f"{mlflow}: {text.splitlines()[0]}"
    return f"{text.splitlines()[0]}; --traceback shows where it came from"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came from, and what its first argument wraps, as requests and urllib3 do."""
    while error is not None:
        yield error
        inside = [*error.args[:1], getattr(error, "reason", None)]
        yield from (cause for cause in inside if isinstance(cause, BaseException))
        error = error.__cause__ or error.__context__


def _of_disk(error: OSError) -> str:
    place = error.filename or _fullest()
    elsewhere = "SWARMLINE_BUILD moves what is made, TMPDIR what is made on the way"
    if error.errno in _FULL:
        return f"{place}: the disk is full; make room, or use another: {elsewhere}"
    return f"{place}: cannot be written ({error.strerror}); make it writable, or use another: {elsewhere}"


def _fullest() -> Path:
    """A write that fails does not say where it went."""
    candidates = [state.build(), Path(tempfile.gettempdir())]
    return min(filter(Path.exists, candidates), key=lambda path: shutil.disk_usage(path).free)


def _is_of_network(chain: list[BaseException]) -> bool:
    return any(
        type(cause).__module__.startswith(("requests.", "urllib3."))
        or isinstance(cause, ConnectionError)
        for cause in chain
    )


def _reason(chain: list[BaseException]) -> str:
    text = " ".join(map(str, chain)).lower()
    reasons = ("connection refused", "name or service not known", "certificate", "reset by peer")
    return next((reason for reason in reasons if reason in text), "no answer in time")
