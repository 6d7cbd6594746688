"""The import law of docs/architecture.md, kept by reading every import of the tree, and proven able to fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.imports import OURS, PACKAGES, files_behind, imports_of, python_files

#: What each package may import of ours besides itself; tests may import everything.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **{package: tuple(others) for package, others in PACKAGES.items()},
    "tests": OURS,
}
#: The rooms of each package, lowest first: a room imports of its own package what stands before it.
ROOMS: dict[str, tuple[str, ...]] = {
    "service": (
        "readers settings jenkins bundle journal process web predict protocols views openapi app __main__"
    ).split(),
    "training": (
        "common metrics spec data fit judge card bundle registry commands __main__"
    ).split(),
    "scoring": (
        "errors parameters progress unfinished arguments version cells predictor sources sinks run cluster job places"
        " __main__"
    ).split(),
    "monitoring": (
        "settings findings background retrain scale references window drift estimate quality attribution judge"
        " experiment report tracking exporter pages schedule server hosts simulate __main__"
    ).split(),
    "scripts": (
        "command engine credentials stack_file image edge ledger platform_stack detached rollout monitoring_stack"
        " release ramp operate ci"
    ).split(),
}
#: The service runs with MLflow down, builds no DataFrame and never opens a pickle.
NOT_IN_THE_SERVICE = (
    "mlflow",
    "pandas",
    "lightgbm",
    "onnxmltools",
    "pickle",
    "cloudpickle",
    "joblib",
    "dill",
)


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def violations(root: Path) -> Iterator[str]:
    for file in python_files(root):
        package = file.parts[0]
        allowed = (package, *MAY_IMPORT[package])
        for imported in imports_of(root, file):
            foreign = _within(imported.name, OURS) and not _within(imported.name, allowed)
            banned = package == "service" and _within(imported.name, NOT_IN_THE_SERVICE)
            if foreign or banned:
                yield f"{file}:{imported.line}: {package} may not import {imported.name}"
            elif upward := _upward(package, file, imported.name):
                yield f"{file}:{imported.line}: {upward}"


def _upward(package: str, file: Path, name: str) -> str:
    """Why a room may not import what it does, if so."""
    words = name.split(".")
    if package not in ROOMS or words[0] != package or len(words) < 2 or len(file.parts) < 2:
        return ""
    room, other = file.with_suffix("").parts[1], words[1]
    order = list(ROOMS[package])
    strangers = [one for one in (room, other) if one not in order and one != "__init__"]
    if strangers:
        return f"{strangers[0]} is no room of {package}: {' < '.join(order)}"
    if room == "__init__" or order.index(other) <= order.index(room):
        return ""
    return f"{package}.{room} may not import {package}.{other}, which stands above it"


def circles(root: Path) -> list[list[str]]:
    """Modules that import each other, however long the way round; a deferred import counts."""
    ways = {
        file: {
            behind
            for imported in imports_of(root, file)
            for behind in list(files_behind(root, imported.name))[-1:]
        }
        - {file}
        for file in python_files(root)
        if file.parts[0] in PACKAGES
    }
    return [sorted(map(str, group)) for group in _components(ways) if len(group) > 1]


def _components(ways: dict[Path, set[Path]]) -> Iterator[set[Path]]:
    """Groups of files each of which reaches every other."""
    reached = {file: _reached(ways, file) for file in ways}
    seen: set[Path] = set()
    for file in ways:
        if file not in seen:
            group = {file} | {other for other in reached[file] if file in reached.get(other, ())}
            seen |= group
            yield group


def _reached(ways: dict[Path, set[Path]], start: Path) -> set[Path]:
    reached: set[Path] = set()
    waiting = [start]
    while waiting:
        for file in ways.get(waiting.pop(), set()) - reached:
            reached.add(file)
            waiting.append(file)
    return reached


def test_every_import_of_the_tree_keeps_the_law():
    assert not list(violations(ROOT))


def test_no_modules_import_each_other_in_a_circle():
    assert not circles(ROOT)


@pytest.mark.parametrize("package", ROOMS)
def test_the_map_lists_the_rooms_in_their_order(package: str):
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = re.split(r"^##", page.split(f"### {package}: ")[1], flags=re.M)[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.M)
    assert listed == [room for room in ROOMS[package] if room != "__main__"]


def test_the_tree_has_files_for_the_law_to_read():
    packages = {file.parts[0] for file in python_files(ROOT)}
    assert packages == set(OURS)


@pytest.mark.parametrize(
    ("file", "source", "name"),
    [
        ("training/fit/a.py", "import service.app", "service.app"),
        ("training/fit/a.py", "import service", "service"),
        ("training/fit/a.py", "import os, service.app as app", "service.app"),
        ("training/fit/a.py", "from service import app", "service.app"),
        ("training/fit/a.py", "from service import *", "service.*"),
        ("training/fit/a.py", "from service.app import create_app", "service.app.create_app"),
        ("training/fit/a.py", "from service.contracts import x", "service.contracts.x"),
        ("training/fit/a.py", "from ...service.app import x", "service.app.x"),
        ("training/fit/a.py", "def f():\n    if f:\n        import service.app", "service.app"),
        ("training/fit/a.py", "try:\n    from scripts import edge\nexcept ImportError: ...", "scripts.edge"),
        ("training/fit/a.py", "import importlib\nimportlib.import_module('service.app')", "service.app"),
        ("training/fit/a.py", "__import__('service.app')", "service.app"),
        ("training/fit/a.py", "import tests.support.imports", "tests.support.imports"),
        ("scoring/a.py", "from training.spec.load import find", "training.spec.load.find"),
        ("scoring/a.py", "import service.web", "service.web"),
        ("tables/a.py", "from training.spec.values import Spec", "training.spec.values.Spec"),
        ("service/web/a.py", "import training", "training"),
        ("service/journal/a.py", "from scripts.edge import smoke", "scripts.edge.smoke"),
        ("service/web/a.py", "import mlflow.sklearn", "mlflow.sklearn"),
        ("service/web/a.py", "def f():\n    import pickle", "pickle"),
        ("scripts/ci/a.py", "from service.bundle.contract import Contract", "service.bundle.contract.Contract"),
        ("scripts/ci/a.py", "import training.registry.versions", "training.registry.versions"),
    ],
)  # fmt: skip
def test_an_import_against_the_law_is_named(tmp_path: Path, file: str, source: str, name: str):
    _write(tmp_path / file, source)
    assert [re.sub(r":\d+:", ":", text) for text in violations(tmp_path)] == [
        f"{file}: {file.split('/')[0]} may not import {name}"
    ]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("training/fit/a.py", "from service.bundle.contract import Contract"),
        ("training/fit/a.py", "from service.bundle import exported, engines"),
        ("training/fit/a.py", "import service.bundle.engines, training.spec.values"),
        (
            "training/fit/a.py",
            "from tables.csv_file import read\nfrom training.spec import values",
        ),
        ("service/journal/a.py", "from ..settings import Settings\nfrom . import spool"),
        ("service/web/a.py", "import servicex, trainings, numpy"),
        ("tests/a.py", "import service.app, training.spec.values, scripts.edge.smoke"),
        ("scripts/ci/a.py", "import mlflow, pandas\nfrom scripts.edge import smoke"),
    ],
)
def test_an_import_that_the_law_allows_is_let_pass(tmp_path: Path, file: str, source: str):
    _write(tmp_path / file, source)
    assert not list(violations(tmp_path))


@pytest.mark.parametrize(
    ("file", "source", "sentence"),
    [
        ("service/bundle/a.py", "from service.web import keys", "service.bundle may not import service.web"),
        ("service/settings.py", "def f():\n    import service.app", "service.settings may not import service.app"),
        ("scripts/engine/a.py", "from ..release.deploy import x", "scripts.engine may not import scripts.release"),
        ("training/a.py", "from training.fit import search", "a is no room of training"),
        ("training/fit/a.py", "from training import places", "places is no room of training"),
    ],
)  # fmt: skip
def test_a_room_that_imports_what_stands_above_it_is_named(
    tmp_path: Path, file: str, source: str, sentence: str
):
    _write(tmp_path / file, source)
    (problem,) = violations(tmp_path)
    assert sentence in problem


def test_a_circle_is_found_however_long(tmp_path: Path):
    for name, other in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        path = tmp_path / f"training/fit/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def f():\n    from training.fit import {other}\n", encoding="utf-8")
    (circle,) = circles(tmp_path)
    assert [Path(name).stem for name in circle] == ["a", "b", "c"]


def _write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
