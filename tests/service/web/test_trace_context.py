"""W3C Trace Context: a caller's trace is in the log and in the journal; an unsound one is ignored."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.journal.shipper import ship_once
from service.web.trace_context import trace_id_of
from tests.support.service import bundles
from tests.support.service.caller import Caller

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SOUND = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize("sent", [SOUND, f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-more"])
def test_a_sound_header_names_its_trace(sent: str) -> None:
    assert trace_id_of({"HTTP_TRACEPARENT": sent}) == TRACE


@pytest.mark.parametrize(
    "sent",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"cc-{TRACE}-{PARENT}-01more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"{SOUND},{SOUND}",
        f"{SOUND}\n",
        f"00-{TRACE[:-1]}٣-{PARENT}-01",
    ],
)
def test_an_unsound_header_is_ignored(caller: Caller, sent: str) -> None:
    assert trace_id_of({"HTTP_TRACEPARENT": sent}) is None


def test_a_trace_finds_its_prediction_and_its_line(
    make_app: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = make_app(LOG_SAMPLE="1")
    caller = Caller(app)
    assert caller.predict("yield-prediction", bundles.YIELD.example, traceparent=SOUND).json
    caller.predict("yield-prediction", bundles.YIELD.example, traceparent="unsound")
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line.get("trace.id") for line in lines if line["event.action"] == "request"] == [
        TRACE,
        None,
    ]
    ship_once(app.models.settings.journal)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database:
        traces = database.execute("SELECT trace_id FROM prediction ORDER BY at").fetchall()
    assert traces == [(TRACE,), (None,)]
