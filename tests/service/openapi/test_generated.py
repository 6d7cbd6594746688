"""A client that openapi-python-client generates from the service's document, against the service as a process."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.service import bundles
from tests.support.service.server import ROOT, Server

pytestmark = pytest.mark.slow

QUALITY = "quality-classification"
KINDS = {
    "light": "FP64",
    "temperature": "FP64",
    "trays": "INT64",
    "crop": "BYTES",
    "organic": "BOOL",
    "sown": "BYTES",
}
PACKAGE = "farm_client"
LOCK = ROOT / "requirements/openapi-python-client.txt"


@pytest.fixture(scope="session")
def generator() -> Path:
    """The Python of an environment that has the generator; keyed by its lock, so that it is made once."""
    key = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    root = Path(tempfile.gettempdir()) / f"swarmline-test-generator-{os.getuid()}-{key}"
    if not root.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="swarmline-test-generator-"))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(
            ["sh", "requirements/environment.sh", str(fresh / "venv"), str(LOCK)],
            cwd=ROOT,
            env=os.environ | {"PATH": path, "PYTHON": sys.executable},
            check=True,
        )
        fresh.rename(root)
    return root / "venv/bin/python"


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server(WORKERS="1")


class Generated:
    """The generated package, and what its generator said."""

    def __init__(self, server: Server, said: str, document: Any):
        self.said, self.document, self._url = said, document, server.url

    def operation(self, tag: str, name: str) -> Any:
        """What sends one operation of the document."""
        parts = (re.sub(r"\W", "_", part) for part in (tag, name))
        return importlib.import_module(".".join([PACKAGE, "api", *parts]))

    def of(self, name: str, content: Any) -> Any:
        """A value of a generated type."""
        models = importlib.import_module(f"{PACKAGE}.models")
        return getattr(models, name).from_dict(content)

    def client(self, key: str = "boss") -> Any:
        package = importlib.import_module(PACKAGE)
        return package.AuthenticatedClient(self._url, token=key, raise_on_unexpected_status=True)

    def send(self, name: str, tag: str = "service", key: str = "boss", **arguments: Any) -> Any:
        """What an operation without a key of its own answers."""
        with self.client(key) as client:
            return self.operation(tag, name).sync(client=client, **arguments)


@pytest.fixture
def generated(
    generator: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Generated]:
    document = requests.get(f"{server.url}/openapi.json", timeout=10)
    (tmp_path / "openapi.json").write_bytes(document.content)
    (tmp_path / "config.json").write_text('{"post_hooks": []}', encoding="utf-8")
    command = "-m openapi_python_client generate --path openapi.json --config config.json"
    done = subprocess.run(
        [generator, *command.split(), "--meta", "none", "--output-path", PACKAGE],
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Generated(server, done.stdout + done.stderr, document.json())
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_every_operation_is_generated_and_no_more_than_csv_is_left_out(
    generated: Generated,
) -> None:
    kinds = "Unsupported|Unable|Invalid|Missing|Could not"
    assert set(re.findall(f"(?m)^(?:{kinds}).*", generated.said)) == {
        "Unsupported content type text/csv"
    }
    for methods in generated.document["paths"].values():
        for operation in methods.values():
            assert generated.operation(operation["tags"][0], operation["operationId"]).sync


def test_a_generated_client_predicts_tells_the_truth_and_looks(generated: Generated) -> None:
    row = bundles.QUALITY.example
    rows = generated.of("RowsQualityClassification", {"rows": [row, row]})
    answer = generated.send(f"predict.{QUALITY}", QUALITY, body=rows, x_request_id="g1")
    assert answer.version == "1" and len(answer.predictions) == len(answer.probabilities) == 2
    split = {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}
    frames = generated.of("InvocationsQualityClassificationJsonBodyType1", split)
    scores = generated.send(f"invocations.{QUALITY}", QUALITY, body=frames)
    assert scores.predictions == answer.predictions[:1]
    tensors = {
        "inputs": [
            {"name": name, "shape": [1], "datatype": kind, "data": [row[name]]}
            for name, kind in KINDS.items()
        ]
    }
    body = generated.of("InferQualityClassificationJsonBody", tensors)
    inference = generated.send(f"infer.{QUALITY}", QUALITY, body=body)
    assert inference.outputs[0].data == answer.predictions[:1]
    entries = [{"request_id": "g1", "row": row, "value": "A"} for row in (0, 1)]
    truth = generated.of("TruthQualityClassificationBodyType0", {"entries": entries})
    assert generated.send(f"truth.{QUALITY}", QUALITY, body=truth).stored == 2
    assert generated.send(f"model.{QUALITY}", QUALITY).champion == "1"
    assert len(generated.send("service.v1.models").models) == 3


def test_a_generated_client_reads_refusals(generated: Generated) -> None:
    rows = generated.of("ColumnsYieldPrediction", {"columns": {"light": [500.0], "trays": [4]}})
    arguments = {"tag": "yield-prediction", "body": rows}
    problem = generated.send("predict.yield-prediction", **arguments)
    assert problem.status == 422 and problem.errors[0].column == "light"
    assert generated.send("predict.yield-prediction", key="nobody", **arguments).status == 401
