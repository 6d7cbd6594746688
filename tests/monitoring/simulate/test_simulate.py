from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from werkzeug.wrappers import Request, Response

from monitoring.estimate import judge_trust, relation_changed
from monitoring.findings import Store
from monitoring.settings import read_settings
from monitoring.simulate.command import main as simulate
from monitoring.simulate.rows import Rows
from monitoring.simulate.scenario import SCENARIOS, phase_at
from monitoring.simulate.truth import Truth
from service.bundle.manifest import Manifest, Metric, decode_file
from service.bundle.reference import Calibration
from service.bundle.rows.encoder import Encoder
from tests.support import ROOT
from tests.support.machine import wait_until
from tests.support.monitoring import START
from tests.support.monitoring.bundles import reference_of, write_monitored
from tests.support.monitoring.populations import population, truth_of
from tests.support.processes import spawned
from tests.support.service.bundles import QUALITY, RECIPE, YIELD
from tests.support.service.server import Server
from tests.support.web import answering
from training.metrics.metric import Scored, measure
from training.metrics.tasks import METRICS


def test_rows_are_what_the_contract_takes_and_shift_only_where_they_are_meant_to():
    reference = reference_of(QUALITY)
    rows = Rows(QUALITY, reference, 1, START)
    calm = Encoder(QUALITY).encode_rows(rows.draw(1000))
    moved = Encoder(QUALITY).encode_rows(rows.draw(1000, shift=1.0))
    places = [QUALITY.names.index(name) for name in rows.shifted]
    change = (moved.mean(axis=0) - calm.mean(axis=0)) / calm.std(axis=0)
    assert np.all(change[places] > 0.4)
    assert np.all(np.abs(np.delete(change, places)) < 0.2)


def test_a_recipe_has_no_truth(tmp_path: Path):
    manifest = decode_file(write_monitored(tmp_path, RECIPE) / "manifest.json", Manifest)
    assert not Truth(RECIPE, manifest, Calibration(), 1).is_there


@pytest.mark.parametrize("name", ["easy", "hard", "rare", "numbers"])
def test_truth_contradicts_the_estimate_only_once_the_relation_changes(tmp_path: Path, name: str):
    drawn = population(name)
    manifest = decode_file(write_monitored(tmp_path, YIELD) / "manifest.json", Manifest)
    held_out, task = drawn.held_out, drawn.contract.task
    values = held_out.values.reshape(len(held_out.values), -1)[:, 0]
    scored = Scored(held_out.truth, values, held_out.probabilities)
    for metric, value in measure(METRICS[task], scored).items():
        manifest.metrics[metric] = Metric(value, value, value)
    truth = Truth(drawn.contract, manifest, drawn.reference.calibration, 1)
    random = np.random.default_rng(2)

    def is_contradicted(changed: bool) -> bool:
        rows = drawn.draw(2_000, random)
        answer: dict[str, Any] = {"predictions": rows.values.tolist()}
        if rows.probabilities is not None:
            answer["probabilities"] = rows.probabilities.tolist()
        happened = np.array(truth.of(answer, changed))
        if drawn.contract.classes:
            happened = np.array([drawn.contract.classes.index(label) for label in happened])
        with_truth = truth_of(rows._replace(truth=happened))
        trust = judge_trust(with_truth, drawn.reference, drawn.loss_model, drawn.contract, 100)
        return relation_changed([trust] * 2)

    assert not any(is_contradicted(False) for _ in range(5))
    assert is_contradicted(True)


def test_a_scenario_goes_through_its_phases_and_ends():
    names = [
        getattr(phase_at(SCENARIOS["all"], minutes), "name", None) for minutes in (0, 1.5, 6, 9, 99)
    ]
    assert names == ["calm", "shift", "calm", "relation", None]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--url", "http://10.0.0.1:8080"], "--elsewhere means it"),
        (["--rate", "1000"], "allowed is up to 50"),
        (["--rows", "0"], "1 to 500"),
        (["no/such"], "letters, digits"),
        (["unknown"], "not in the exported set"),
    ],
)
def test_what_it_may_not_do_is_said(
    tmp_path: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
):
    write_monitored(tmp_path / "bundles", YIELD)
    try:
        code: object = simulate(["--bundles", str(tmp_path / "bundles"), *words])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    assert code == 1 and why in said.out + said.err


def test_why_no_request_was_answered_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_monitored(tmp_path, YIELD)
    words = ["--bundles", str(tmp_path), "--scenario", "calm", "--minutes", "0.02"]
    with answering(lambda _: Response("no key", 401)) as url:
        assert simulate(["--url", url, *words]) == 1
    assert "last fault: 401" in capsys.readouterr().out


def test_truth_that_a_service_did_not_take_is_told_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    told: list[int] = []

    def answer(request: Request) -> Response:
        if request.path.endswith("/truth"):
            told.append(len(request.get_json()["entries"]))
            if len(told) == 1:
                raise ConnectionResetError("hangs up")
        document = {"request_id": "one", "predictions": [1.0] * 20, "unknown": []}
        return Response(json.dumps(document))

    write_monitored(tmp_path, YIELD)
    words = ["--bundles", str(tmp_path), "--scenario", "calm", "--minutes", "0.1"]
    words += ["--delay", "0", "--rate", "1"]
    with answering(answer) as url:
        assert simulate(["--url", url, *words]) == 0
    answered = int(capsys.readouterr().out.rsplit("requests answered")[0].split()[-3])
    # What the last look was too early for apart, every row's truth is there, and the first not twice.
    assert told[0] == 20 and 20 * (answered - 1) <= sum(told[1:]) <= 20 * answered


@pytest.fixture
def simulated(
    start: Callable[..., Server], environ: dict[str, str], tmp_path: Path
) -> Iterator[Any]:
    """Service, monitor and callers as `make run` and `make simulate` have them."""
    service = start("service")
    wait_until(lambda: service.ready, "the service")
    monitor = start("monitoring", "serve", SERVICE_URL=service.url)
    command = [
        sys.executable,
        "-m",
        "monitoring",
        "simulate",
        "--scenario",
        "shift",
        "--calm",
        "0.2",
    ]
    command += ["--url", service.url, "--rate", "5", "--rows", "50", "--delay", "2"]

    with spawned(
        command, ROOT, os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        yield monitor


@pytest.mark.slow
def test_a_newcomer_sees_the_inputs_that_shift(simulated: Server, environ: dict[str, str]):
    store = Store(read_settings(environ).findings_url)
    store.prepare()

    def drifted() -> bool:
        return any(
            (alarm.kind, alarm.column) == ("drift", "light")
            for alarm in store.alarms(standing=True)
        )

    wait_until(drifted, "an alarm", 240)
    series = store.series(YIELD.model, {"drift"}, limit=500)
    first = [finding.verdict for _, finding in series if finding.column == "light"][0]
    assert first == "ok"
    wait_until(
        lambda: [
            f for _, f in store.series(YIELD.model, {"truth"}) if f.column == "share" and f.value
        ],
        "truth",
        120,
    )
    store.close()
    text = subprocess.run(
        [sys.executable, "-m", "monitoring", "drift"], cwd=ROOT, env=os.environ | environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert text.returncode == 3 and "! drift      light" in text.stdout


def test_a_key_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        simulate(["--key-file", str(tmp_path / "none")])
    assert ended.value.code == 1
    assert "--key-file" in capsys.readouterr().err
