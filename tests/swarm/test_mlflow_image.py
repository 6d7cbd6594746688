"""MLflow's image, without rights, under the names that its callers use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.containers import running, wait_for_health

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
#: The health check's words; its exit code would end the docker command that asks.
SAY = """
import subprocess
print(subprocess.run(["python3", "/app/health.py"], capture_output=True, text=True).stdout)
"""


def test_mlflow_answers_its_callers_by_name_or_is_ill(swarm: Swarm, mlflow: dict[str, Any]):
    assert mlflow["image"].startswith(f"{swarm.env['REGISTRY']}/swarmline/mlflow@sha256:")
    with running(swarm, mlflow["image"], "--tmpfs", "/tmp") as name:
        wait_for_health(swarm, name, "healthy", 120)
        assert swarm.docker("exec", name, "id", "-u").strip() == "10002"
        # For a store in PostgreSQL and artifacts in S3.
        drivers = "import boto3, psycopg; print(psycopg.pq.__impl__)"
        assert swarm.docker("exec", name, "python3", "-c", drivers).strip() == "binary"
        # A name that it was not told of is refused, and a check under that name would say so.
        ask = ("exec", "--env", "MLFLOW_SERVER_ALLOWED_HOSTS=elsewhere", name, "python3", "-I")
        words = swarm.docker(*ask, "-c", SAY)
        assert "as elsewhere: HTTP Error 403" in words
        swarm.docker("stop", name)
        assert json.loads(swarm.docker("inspect", name))[0]["State"]["ExitCode"] == 0
