"""Two models, one of them in two versions, that the tests of this folder score tables with."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.app import create_app
from service.process.state import State
from service.settings import read_settings
from tests.support.scoring import Scorer
from tests.support.service import bundles
from tests.support.service.caller import Caller


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    bundles.write_bundle(folder, bundles.QUALITY, version="3", linear=True)
    bundles.write_bundle(
        folder, bundles.QUALITY, version="4", arm="challenger", linear=True, seed=1
    )
    bundles.write_bundle(folder, bundles.RECIPE, linear=True)
    return folder


@pytest.fixture
def score(root: Path) -> Scorer:
    return Scorer(root)


@pytest.fixture
def service(root: Path, tmp_path: Path) -> Caller:
    settings = {"BUNDLES": str(root), "AUTH": "off", "JOURNAL": "off"}
    return Caller(create_app(read_settings(settings), State()))
