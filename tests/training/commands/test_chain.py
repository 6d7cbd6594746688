"""A person's own data through the whole chain: three data sets, each from CSV, Parquet and SQL."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.bundle.exported import ExportedModel, check_golden, load_models
from tests.support.processes import Done
from tests.support.training import LOADERS, Workspace, rows_of
from training.data.sources import fingerprint, read
from training.spec.load import load

SPECS = Path(__file__).parent / "specs"
SOURCES = ("csv", "parquet", "sql")
MODELS = [f"{data}-{source}" for data in LOADERS for source in SOURCES]


class Chain(NamedTuple):
    """What one command came to for all models."""

    workspace: Workspace
    specs: dict[str, Path]
    done: Done

    def outcome(self, model: str) -> dict[str, Any]:
        return next(outcome for outcome in self.done.document if outcome["model"] == model)


def write_source(folder: Path, name: str, kind: str) -> str:
    """The rows as a person may have them; what a spec says to read them comes back."""
    rows = rows_of(name)
    if kind == "csv":
        rows.to_csv(folder / f"{name}.csv", index=False)
        return f'"{folder}/{name}.csv"'
    if kind == "parquet":
        half = len(rows) // 2
        rows[:half].to_parquet(folder / f"{name}-1.parquet", index=False)
        rows[half:].to_parquet(folder / f"{name}-2.parquet", index=False)
        return f'"{folder}/{name}-*.parquet"'
    with closing(sqlite3.connect(folder / "all.db")) as database:
        rows.to_sql(name, database, index=False)
    return f'"sqlite:///{folder}/all.db"\nquery = """SELECT * FROM "{name}" ORDER BY rowid"""'


def write_spec(folder: Path, name: str, kind: str) -> Path:
    text = (SPECS / f"{name}.toml").read_text(encoding="utf-8")
    text = text.replace('"SOURCE"', write_source(folder, name, kind))
    path = folder / f"{name}-{kind}.toml"
    path.write_text(text.replace(f'"{name}"', f'"{name}-{kind}"', 1), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("chain")
    workspace = Workspace(folder)
    specs = {
        f"{name}-{kind}": write_spec(folder, name, kind) for name in LOADERS for kind in SOURCES
    }
    done = workspace.process("train", "--json", "--promote", "the first", *specs.values())
    assert done.code == 0, done.err
    return Chain(workspace, specs, done)


@pytest.fixture(scope="session")
def served(chain: Chain) -> Iterator[dict[str, ExportedModel]]:
    yield load_models(chain.workspace.bundles)


@pytest.mark.parametrize("name", LOADERS)
def test_a_spec_of_forty_lines_is_enough(name: str) -> None:
    lines = (SPECS / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    # A query is one line more.
    assert len(lines) + 1 <= 40


@pytest.mark.slow
def test_the_document_stands_alone_on_stdout(chain: Chain) -> None:
    assert chain.done.out.count("\n") == 1
    assert [outcome["model"] for outcome in chain.done.document] == MODELS
    assert "wine-csv: registered version 1 as challenger" in chain.done.err


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_each_is_trained_gated_and_registered(chain: Chain, model: str) -> None:
    outcome = chain.outcome(model)
    assert (outcome["status"], outcome["version"]) == ("trained", "1")
    assert outcome["gates"] and all(gate["passed"] for gate in outcome["gates"])


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_each_is_compiled_to_onnx_and_loaded_by_the_service(
    served: dict[str, ExportedModel], model: str
) -> None:
    champion = served[model].champion
    assert champion.manifest.engine == "onnx"
    assert len(champion.golden.rows) == 5
    assert check_golden(champion) == []


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_each_comes_with_its_card(
    chain: Chain, served: dict[str, ExportedModel], model: str
) -> None:
    in_bundle = (served[model].champion.folder / "card.html").read_text(encoding="utf-8")
    report = chain.workspace.folder / "build" / "reports" / model / "card.html"
    assert f"<title>{model}" in in_bundle
    assert f"<title>{model}" in report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_was_promoted_is_champion_and_nothing_is_left_to_judge(chain: Chain) -> None:
    outcome = chain.workspace.training("export", "--json", *chain.specs.values())
    assert outcome.document == {model: {"champion": "1"} for model in MODELS}


@pytest.mark.slow
def test_the_same_again_is_unchanged(chain: Chain) -> None:
    again = chain.workspace.training("train", "--json", *chain.specs.values())
    assert [outcome["status"] for outcome in again.document] == ["unchanged"] * len(MODELS)
    assert [outcome["metrics"] for outcome in again.document] == [
        chain.outcome(model)["metrics"] for model in MODELS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADERS)
def test_the_same_rows_give_the_same_model_wherever_they_are_kept(chain: Chain, name: str) -> None:
    first, *others = (chain.outcome(f"{name}-{kind}") for kind in SOURCES)
    for other in others:
        assert other["candidate"] == first["candidate"]
        assert other["metrics"] == first["metrics"]


@pytest.mark.parametrize("name", LOADERS)
def test_the_same_rows_have_the_same_fingerprint_wherever_they_are_kept(
    tmp_path: Path, name: str
) -> None:
    outcome = {fingerprint(read(load(write_spec(tmp_path, name, kind)))) for kind in SOURCES}
    assert len(outcome) == 1


def test_all_files_of_a_glob_are_read(tmp_path: Path) -> None:
    spec = load(write_spec(tmp_path, "wine", "parquet"))
    assert len(read(spec)) == len(rows_of("wine"))
