"""The pages on a port of this machine, over a filled database, a journal and an exported set."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from flask import Flask

from monitoring.findings import Capacity, Scalings
from monitoring.findings.store import Store
from monitoring.pages import (
    JournalLookup,
    Ledger,
    PageSettings,
    Prometheus,
    Sources,
    Versions,
    authenticator_of,
    create_pages,
)
from monitoring.references import References, TrackingServer
from monitoring.report import Reports
from monitoring.window.journal import JournalReader
from service.bundle.manifest import Manifest
from service.journal.database.connection import connect
from service.journal.database.decoding import Row
from service.journal.database.predictions import PredictionTable
from tests.support.monitoring import board
from tests.support.monitoring.bundles import write_monitored
from tests.support.service.bundles import QUALITY, YIELD, rows_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
CARD = b"<!doctype html><title>card</title><style>h1 { color: green }</style><h1>Model card of a test</h1>"


class Site(NamedTuple):
    url: str
    store: Store
    now: dt.datetime

    def at(self, path: str) -> str:
        return f"{self.url}/monitor{path}"


def sources(folder: Path, store: Store) -> Sources:
    """`folder` has `bundles` and `journal.db`."""
    nowhere = TrackingServer("")
    versions = Versions(References(folder / "bundles", folder / "state", nowhere), nowhere)
    journal = f"sqlite:///{folder}/journal.db"
    return Sources(
        store=store,
        versions=versions,
        ledger=Ledger(nowhere),
        prometheus=Prometheus(""),
        journal=JournalLookup(journal),
        reports=Reports(folder / "reports", versions.of, JournalReader(journal)),
    )


def application(made_from: Sources, **settings: Any) -> Flask:
    app = Flask("monitor", static_folder=None)
    options = {"authenticator": authenticator_of(""), "interval": 3600.0}
    app.register_blueprint(create_pages(PageSettings(**options | settings), made_from))
    return app


def filled(folder: Path, now: dt.datetime) -> Store:
    """Bundles with a card, a journal with predictions, and what `board` has of them."""
    for contract, version in ((QUALITY, "5"), (YIELD, "7")):
        bundle = write_monitored(folder / "bundles", contract, version)
        _add_card(bundle)
    fill_journal(f"sqlite:///{folder}/journal.db", now)
    store = Store(f"sqlite:///{folder}/monitor.db")
    store.prepare()
    board.fill(store, now)
    measured = Capacity(measured_at=now, busiest=1.2, cores=1.0, ordered=3, needed=2, unbounded=2)
    Scalings(store.engine).keep_capacity(measured)
    return store


def _add_card(bundle: Path) -> None:
    (bundle / "card.html").write_bytes(CARD)
    manifest = msgspec.json.decode((bundle / "manifest.json").read_bytes(), type=Manifest)
    files = manifest.files | {"card.html": hashlib.sha256(CARD).hexdigest()}
    changed = msgspec.structs.replace(manifest, files=files)
    (bundle / "manifest.json").write_bytes(msgspec.json.encode(changed))


def fill_journal(url: str, now: dt.datetime, count: int = 60) -> None:
    """Of the newest window, one row a request; the first with a trace and two truths."""
    table = PredictionTable(url, 0)
    table.prepare()
    end = now.replace(microsecond=0) - dt.timedelta(minutes=2)
    features = rows_for(QUALITY, count, seed=5)
    table.insert([_row(place, end, row) for place, row in enumerate(features)])
    table.close()
    engine = connect(url)
    with engine.begin() as connection:
        _tell_truth(connection, end)
    engine.dispose()


def _row(place: int, end: dt.datetime, features: dict[str, Any]) -> Row:
    at = end - dt.timedelta(seconds=10 + place)
    return Row(
        prediction_id=f"01j{place:05d}-0",
        request_id=f"request-{place}",
        row=0,
        at=at.replace(tzinfo=None).isoformat(" ", "microseconds"),
        model=QUALITY.model,
        version="5",
        release="2026.11.5-4eeeffc",
        arm="champion",
        subject=board.HOSTILE,
        features=msgspec.json.encode(features | {"sown": 60 + place}).decode(),
        prediction='"B"',
        label="B",
        number=None,
        probabilities='{"A":0.2,"B":0.7,"C":0.1}',
        probability=0.7,
        latency_ms=1.25,
        trace_id=TRACE if place == 0 else None,
    )


def _tell_truth(connection: Any, end: dt.datetime) -> None:
    driver = connection.exec_driver_sql
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    at, later = (
        moment.replace(tzinfo=None).isoformat(" ", "microseconds")
        + ("" if connection.dialect.name == "sqlite" else "+00")
        for moment in (end - dt.timedelta(seconds=10), end)
    )
    columns, marks = "model, request_id, row, at, received_at, value", ", ".join([mark] * 6)
    key = (QUALITY.model, "request-0", 0, at, later)
    driver(f"INSERT INTO truth ({columns}) VALUES ({marks})", (*key, '"A"'))
    driver(
        f"INSERT INTO truth_former ({columns}, replaced_at) VALUES ({marks}, {mark})",
        (*key, '"C"', later),
    )
