"""Bundles that are whole, each by its hashes, and not what they should be all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from service.bundle import BundleError, DamagedBundle, load_models
from tests.service import bundles


@pytest.fixture
def root(bundle_root: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle_root / "yield-prediction", tmp_path / "b" / "yield-prediction")
    return tmp_path / "b"


@pytest.mark.parametrize("place", ["yield-prediction/7", "other/1"])
def test_a_bundle_in_anothers_place_is_refused(root: Path, place: str) -> None:
    shutil.copytree(root / "yield-prediction/1", root / place)
    with pytest.raises(DamagedBundle, match="is of yield-prediction, version 1"):
        load_models(root)


def test_a_challenger_of_other_columns_is_refused(root: Path) -> None:
    turned = msgspec.structs.replace(bundles.YIELD, columns=bundles.YIELD.columns[::-1])
    bundles.write_bundle(root, turned, "2", linear=True)
    (root / "aliases.json").write_text(
        '{"yield-prediction": {"champion": "1", "challenger": "2"}}', encoding="utf-8"
    )
    with pytest.raises(BundleError, match="takes or gives other columns"):
        load_models(root)
