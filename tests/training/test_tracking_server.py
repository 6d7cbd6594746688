"""Training with a tracking server instead of a database file: everything goes over HTTP."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.bundle import check_golden, load_models
from tests.training.house import (
    ROOT,
    House,
    answers,
    free_port,
    rows_of,
    spawned,
    wait_until,
    write_spec,
)


@pytest.mark.slow
def test_a_version_is_trained_and_fetched_through_a_tracking_server(tmp_path: Path) -> None:
    rows_of("wine").to_csv(tmp_path / "wine.csv", index=False)
    spec = write_spec(tmp_path, "remote", str(tmp_path / "wine.csv"))
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    store = [f"--backend-store-uri=sqlite:///{tmp_path}/mlflow.db"]
    store += [f"--artifacts-destination={tmp_path}/artifacts", f"--port={port}", "--workers=1"]
    command = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", *store]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    pages = "https://mlflow.example"
    house = House(tmp_path, MLFLOW_TRACKING_URI=uri, SWARMLINE_MLFLOW_PAGES=pages)
    # Its workers for jobs of MLflow's own take longer to start than all the rest.
    given = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with spawned(command, ROOT, given, **quiet) as server:
        wait_until(
            lambda: server.poll() is not None or answers(f"{uri}/health"), "the tracking server"
        )
        assert server.poll() is None
        done = house.training("train", "--promote", "the first", spec)
        assert done.code == 0, done.err
        # A link that opens in a browser, and none to the address that only this machine knows.
        assert f"remote: {pages}/#/experiments/" in done.err
        assert uri not in done.err + done.out
        shutil.rmtree(house.trained)
        assert house.training("export", spec).code == 0
    assert check_golden(load_models(house.bundles)["remote"].champion) == []
    assert not (tmp_path / "build" / "mlflow.db").exists()
