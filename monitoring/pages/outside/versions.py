"""What is known of a model's versions beside their windows: contract, where they come from, card."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any

from monitoring.references import (
    NoReference,
    References,
    TrackingServer,
    TrackingUnavailable,
    VersionReference,
)
from monitoring.references.references import BUNDLE
from service.bundle.manifest import sha256

_LOG = logging.getLogger(__name__)
CARD = "card.html"
#: Cards kept, the newest asked for.
MOST_CARDS = 20


class Versions:
    """`references` and `server` are this one's own: they are asked by one thread at a time."""

    def __init__(self, references: References, server: TrackingServer):
        self._references, self._server = references, server
        self._lock = Lock()
        self._cards: dict[tuple[str, str], bytes] = {}

    def of(self, model: str, version: str) -> VersionReference | None:
        """None where neither the exported set nor MLflow tells."""
        with self._lock:
            try:
                return self._references.of(model, version)
            except NoReference as error:
                _LOG.info("%s %s: %s", model, version, error)
                return None

    def card(self, model: str, version: str) -> bytes | None:
        """card.html: of the exported set, else of the version's run in MLflow."""
        reference = self.of(model, version)
        if reference is None or CARD not in reference.manifest.files:
            return None
        exported = reference.folder / CARD
        if exported.is_file() and sha256(exported) == reference.manifest.files[CARD]:
            return exported.read_bytes()
        with self._lock:
            card = self._cards.pop((model, version), None) or self._download(reference)
            if card is not None:
                self._cards[model, version] = card
                for oldest in list(self._cards)[:-MOST_CARDS]:
                    del self._cards[oldest]
            return card

    def _download(self, reference: VersionReference) -> bytes | None:
        def read(client: Any) -> bytes | None:
            with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
                run, name = reference.manifest.run_id, f"{BUNDLE}/{CARD}"
                path = Path(client.download_artifacts(run, name, folder))
                return path.read_bytes() if sha256(path) == reference.manifest.files[CARD] else None

        if not self._server.named:
            return None
        try:
            return self._server.ask(read)
        except TrackingUnavailable as error:
            _LOG.warning(
                "the card of %s %s: %s", reference.manifest.model, reference.manifest.version, error
            )
            return None
