"""A site with Jenkins: a repository, credentials, an MLflow, a Swarm; builds run the pipelines' real commands.

Each workspace starts as a clean clone, and makes its own environment.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tests.support import ROOT
from tests.support.advisories import advisories
from tests.support.jenkins.pipelines import evaluate

#: What of this machine a build has to know; all else comes from Jenkins.
KEPT = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
KEPT_PREFIXES = ("PIP_", "UV_", "OMP_", "OPENBLAS_")
#: The models that a site has, and the metric that their gate looks at.
GATED = {"quality-classification": "accuracy", "yield-prediction": "r2"}
#: What a site's staging is called, where it has one.
STAGING = "trial"
SMALL = '[search]\ncandidates = ["linear"]\nbudget = 1\n\n[gates]\nlatency_ms = 1000\n'


class Agent:
    """A machine that builds, and knows nothing from before; `clone` is where developers push from."""

    def __init__(self, folder: Path, environ: Mapping[str, str]):
        self.folder, self.clone = folder, folder / "clone"
        self.workspaces, self._open = folder / "workspaces", contextlib.ExitStack()
        machine = {
            name: value
            for name, value in os.environ.items()
            if name in KEPT or name.startswith(KEPT_PREFIXES)
        }
        self.environ = {
            **machine,
            **self._uv(),
            **self._open.enter_context(advisories({})),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_STATE_HOME": str(folder / "state"),
            # One start of PyTest and one test: what the tests say, and how much they run, is tested elsewhere.
            "TESTS": "tests/scripts/ci/test_scope.py --no-cov",
            **environ,
        }
        self.number, self.last_good = 0, ""
        self.mlflow = f"sqlite:///{folder}/mlflow.db"
        self.credentials = self._credentials()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        self._shrink()

    def _uv(self) -> dict[str, str]:
        """An environment is made in seconds from files that this machine has."""
        uv, folder = Path(sys.executable).with_name("uv"), self.folder / "bin"
        folder.mkdir()
        (folder / "uv").symlink_to(uv)
        cache = subprocess.run([uv, "cache", "dir"], text=True, capture_output=True, check=True)
        return {"PATH": f"{folder}:{os.environ['PATH']}", "UV_CACHE_DIR": cache.stdout.strip()}

    def _shrink(self) -> None:
        """Two models that train in seconds: a build is about everything else."""
        self.run("git", "rm", "--quiet", "training/models/recipe-optimization.toml")
        for name, metric in GATED.items():
            path = f"training/models/{name}.toml"
            text = (self.clone / path).read_text(encoding="utf-8").partition("[search]")[0]
            text = text.replace("rows = 10_000", "rows = 3_000")
            self.commit(path, f"{text}{SMALL}metrics = {{ {metric} = {{ min = 0.1 }} }}\n")

    def _credentials(self) -> dict[str, Any]:
        client = self.folder / "client.zip"
        with zipfile.ZipFile(client, "w") as archive:
            archive.writestr("none-needed.txt", "")
        keys = self.clone / "build/secrets"
        return {
            "mlflow": {"user": "pipelines", "password": "not-asked-for"},
            "registry": {"user": "none", "password": ""},
            "docker-client": str(client),
            "api-key": str(keys / "deployer.key"),
            "edge-key": str(keys / "edge.key"),
            "staging-api-key": str(keys / f"{STAGING}/deployer.key"),
            "staging-edge-key": str(keys / f"{STAGING}/edge.key"),
            "journal": "none",
            "webhook": "none",
        }

    def run(self, *command: str, **environ: str) -> str:
        done = subprocess.run(
            command, cwd=self.clone, env=self.environ | environ, text=True, capture_output=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def commit(self, path: str, text: str) -> None:
        (self.clone / path).write_text(text, encoding="utf-8")
        self.run("git", "add", "--all", path)
        identity = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
        self.run("git", *identity, "commit", "--quiet", "--message", path)

    def build(
        self, environ: Mapping[str, str] | None = None, answer: Any = None, **params: Any
    ) -> dict[str, Any]:
        """One build of the main pipeline as Jenkins would run it, on the clone's newest commit."""
        parameters = {"APPROVE": False, "WATCH": "5", **params}
        outcome = self.job("Jenkinsfile", parameters, environ, answer)
        if outcome["result"] == "SUCCESS":
            self.last_good = self.run("git", "rev-parse", "HEAD").strip()
        return outcome

    def job(
        self,
        file: str,
        params: Mapping[str, Any],
        environ: Mapping[str, str] | None = None,
        answer: Any = None,
    ) -> dict[str, Any]:
        """A build of any pipeline; `answer` is what a person says where one is asked."""
        self.number += 1
        variables = {
            "BRANCH_NAME": "main",
            "JOB_NAME": f"swarmline/{Path(file).stem}",
            "BUILD_NUMBER": str(self.number),
            "BUILD_TAG": f"jenkins-{self.number}",
            "BUILD_URL": f"http://jenkins.invalid/{self.number}/",
            "SWARMLINE_MLFLOW": self.mlflow,
            "GIT_PREVIOUS_SUCCESSFUL_COMMIT": self.last_good,
        }
        case = {
            "act": "run",
            "file": str(self.clone / file),
            "source": str(self.clone),
            "workspace": str(self.workspaces),
            "machines": 2,
            "env": self.environ | variables | dict(environ or {}),
            "params": dict(params),
            "input": answer,
            "credentials": self.credentials,
        }
        (outcome,) = evaluate([case], seconds=3000)
        return outcome

    def close(self) -> None:
        self._open.close()


class Site(Agent):
    """`swarm` is the environment in which docker acts on the Swarm."""

    def __init__(
        self, folder: Path, swarm: Mapping[str, str], stack: str, port: int, hosts: Sequence[str]
    ):
        edge = {"EDGE_PORT": str(port), "EDGE_TLS": "off", "EDGE_REPLICAS": "1"}
        super().__init__(folder, {**swarm, "STACK": stack, **edge})
        self.stack, self.urls = stack, [f"http://{host}:{port}" for host in hosts]
        self.run("make", "secrets")

    def serving(self) -> str:
        """The release that answers."""
        return self.ask("/v1/models").headers["X-Release"]

    def ask(self, path: str) -> requests.Response:
        """At the edge, wherever the Swarm has put it."""
        key = (self.clone / "build/secrets/deployer.key").read_text(encoding="utf-8").strip()
        for url in self.urls:
            with contextlib.suppress(requests.ConnectionError):
                answer = requests.get(
                    f"{url}{path}", headers={"Authorization": f"Bearer {key}"}, timeout=10
                )
                answer.raise_for_status()
                return answer
        raise AssertionError(f"no edge answers at {self.urls}")

    def close(self) -> None:
        subprocess.run(
            ["docker", "stack", "rm", self.stack], env=self.environ, capture_output=True, check=False
        )  # fmt: skip
        super().close()
