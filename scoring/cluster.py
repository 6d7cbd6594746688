"""Parts scored on a Dask cluster: each worker reads a part, predicts it and writes it aside; this machine joins them.

The workers reach SOURCE and the folder of OUT by the same paths as this machine. They are sent the bundle.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from scoring.errors import ScoringError
from scoring.predictor import Identifier, Predictor
from scoring.progress import Progress
from scoring.run import Sink, Source, score_span
from scoring.sources.span import Span
from scoring.unfinished import Done, Part
from service.bundle.exported import Bundle, load_bundle

#: How often a part is tried whose worker failed.
TRIES = 3
BundleFiles = Mapping[str, bytes]


def score_on(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    address: str,
    bundle: Bundle,
    identifier: Identifier,
    source: Source,
    sink: Sink,
    spans: Collection[Span],
    progress: Progress,
) -> dict[Part, Done]:
    """The spans, each as a task; parts that were written before a failure stay written."""
    import distributed  # pylint: disable=import-outside-toplevel  # only a cluster needs it

    if not spans:
        return {}
    files = {path.name: path.read_bytes() for path in bundle.folder.iterdir() if path.is_file()}
    done: dict[Part, Done] = {}
    with _connected(address) as client, client.as_current():
        # The result of a task, and no scattered data: those would be lost with the worker that holds them.
        sent = client.submit(dict, files, pure=False)
        tasks = [
            client.submit(
                _score_task, sent, identifier, source, sink, span, pure=False, retries=TRIES
            )
            for span in spans
        ]
        for task in distributed.as_completed(tasks):  # type: ignore[no-untyped-call]
            scored = {Part(file, number): part for file, number, part in task.result()}
            done |= scored
            progress.add(sum(part.rows for part in scored.values()))
    return done


def _connected(address: str) -> Any:
    """How long it waits is Dask's setting distributed.comm.timeouts.connect."""
    import distributed  # pylint: disable=import-outside-toplevel

    try:
        return distributed.Client(address, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ScoringError(
            f"--cluster {address}: no Dask scheduler answers there: {error}"
        ) from error


def _score_task(
    files: BundleFiles, identifier: Identifier, source: Source, sink: Sink, span: Span
) -> list[tuple[int, int, Done]]:
    """On a worker. What it gives is plain: Dask makes a tuple without names of one with them."""
    predictor = Predictor(_bundle(tuple(sorted(files.items()))), identifier)
    scored = score_span(predictor, source, sink, span, _tell_nobody)
    return [(part.file, part.number, done) for part, done in scored.items()]


@functools.lru_cache(maxsize=1)
def _bundle(files: tuple[tuple[str, bytes], ...]) -> Bundle:
    """Loaded once a process, for all parts of a scoring."""
    with tempfile.TemporaryDirectory(prefix="swarmline-scoring-") as folder:
        for name, content in files:
            Path(folder, name).write_bytes(content)
        return load_bundle(Path(folder))


def _tell_nobody(_rows: int) -> None:
    """Progress is told by whom the parts come back to."""
