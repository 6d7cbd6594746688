"""Own code and a model from elsewhere, from spec to answer: HTTP, V2 and MLflow as the pipeline in Python."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.bundle.exported import check_golden, load_models
from service.bundle.manifest import BundleError
from service.process.state import State
from service.settings import read_settings
from tests.support.foreign_models import forest
from tests.support.own_code import OwnCode, own_code_in
from tests.support.plants import class_spec, plants
from tests.support.toml import toml
from tests.support.training import Workspace

pytestmark = pytest.mark.slow

FEATURES = "def prepare(rows):\n    return rows.rename(columns={'lux': 'light'})\n"
#: One that compiles, and one whose class nothing converts.
MODELS = """
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    class Bright(ClassifierMixin, BaseEstimator):
        def fit(self, rows, target):
            self.classes_ = np.unique(target)
            self.middle_ = np.median(rows[:, 0])
            return self

        def predict_proba(self, rows):
            share = 1 / (1 + np.exp(rows[:, 0] - self.middle_))
            return np.column_stack([1 - share, share])

        def predict(self, rows):
            return self.classes_[self.predict_proba(rows).argmax(axis=1)]

    def pipeline():
        return make_pipeline(StandardScaler(), LogisticRegression())

    def bright():
        return Bright()
"""
KINDS = ("pipeline", "bright", "foreign")


class Trained(NamedTuple):
    """Three models that were trained, promoted and exported with one command."""

    workspace: Workspace
    own: OwnCode
    specs: dict[str, Path]

    def train(self, kind: str, *options: str) -> str:
        done = self.workspace.training("train", "--json", *options, self.specs[kind])
        assert done.code == 0, done.err
        status: str = done.document[0]["status"]
        return status

    def service(self, trusted: str) -> FlaskClient:
        environment = {
            "BUNDLES": str(self.workspace.bundles),
            "AUTH": "off",
            "JOURNAL": "off",
            "TRUSTED_PACKAGES": trusted,
        }
        return create_app(read_settings(environment), State()).flask.test_client()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("own")
    plants().rename(columns={"light": "lux"}).to_csv(folder / "raw.csv", index=False)
    plants().to_csv(folder / "plants.csv", index=False)
    (folder / "model.onnx").write_bytes(forest(plants()["grade"], zipmap=True))
    for own in own_code_in(folder):
        models, features = own.write(MODELS), own.write(FEATURES, "features")
        sections: dict[str, dict[str, Any]] = {
            kind: {
                "search": {"candidates": [f"{models}:{kind}"], "engine": "any"},
                "features": {"prepare": f"{features}:prepare"},
            }
            for kind in KINDS[:2]
        }
        sections["foreign"] = {"import": {"file": str(folder / "model.onnx")}}
        specs = {kind: _write(folder, kind, more) for kind, more in sections.items()}
        workspace = Workspace(folder)
        done = workspace.training("train", *specs.values(), "--promote", "the first")
        assert done.code == 0, done.err
        yield Trained(workspace, own, specs)


def _write(folder: Path, kind: str, sections: dict[str, Any]) -> Path:
    spec = class_spec()
    source = folder / ("raw.csv" if "features" in sections else "plants.csv")
    columns = {
        "kind": {"type": "category", "categories": ["herb", "tree"]},
        "light": {"type": "number", "minimum": 0, "maximum": 10},
        "leaves": {"type": "integer", "minimum": 0},
        "watered": {"type": "boolean"},
    }
    data = {"source": str(source), "target": spec.source.target, "split": "stratified"}
    base = {"name": kind, "task": spec.task, "data": data, "columns": columns}
    path = folder / f"{kind}.toml"
    gates = {"latency_ms": 1000.0}
    path.write_text(toml({**base, "gates": gates, **sections}), encoding="utf-8")
    return path


def asked(rows: list[dict[str, Any]]) -> dict[str, tuple[str, Any]]:
    """The same rows in the words of each protocol."""
    kinds = {"kind": "BYTES", "light": "FP32", "leaves": "INT64", "watered": "BOOL"}
    tensors = [
        {
            "name": name,
            "datatype": kind,
            "shape": [len(rows)],
            "data": [row[name] for row in rows],
        }
        for name, kind in kinds.items()
    ]
    return {
        "native": ("/v1/models/{}/predict", {"rows": rows}),
        "V2": ("/v2/models/{}/infer", {"inputs": tensors}),
        "MLflow": ("/v1/models/{}/invocations", {"dataframe_records": rows}),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_protocol_answers_as_the_pipeline_in_python(  # pylint: disable=too-many-locals
    trained: Trained, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from training.data import dataset, prepare  # pylint: disable=import-outside-toplevel
    from training.fit.fit import fit  # pylint: disable=import-outside-toplevel
    from training.spec.load import find  # pylint: disable=import-outside-toplevel

    monkeypatch.setenv("SWARMLINE_BUILD", str(trained.workspace.folder / "again"))
    spec = find(str(trained.specs[kind]))
    rows, fingerprint = prepare.read(spec)
    checked = dataset.validate(spec, prepare.prepare(spec, rows), fingerprint)
    data = dataset.require_valid(*checked)
    pipeline = fit(spec, data, searching=False, compiling=False).chosen.pipeline
    frame = data.held_out_frame().head(40)
    sent = frame[list(data.contract.names)].astype({"leaves": int}).to_dict("records")
    labels = [data.contract.classes[number] for number in pipeline.predict(data.held_out[:40])]
    chances = pipeline.predict_proba(data.held_out[:40])

    caller = trained.service(trained.own.package)
    for protocol, (path, body) in asked(sent).items():
        answer = caller.post(path.format(kind), json=body)
        assert answer.status_code == 200, (protocol, answer.text)
        document = answer.json
        got = document["outputs"][0]["data"] if protocol == "V2" else document["predictions"]
        assert got == labels, protocol
        if protocol == "native":
            assert np.abs(np.array(document["probabilities"]) - chances).max() < 1e-5
    monkeypatch.setenv("TRUSTED_PACKAGES", trained.own.package)
    with trained.workspace.client():
        copy = mlflow.pyfunc.load_model(f"models:/{kind}/1")
    assert copy.predict(pd.DataFrame(sent)).tolist() == labels


def test_each_is_served_by_the_engine_that_it_allows(trained: Trained) -> None:
    models = load_models(trained.workspace.bundles, [trained.own.package])
    engines = {kind: models[kind].champion.manifest.engine for kind in KINDS}
    assert engines == {"pipeline": "onnx", "bright": "skops", "foreign": "onnx"}
    assert models["bright"].champion.manifest.packages == (trained.own.package,)
    for kind in KINDS:
        assert check_golden(models[kind].champion) == []


def test_a_service_that_does_not_trust_the_package_does_not_start(trained: Trained) -> None:
    with pytest.raises(BundleError, match=f"bright/1/model.skops: holds {trained.own.package}"):
        trained.service("")


def test_nothing_new_is_unchanged_and_changed_code_trains_anew(trained: Trained) -> None:
    assert [trained.train(kind) for kind in KINDS] == ["unchanged"] * 3
    trained.own.write(FEATURES + "# another day\n", "features")
    assert [trained.train(kind) for kind in KINDS] == ["trained", "trained", "unchanged"]
    file = trained.workspace.folder / "model.onnx"
    file.write_bytes(forest(plants()["grade"], zipmap=False))
    assert trained.train("foreign") == "trained"


def test_an_imported_model_is_reproduced_and_its_card_says_where_it_is_from(
    trained: Trained,
) -> None:
    assert trained.workspace.training("reproduce", "foreign", "1").code == 0
    (card,) = (trained.workspace.trained / "foreign").glob("1/card.html")
    text = card.read_text(encoding="utf-8")
    assert "model trained elsewhere" in text and "may have seen the held-out rows" in text
