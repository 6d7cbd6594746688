"""The import law of docs/decisions.md, kept by reading every import of the tree, and proven able to fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.imports import OURS, PACKAGES, imports_of, python_files

#: What each package may import of ours besides itself; tests may import everything.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **{package: tuple(others) for package, others in PACKAGES.items()},
    "tests": OURS,
}
#: The service runs with MLflow down, builds no DataFrame and never opens a pickle.
NOT_IN_THE_SERVICE = ("mlflow", "pandas", "pickle", "cloudpickle", "joblib", "dill")


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def violations(root: Path) -> list[str]:
    found = []
    for file in python_files(root):
        package = file.parts[0]
        allowed = (package, *MAY_IMPORT[package])
        for imported in imports_of(root, file):
            foreign = _within(imported.name, OURS) and not _within(imported.name, allowed)
            banned = package == "service" and _within(imported.name, NOT_IN_THE_SERVICE)
            if foreign or banned:
                found.append(f"{file}:{imported.line}: {package} may not import {imported.name}")
    return found


def test_every_import_of_the_tree_keeps_the_law():
    assert not violations(ROOT)


def test_the_tree_has_files_for_the_law_to_read():
    packages = {file.parts[0] for file in python_files(ROOT)}
    assert packages == set(OURS)


@pytest.mark.parametrize(
    ("file", "source", "name"),
    [
        ("training/a.py", "import service.app", "service.app"),
        ("training/a.py", "import service", "service"),
        ("training/a.py", "import os, service.app as app", "service.app"),
        ("training/a.py", "from service import app", "service.app"),
        ("training/a.py", "from service import *", "service.*"),
        ("training/a.py", "from service.app import create_app", "service.app.create_app"),
        ("training/a.py", "from service.contracts import x", "service.contracts.x"),
        ("training/a.py", "from ..service import app", "service.app"),
        ("training/deep/a.py", "from ...service.app import x", "service.app.x"),
        ("training/a.py", "def f():\n    if f:\n        import service.app", "service.app"),
        ("training/a.py", "try:\n    from scripts import edge\nexcept ImportError: ...", "scripts.edge"),
        ("training/a.py", "import importlib\nimportlib.import_module('service.app')", "service.app"),
        ("training/a.py", "__import__('service.app')", "service.app"),
        ("training/a.py", "import tests.support.imports", "tests.support.imports"),
        ("tables/a.py", "from training.metrics.tasks import METRICS", "training.metrics.tasks.METRICS"),
        ("training/a.py", "import service.journal", "service.journal"),
        ("service/a.py", "import training", "training"),
        ("service/journal/a.py", "from scripts.edge import smoke", "scripts.edge.smoke"),
        ("service/a.py", "import mlflow.sklearn", "mlflow.sklearn"),
        ("service/a.py", "def f():\n    import pickle", "pickle"),
        ("scripts/a.py", "from service.bundle.contract import Contract", "service.bundle.contract.Contract"),
        ("scripts/a.py", "import training.registry.versions", "training.registry.versions"),
    ],
)  # fmt: skip
def test_an_import_against_the_law_is_named(tmp_path: Path, file: str, source: str, name: str):
    _write(tmp_path / file, source)
    found = violations(tmp_path)
    assert [re.sub(r":\d+:", ":", text) for text in found] == [
        f"{file}: {file.split('/')[0]} may not import {name}"
    ]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("training/a.py", "from service.bundle.contract import Contract"),
        ("training/a.py", "from service.bundle import exported, engines"),
        ("training/a.py", "import service.bundle.engines, training.spec.values"),
        ("training/a.py", "from tables.files import read_file"),
        ("service/journal/a.py", "from ..contract import Contract\nfrom . import spool"),
        ("service/a.py", "import servicex, trainings, numpy"),
        ("tests/a.py", "import service.app, training.spec.values, scripts.edge.smoke"),
        ("scripts/a.py", "import mlflow, pandas\nfrom scripts import smoke"),
    ],
)
def test_an_import_that_the_law_allows_is_let_pass(tmp_path: Path, file: str, source: str):
    _write(tmp_path / file, source)
    assert not violations(tmp_path)


def _write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
