"""The workers that a search runs its fits on: the cores of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import joblib

from training.common import own_code
from training.common.errors import TrainingError


@contextlib.contextmanager
def workers(cluster: str) -> Iterator[None]:
    """The place where joblib runs the fits inside; Dask is imported only for an address."""
    if not cluster:
        with joblib.parallel_config("loky", n_jobs=joblib.cpu_count(), **_own_code()):
            yield
        return
    with _connected(cluster), joblib.parallel_config("dask", n_jobs=-1):
        yield


def _own_code() -> dict[str, Any]:
    """Processes find own code where this one does; those that were started before there was any are started anew."""
    folders = own_code.imported_from()
    return {"initializer": own_code.import_from, "initargs": (folders,)} if folders else {}


def _connected(cluster: str) -> Any:
    """The cluster as joblib's default. How long it waits is Dask's setting distributed.comm.timeouts.connect."""
    import distributed  # pylint: disable=import-outside-toplevel  # only a cluster needs it

    class Client(distributed.Client):
        """What joblib scatters would be lost with the worker that holds it, and the search with that.

        As the result of a task, another worker can make it again.
        """

        async def _repeatable(self, data: Any) -> Any:
            return self.submit(copy.copy, data, pure=False)

        def scatter(self, data: Any, *_: Any, **__: Any) -> Any:
            return self._repeatable(data)

    try:
        return Client(cluster)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"--cluster {cluster}: no Dask scheduler answers there: {error}"
        ) from error
