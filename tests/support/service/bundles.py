"""Small real bundles: fitted by scikit-learn, converted by skl2onnx, written as training does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from service.bundle.contract import Column, Contract, Output
from service.bundle.engines import predict_with
from service.bundle.manifest import Golden, Manifest
from service.bundle.rows.encoder import Encoder

NUMBERS = (
    Column("light", "number", minimum=0, maximum=100, unit="mol", example=20.0),
    Column("temperature", "number", minimum=0, maximum=50, nullable=True, example=21.5),
    Column("trays", "integer", minimum=1, maximum=50, example=4),
)
QUALITY = Contract(
    "quality-classification",
    "classification",
    (
        *NUMBERS,
        Column("crop", "category", categories=("basil", "lettuce", "mint"), example="basil"),
        Column("organic", "boolean", example=True),
        Column("sown", "timestamp", encode="day-of-year", example="2026-03-01T08:00:00Z"),
    ),
    (Output("grade"),),
    ("A", "B", "C"),
)
YIELD = Contract("yield-prediction", "regression", NUMBERS, (Output("yield", unit="kg"),))
RECIPE = Contract(
    "recipe-optimization",
    "optimization",
    NUMBERS,
    (Output("light", unit="mol"), Output("ec"), Output("temperature")),
)


def rows_for(contract: Contract, count: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    makers: dict[str, Any] = {
        "number": lambda column: round(float(random.uniform(column.minimum, column.maximum)), 3),
        "integer": lambda column: int(random.integers(column.minimum, column.maximum + 1)),
        "category": lambda column: str(random.choice(column.categories)),
        "boolean": lambda _column: bool(random.integers(2)),
        "timestamp": lambda _: f"2026-{random.integers(1, 13):02d}-{random.integers(1, 29):02d}",
    }
    return [
        {column.name: makers[column.type](column) for column in contract.columns}
        for _ in range(count)
    ]


def fit(
    contract: Contract, linear: bool = False, seed: int = 0, offset: float = 0.0
) -> tuple[Any, Any]:
    """A fitted pipeline and the matrix that it was fitted on; it is off by so much."""
    matrix = Encoder(contract).encode_rows(rows_for(contract, 400, seed))
    kinds = [feature.column.type for feature in contract.features]
    codes = [place for place, kind in enumerate(kinds) if kind == "category"]
    rest = [place for place, kind in enumerate(kinds) if kind != "category"]
    # A forest is fed unscaled: float32 scaling would move rows over its thresholds.
    numbers = make_pipeline(SimpleImputer(), StandardScaler()) if linear else SimpleImputer()
    prepare = ColumnTransformer(
        [
            ("numbers", numbers, rest),
            ("codes", OneHotEncoder(handle_unknown="ignore"), codes),
        ]
    )
    score = matrix[:, 0] + 2 * matrix[:, 1] + offset
    if contract.classes:
        target: Any = np.digitize(score, np.quantile(score, [0.3, 0.7]))
        model: Any = (
            LogisticRegression() if linear else RandomForestClassifier(100, random_state=seed)
        )
    else:
        target = np.column_stack([score * (k + 1) for k in range(len(contract.outputs))])
        target = target[:, 0] if len(contract.outputs) == 1 else target
        model = LinearRegression() if linear else RandomForestRegressor(100, random_state=seed)
    return make_pipeline(prepare, model).fit(matrix, target), matrix


def write_bundle(
    root: Path,
    contract: Contract,
    version: str = "1",
    engine: str = "onnx",
    arm: str = "champion",
    **how: Any,
) -> Any:
    """Writes `<root>/<model>/<version>/`, names it as an export does, and returns the fitted pipeline."""
    folder = root / contract.model / version
    folder.mkdir(parents=True)
    pipeline, matrix = fit(contract, **how)
    if engine == "onnx":
        options = {id(pipeline): {"zipmap": False}} if contract.classes else None
        model = to_onnx(pipeline, matrix[:1].astype(np.float32), options=options)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
    else:
        from skops import io  # pylint: disable=import-outside-toplevel

        io.dump(pipeline, folder / "model.skops")
    (folder / "contract.json").write_bytes(msgspec.json.encode(contract))
    (folder / "reference.json").write_bytes(b"{}")
    rows = rows_for(contract, 5, seed=9)
    answer = predict_with(pipeline, Encoder(contract).encode_rows(rows))
    predictions = answer.values.tolist()
    if contract.classes:
        predictions = [contract.classes[number] for number in predictions]
    odds = None if answer.probabilities is None else answer.probabilities.tolist()
    (folder / "golden.json").write_bytes(msgspec.json.encode(Golden(rows, predictions, odds)))
    _write_manifest(folder, contract, version, engine)
    name(root, contract.model, **{arm: version})
    return pipeline


def name(root: Path, model: str, **arms: str) -> None:
    """Gives a model's versions their aliases, beside those that there are."""
    path = root / "aliases.json"
    aliases = msgspec.json.decode(path.read_bytes()) if path.is_file() else {}
    aliases[model] = aliases.get(model, {}) | arms
    path.write_bytes(msgspec.json.encode(aliases))


def _write_manifest(folder: Path, contract: Contract, version: str, engine: str) -> None:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    manifest = Manifest(
        model=contract.model,
        version=version,
        run_id=f"run-{version}",
        task=contract.task,
        engine=engine,  # type: ignore[arg-type]
        classes=contract.classes,
        metrics={},
        gates=(),
        git_commit="0" * 40,
        data_fingerprint="f" * 16,
        key="k",
        created="2026-01-01T00:00:00Z",
        files=files,
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Another content of one file of a bundle, for which its manifest vouches."""
    (folder / name).write_bytes(content)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    files = {**manifest.files, name: hashlib.sha256(content).hexdigest()}
    manifest = msgspec.structs.replace(manifest, files=files)
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
