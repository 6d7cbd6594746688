"""The key `features.prepare`: own code that makes the contract's columns from a source's rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from tests.support.journalled import Journal, fill
from tests.support.own_code import OwnCode
from tests.support.plants import SpecOf, plants
from training.common.errors import SourceError, SpecError
from training.common.own_code import OwnCodeError
from training.data import prepare
from training.data.dataset import Dataset, require_valid, validate
from training.data.sources import JOURNALLED
from training.fit.candidates.resolve import resolve_own_code
from training.spec.values import Spec

SHADE = """
    def prepare(rows):
        rows["light"] = 10 - rows["shade"]
        return rows[rows["kind"] == "herb"].drop(columns="shade")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Plants whose light is not in the table, but their shade."""
    path = tmp_path / "plants.csv"
    rows = plants(400)
    rows.assign(shade=10 - rows["light"]).drop(columns="light").to_csv(path, index=False)
    return path


def spec_with(spec_of: SpecOf, own: OwnCode, code: str, source: Path) -> Spec:
    name = f"{own.write(code, 'features')}:prepare"
    return spec_of(data={"source": str(source)}, features={"prepare": name})


def trained_on(spec: Spec) -> Dataset:
    rows, fingerprint = prepare.read(spec)
    return require_valid(*validate(spec, prepare.prepare(spec, rows), fingerprint))


def test_the_contract_is_of_what_comes_out(spec_of: SpecOf, own: OwnCode, source: Path) -> None:
    dataset = trained_on(spec_with(spec_of, own, SHADE, source))
    expected = plants(400).query("kind == 'herb'")["light"]
    assert dataset.frame["light"].to_numpy() == pytest.approx(expected.to_numpy())
    assert "shade" not in dataset.frame


def test_the_fingerprint_is_of_the_rows_of_the_source(
    spec_of: SpecOf, own: OwnCode, source: Path
) -> None:
    spec = spec_with(spec_of, own, SHADE, source)
    rows, fingerprint = prepare.read(spec)
    assert "shade" in rows
    own.write("def prepare(rows):\n    return rows.head(3)\n", "features")
    assert prepare.read(spec)[1] == fingerprint
    pd.read_csv(source).assign(shade=1.0).to_csv(source, index=False)
    assert prepare.read(spec)[1] != fingerprint


def test_cells_that_are_lists_can_be_prepared(
    spec_of: SpecOf, own: OwnCode, tmp_path: Path
) -> None:
    rows = plants().assign(measured=lambda frame: [[light] for light in frame["light"]])
    path = tmp_path / "plants.parquet"
    rows.drop(columns="light").to_parquet(path)
    code = "def prepare(rows):\n    return rows.assign(light=rows['measured'].str[0])\n"
    spec = spec_with(spec_of, own, code, path)
    assert trained_on(spec).frame["light"].tolist() == rows["light"].tolist()


def test_served_rows_join_what_comes_out_and_count_for_the_fingerprint(
    spec_of: SpecOf, own: OwnCode, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, now = f"sqlite:///{own.folder}/journal.db", dt.datetime.now(dt.UTC)
    journal = Journal(url)
    monkeypatch.setenv("JOURNAL_URL", url)
    name = f"{own.write(SHADE, 'features')}:prepare"
    data = {"source": str(source), "journal": True}
    spec = spec_of(data=data, features={"prepare": name})
    fill(journal, 4, now)
    rows, before = prepare.read(spec)
    assert prepare.prepare(spec, rows)[JOURNALLED].sum() == 4
    journal.predict(9, now, {"kind": "herb", "light": 1.0, "leaves": 3, "watered": 1})
    journal.truth(9, now, 2.0)
    journal.close()
    assert prepare.read(spec)[1] != before


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def prepare(): ...", r"given .*:prepare', a function \(\); allowed is a function of one"),
        ("prepare = 3", "given .*:prepare', a int; allowed is a function of one data frame"),
        ("other = 3", "features.py has no prepare; it has other"),
        ("import absent_package", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_called_is_said_before_data_is_read(
    spec_of: SpecOf, own: OwnCode, code: str, reason: str
) -> None:
    spec = spec_with(spec_of, own, code, Path("no such file"))
    with pytest.raises(SpecError, match=f"plants: features.prepare: .*{reason}"):
        resolve_own_code(spec)


@pytest.mark.parametrize(
    ("code", "error", "reason"),
    [
        ("return rows['absent']", OwnCodeError, r"prepare raises KeyError: 'absent' \(own_"),
        ("return list(rows)", SourceError, "prepare returned a list; a data frame is needed"),
        ("return rows.head(0)", SourceError, "prepare returned no rows of 400"),
        ("return rows[['id', 'id']]", SourceError, "more than one column called 'id'"),
    ],
)
def test_what_goes_wrong_in_it_names_the_function(
    spec_of: SpecOf, own: OwnCode, source: Path, code: str, error: type[Exception], reason: str
) -> None:
    spec = spec_with(spec_of, own, f"def prepare(rows):\n    {code}\n", source)
    with pytest.raises(error, match=reason):
        trained_on(spec)


def test_a_name_that_is_none_of_a_function_is_refused(spec_of: SpecOf) -> None:
    for name in ("prepare", "my package:prepare", "a.b:c:d", "../a:b", ""):
        with pytest.raises(SpecError, match="features.prepare: given"):
            spec_of(features={"prepare": name})
