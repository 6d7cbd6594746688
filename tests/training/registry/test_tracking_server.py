"""Training with a tracking server instead of a database file: everything goes over HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from service.bundle.exported import check_golden, load_models
from tests.support.training import Workspace, rows_of, tracking_server, write_spec


@pytest.mark.slow
def test_a_version_is_trained_and_fetched_through_a_tracking_server(tmp_path: Path) -> None:
    rows_of("wine").to_csv(tmp_path / "wine.csv", index=False)
    spec = write_spec(tmp_path, "remote", str(tmp_path / "wine.csv"))
    pages = "https://mlflow.example"
    with tracking_server(tmp_path) as (uri, _):
        workspace = Workspace(tmp_path, MLFLOW_TRACKING_URI=uri, SWARMLINE_MLFLOW_PAGES=pages)
        done = workspace.training("train", "--promote", "the first", spec)
        assert done.code == 0, done.err
        # A link that opens in a browser, and none to the address that only this machine knows.
        assert f"remote: {pages}/#/experiments/" in done.err
        assert uri not in done.err + done.out
        shutil.rmtree(workspace.trained)
        assert workspace.training("export", spec).code == 0
    assert check_golden(load_models(workspace.bundles)["remote"].champion) == []
    assert not (tmp_path / "build" / "mlflow.db").exists()
