"""Whatever a contract allows goes through every step, from a drafted spec to an answer over HTTP, equal at each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from service.app import create_app
from service.bundle.exported import Bundle, check_golden, load_models
from service.process.state import State
from service.settings import read_settings
from tests.support.toml import toml
from tests.support.training import Workspace

ROWS = 120
KINDS = ("number", "integer", "category", "boolean", "timestamp")
ENCODINGS = ("days", "day-of-year", "hour", "weekday")
#: No control characters: a CSV has no way to write all of them.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=100)
#: Without space at their ends, which is no part of a name in the header of a CSV.
NAMES = TEXTS.map(str.strip).filter(bool) | st.sampled_from(
    ["two words", 'a "quote"', "it's", "a.b.c", "株式", "back\\slash", "é" * 100]
)


class Drawn(NamedTuple):
    """A column as it is made up; `share` of its values are missing."""

    kind: str
    share: float
    sensitive: bool
    encode: str
    labels: tuple[str, ...]
    scale: float


class Table(NamedTuple):
    columns: dict[str, Drawn]
    task: str
    ending: str
    candidate: str
    seed: int

    def rows(self) -> pd.DataFrame:
        random = np.random.default_rng(self.seed)
        columns = {name: _values(drawn, random) for name, drawn in self.columns.items()}
        target = random.normal(size=ROWS)
        classes = np.where(target > 0, "yes; no", 'é "1"')
        columns["the target"] = classes if self.task == "classification" else target
        return pd.DataFrame(columns)


def _values(drawn: Drawn, random: np.random.Generator) -> pd.Series[Any]:
    kinds: dict[str, Any] = {
        "number": random.normal(size=ROWS) * drawn.scale,
        "integer": random.integers(-5, 50, ROWS),
        "category": random.choice(np.array(drawn.labels, dtype=object), ROWS),
        "boolean": random.random(ROWS) < 0.5,
        "timestamp": pd.Timestamp("2024-02-28T22:30:00")
        + pd.to_timedelta(random.integers(0, 10**6, ROWS), "min"),
    }
    values = pd.Series(kinds[drawn.kind]).astype(object)
    return values.mask(random.random(ROWS) < drawn.share, None)


COLUMNS = st.builds(
    Drawn,
    kind=st.sampled_from(KINDS),
    share=st.sampled_from([0.0, 0.0, 0.2]),
    sensitive=st.booleans(),
    encode=st.sampled_from(ENCODINGS),
    labels=st.lists(TEXTS, min_size=1, max_size=4, unique=True).map(tuple),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
)
TABLES = st.builds(
    Table,
    columns=st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=7),
    task=st.sampled_from(["classification", "regression"]),
    ending=st.sampled_from(["csv", "parquet"]),
    candidate=st.sampled_from(["linear", "extra-trees"]),
    seed=st.integers(0, 2**16),
)


def _every(share: float, sensitive: bool) -> dict[str, Drawn]:
    """A column of each kind."""
    labels = ("a", "no", "x y")
    return {
        f"{kind}, as it is": Drawn(kind, share, sensitive, "hour", labels, 1.0) for kind in KINDS
    }


def _draft(workspace: Workspace, table: Table, name: str) -> Path:
    """The drafted spec with what a person adds: one cheap candidate, parts of times, what is sensitive."""
    source = workspace.folder / f"{name}.{table.ending}"
    rows = table.rows()
    if table.ending == "csv":
        rows.to_csv(source, index=False)
    else:
        rows.to_parquet(source)
    given_ = ("--target", "the target", "--name", name, "--folder", workspace.folder)
    drafted = workspace.training("draft", source, *given_)
    assert drafted.code == 0, drafted.err
    spec = workspace.folder / f"{name}.toml"
    raw = tomllib.loads(spec.read_text(encoding="utf-8"))
    for column, section in raw["columns"].items():
        drawn = table.columns[column]
        section["sensitive"] = drawn.sensitive
        if section["type"] == "timestamp":
            section["encode"] = drawn.encode
    raw["search"] = {"candidates": [table.candidate], "budget": 1, "folds": 2, "engine": "any"}
    spec.write_text(toml(raw), encoding="utf-8")
    return spec


def _expected(bundle: Bundle, rows: list[dict[str, Any]]) -> list[Any]:
    answer = bundle.predict(bundle.encoder.encode_rows(rows))
    if bundle.contract.classes:
        return [bundle.contract.classes[number] for number in answer.values]
    return [float(value) for value in answer.values[:, 0]]


def _over_http(workspace: Workspace, model: str, rows: list[dict[str, Any]]) -> list[Any]:
    environment = {
        "BUNDLES": str(workspace.bundles),
        "AUTH": "off",
        "JOURNAL_SPOOL": str(workspace.folder / "spool"),
    }
    app = create_app(read_settings(environment), State())
    answer = app.flask.test_client().post(f"/v1/models/{model}/predict", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    predictions: list[Any] = answer.json["predictions"]
    return predictions


def _same(got: list[Any], expected: list[Any]) -> bool:
    if isinstance(expected[0], str):
        return got == expected
    return bool(np.allclose(got, expected, rtol=1e-5, atol=1e-30))


def _goes_through(workspace: Workspace, table: Table) -> None:
    # As long as a name may be; hypothesis runs a table that fails once more.
    name = f"m{len(list(workspace.folder.glob('*.toml'))):062}"
    spec = _draft(workspace, table, name)
    validated = workspace.training("validate", spec)
    assert validated.code == 0, validated.err
    trained = workspace.training("train", spec, "--gate", "report", "--promote", "why")
    assert trained.code == 0, trained.err
    assert workspace.training("export", spec).code == 0
    bundle = load_models(workspace.bundles)[name].champion
    assert check_golden(bundle) == []
    nullable = [column.name for column in bundle.contract.columns if column.nullable]
    rows = [*bundle.golden.rows, {**bundle.golden.rows[0], **dict.fromkeys(nullable)}]
    expected = _expected(bundle, rows)
    with workspace.client():
        copy = mlflow.pyfunc.load_model(f"models:/{name}/1")
    for part in (rows, rows[:1], rows[-1:]):
        assert _same(
            copy.predict(pd.DataFrame(part)).tolist(),
            expected[: len(part)] if part[0] is rows[0] else expected[-1:],
        )
    assert _same(_over_http(workspace, name, rows), expected)


CHEAP = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    # To make a failing table smaller trains it a hundred times over.
    phases=[Phase.explicit, Phase.generate],
)


@pytest.mark.slow
@example(Table(_every(0.2, False), "classification", "csv", "linear", 1))
@example(Table(_every(0.0, True), "regression", "parquet", "extra-trees", 2))
@given(TABLES)
@settings(CHEAP, max_examples=2)
def test_what_a_contract_allows_goes_through_every_step(workspace: Workspace, table: Table) -> None:
    _goes_through(workspace, table)


@pytest.mark.slow
@pytest.mark.thorough
@given(TABLES)
@settings(CHEAP, max_examples=100)
def test_many_more_contracts_go_through_every_step(workspace: Workspace, table: Table) -> None:
    _goes_through(workspace, table)
