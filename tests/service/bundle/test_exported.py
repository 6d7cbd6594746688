"""Bundles that are whole, each by its hashes, and not what they should be all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from service.bundle.exported import load_models
from service.bundle.manifest import BundleError, DamagedBundle, NoBundles, NotExported
from tests.support.service import bundles


@pytest.fixture
def root(bundle_root: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle_root / "yield-prediction", tmp_path / "b" / "yield-prediction")
    bundles.name(tmp_path / "b", "yield-prediction", champion="1")
    return tmp_path / "b"


@pytest.mark.parametrize("place", ["yield-prediction/7", "other/1"])
def test_a_bundle_in_anothers_place_is_refused(root: Path, place: str) -> None:
    shutil.copytree(root / "yield-prediction/1", root / place)
    model, _, version = place.partition("/")
    bundles.name(root, model, **{"champion" if model == "other" else "challenger": version})
    with pytest.raises(DamagedBundle, match="is of yield-prediction, version 1"):
        load_models(root)


def test_a_challenger_of_other_columns_is_refused(root: Path) -> None:
    turned = msgspec.structs.replace(bundles.YIELD, columns=bundles.YIELD.columns[::-1])
    bundles.write_bundle(root, turned, "2", arm="challenger", linear=True)
    with pytest.raises(BundleError, match="takes or gives other columns"):
        load_models(root)


def test_a_version_that_nobody_exported_is_served_by_no_number(root: Path) -> None:
    bundles.write_bundle(root, bundles.YIELD, "2", arm="challenger", linear=True)
    bundles.name(root, "yield-prediction", challenger="1")
    with pytest.raises(NotExported, match=r"names yield-prediction/2, so nobody promoted it"):
        load_models(root)


def test_a_folder_without_a_bundle_has_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(NoBundles, match="`make run` does it all"):
        load_models(tmp_path)
