"""Own code: where it is found, what is said of what cannot be used, and what its hash covers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.own_code import OwnCode
from training.common import own_code
from training.common.own_code import OwnCodeError


def test_a_function_of_a_package_is_imported(own: OwnCode) -> None:
    module = own.write("def build():\n    return 7\n")
    assert own_code.load(f"{module}:build")() == 7


def test_a_package_that_is_not_there_is_named_with_where_it_was_looked_for(own: OwnCode) -> None:
    with pytest.raises(OwnCodeError, match="no package nowhere in") as error:
        own_code.load("nowhere.models:build")
    assert str(own.folder) in str(error.value)


@pytest.mark.parametrize("name", ["os:system", "sklearn.svm:SVC", "shutil:rmtree"])
def test_a_spec_names_no_function_of_an_installed_package(own: OwnCode, name: str) -> None:
    assert own.folder
    with pytest.raises(OwnCodeError, match="there is no package"):
        own_code.load(name)


def test_a_name_that_the_module_lacks_is_said_with_those_that_it_has(own: OwnCode) -> None:
    module = own.write("def build(): ...\n")
    with pytest.raises(OwnCodeError, match="models.py has no make; it has build"):
        own_code.load(f"{module}:make")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named"),
        ("x = 1\nx / 0\n", r"ZeroDivisionError: division by zero \(own_\d+/models.py, line 2\)"),
        ("def build(:\n", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_line(
    own: OwnCode, source: str, reason: str
) -> None:
    module = own.write(source)
    with pytest.raises(OwnCodeError, match=f"{module}:build cannot be imported: {reason}"):
        own_code.load(f"{module}:build")


def test_a_package_that_stands_in_two_places_is_refused(own: OwnCode, tmp_path: Path) -> None:
    module = own.write("def build(): ...\n")
    other = tmp_path / "other"
    (other / own.package).mkdir(parents=True)
    (other / own.package / "models.py").touch()
    own_code.look_in(other)
    with pytest.raises(OwnCodeError, match="stands in .* and in .*; rename one"):
        own_code.load(f"{module}:build")


def test_a_package_in_whose_place_python_imports_another_is_refused(own: OwnCode) -> None:
    (own.folder / "msgspec").mkdir()
    (own.folder / "msgspec/__init__.py").touch()
    with pytest.raises(OwnCodeError, match="Python imports msgspec from .*rename the package"):
        own_code.load("msgspec:convert")


def test_the_hash_changes_with_what_the_code_does_and_with_nothing_else(own: OwnCode) -> None:
    module = own.write("from . import helpers\n")
    own.write("ONE = 1\n", "helpers")
    name, package = f"{module}:build", own.folder / own.package
    first = own_code.digest([name])
    (package / "__pycache__").mkdir()
    (package / "__pycache__/models.pyc").write_bytes(b"1")
    (package / ".swap").write_bytes(b"1")
    assert own_code.digest([name]) == first
    own.write("ONE = 2\n", "helpers")
    second = own_code.digest([name])
    (package / "weights.json").write_text("[1]", encoding="utf-8")
    assert len({first, second, own_code.digest([name])}) == 3


def test_the_hash_covers_an_own_package_that_is_imported(own: OwnCode) -> None:
    module = own.write("def build():\n    import other_of_mine\n")
    other = own.folder / "other_of_mine.py"
    hashes = set()
    for text in ("", "X = 1", "X = 2"):
        other.write_text(text, encoding="utf-8")
        hashes.add(own_code.digest([f"{module}:build"]))
    assert len(hashes) == 3


def test_the_hash_covers_the_versions_of_what_is_imported(
    own: OwnCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = own.write("import numpy as np\nimport json\nfrom training.common import errors\n")
    first = own_code.digest([f"{module}:build"])
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"{name} 999")
    assert own_code.digest([f"{module}:build"]) != first


def test_no_own_code_has_no_hash() -> None:
    assert own_code.digest([]) == ""
