"""Clients that people have, unchanged, against the service as a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from tests.support.monitoring.browser import chromium
from tests.support.service import bundles
from tests.support.service.server import Server

pytestmark = pytest.mark.slow

QUALITY = "quality-classification"


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """Without keys: MLflow's client has no place for one but the address."""
    return start_server(AUTH="off", WORKERS="1")


@pytest.fixture
def triton(server: Server) -> Iterator[Any]:
    import tritonclient.http as client

    connection = client.InferenceServerClient(f"127.0.0.1:{server.port}")
    yield connection
    connection.close()


def triton_inputs(metadata: Any, rows: list[dict[str, Any]], binary: bool) -> list[Any]:
    import tritonclient.http as client

    tensors = []
    for column in metadata["inputs"]:
        kind = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}
        values: Any = np.array(
            [row[column["name"]] for row in rows], dtype=kind[column["datatype"]]
        )
        tensor = client.InferInput(column["name"], [len(rows)], column["datatype"])
        tensor.set_data_from_numpy(values, binary_data=binary)
        tensors.append(tensor)
    return tensors


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_asks_infers_and_reads(triton: Any, server: Server, binary: bool) -> None:
    assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready(QUALITY)
    assert triton.get_server_metadata()["name"] == "swarmline"
    rows = bundles.rows_for(bundles.QUALITY, 6)
    inputs = triton_inputs(triton.get_model_metadata(QUALITY), rows, binary)
    answer = triton.infer(QUALITY, inputs, request_id="r7", request_compression_algorithm="gzip")
    path = f"{server.url}/v1/models/{QUALITY}/predict"
    native = requests.post(path, json={"rows": rows}, timeout=10).json()
    assert [name.decode() for name in answer.as_numpy("predictions")] == native["predictions"]
    np.testing.assert_allclose(answer.as_numpy("probabilities"), native["probabilities"], atol=1e-6)
    assert answer.get_response()["id"] == "r7"


def test_tritons_client_sends_a_matrix_and_chooses_outputs(triton: Any) -> None:
    import tritonclient.http as client

    matrix = client.InferInput("matrix", [2, 3], "FP32")
    matrix.set_data_from_numpy(np.array([[20, 21, 4], [21, np.nan, 5]], dtype=np.float32))
    asked = [client.InferRequestedOutput("predictions", binary_data=False)]
    assert triton.infer("yield-prediction", [matrix], outputs=asked).as_numpy(
        "predictions"
    ).shape == (2,)


def test_tritons_client_shows_what_was_wrong(triton: Any) -> None:
    import tritonclient.http as client

    tensor = client.InferInput("light", [1], "FP32")
    tensor.set_data_from_numpy(np.array([500], dtype=np.float32))
    with pytest.raises(client.InferenceServerException, match="from 0 to 100"):
        triton.infer("yield-prediction", [tensor])
    with pytest.raises(client.InferenceServerException, match="there is no model"):
        triton.infer("nope", [tensor])


def test_tritons_class_count_is_refused_in_a_sentence(triton: Any) -> None:
    """Answered as if it had not been asked for, it would be read as something else."""
    import tritonclient.http as client

    rows = bundles.rows_for(bundles.QUALITY, 2)
    inputs = triton_inputs(triton.get_model_metadata(QUALITY), rows, binary=True)
    asked = [client.InferRequestedOutput("probabilities", class_count=2)]
    with pytest.raises(client.InferenceServerException, match="classification.*binary_data alone"):
        triton.infer(QUALITY, inputs, outputs=asked)


def test_what_kserves_client_asks_is_answered_as_it_reads_it(server: Server) -> None:
    """It follows no redirect, and reads these members: `is_server_live`, `is_server_ready`, `is_model_ready`."""

    def ask(path: str) -> Any:
        answer = requests.get(server.url + path, allow_redirects=False, timeout=10)
        assert answer.status_code == 200, path
        return answer.json()

    assert ask("/")["status"].lower() == "alive"
    assert ask("/v2/health/live")["live"] is ask("/v2/health/ready")["ready"] is True
    assert ask(f"/v1/models/{QUALITY}")["ready"] is ask(f"/v2/models/{QUALITY}/ready")["ready"]


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # MLflow's own, of its own types
def test_mlflows_client_scores_a_data_frame(server: Server) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    make: Any = ScoringServerClient
    client = make("127.0.0.1", f"{server.port}/v1/models/yield-prediction")
    client.wait_server_ready(timeout=10)
    frame = pd.DataFrame({"light": [20.0, 21], "temperature": [21, None], "trays": [4, 5]})
    predictions = client.invoke(frame).get_predictions()
    assert len(predictions) == 2 and predictions.notna().all().all()


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # MLflow's own, of its own types
def test_mlflows_client_gives_a_key_in_the_address(start_server: Callable[..., Server]) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    server = start_server(WORKERS="1")
    make: Any = ScoringServerClient
    client = make("x:caller@127.0.0.1", f"{server.port}/v1/models/yield-prediction")
    assert len(client.invoke(pd.DataFrame([bundles.YIELD.example])).get_predictions()) == 1


@pytest.fixture
def page(server: Server) -> Iterator[Any]:
    with chromium() as browser:
        tab = browser.new_page()
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda sent: wrong.append(sent.url))
        tab.goto(server.url + "/")
        yield tab
    assert [url for url in wrong if not url.startswith(server.url)] == []


def test_a_person_opens_the_docs_tries_a_prediction_and_sees_the_answer(page: Any) -> None:
    page.get_by_role("button", name="quality-classification").click()
    page.get_by_label("crop").select_option("mint")
    page.get_by_role("button", name="Predict", exact=True).click()
    page.locator("#answer").wait_for()
    assert "200 · version 1" in page.locator("#status").inner_text()
    assert '"predictions"' in page.locator("#output").inner_text()


def test_a_person_who_errs_sees_which_field_and_what_is_allowed(page: Any) -> None:
    page.get_by_role("button", name="yield-prediction").click()
    page.get_by_label("light").fill("500")
    page.get_by_role("button", name="Predict", exact=True).click()
    page.locator(".field.bad").wait_for()
    assert "from 0 to 100" in page.locator(".field.bad").inner_text()


def test_the_curl_line_of_the_docs_works_when_pasted(page: Any) -> None:
    import subprocess

    page.get_by_text("The same with curl").click()
    # The page writes it once it knows the models.
    command = page.locator("#curl", has_text="curl").inner_text()
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=20, check=True
    )
    assert '"predictions"' in done.stdout
