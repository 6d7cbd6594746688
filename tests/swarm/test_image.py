"""The images, built and run on a real engine: small, the same each time, without rights, and with nothing to hide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.service import bundles
from tests.swarm.cluster import Swarm
from tests.swarm.shell import wait_until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MARK = "mark-of-a-secret"
MEGABYTES_OVER_BASE = 180
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
#: A call from inside, since a container without a network has no other door; prints what came back.
CALL = """
import json, sys, urllib.request
body = json.dumps({"rows": json.loads(%r)}).encode()
request = urllib.request.Request(
    "http://127.0.0.1:8080/v1/models/%s/predict", body, {"Content-Type": "application/json"}
)
with urllib.request.urlopen(request) as answer:
    json.dump({"release": answer.headers["X-Release"], **json.load(answer)}, sys.stdout)
"""

#: A signal to all processes of a container but its first, which no signal from inside can stop.
SEND = """
import os, signal
others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {1, os.getpid()}
for pid in others:
    os.kill(pid, signal.%s)
"""
#: The health check's words; its exit code would end the docker command that asks.
SAY = """
import subprocess
print(subprocess.run(["python3", "/app/health.py"], capture_output=True, text=True).stdout)
"""


class Built(NamedTuple):
    """An image, and what the command has told and written of it."""

    swarm: Swarm
    folder: Path
    told: dict[str, Any]
    words: str

    @property
    def tag(self) -> str:
        return str(self.told["image"])

    def inspect(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.swarm.docker("image", "inspect", self.tag))[0]
        return found

    def written(self, name: str) -> Any:
        return json.loads((self.folder / "release" / name).read_text(encoding="utf-8"))


def command(swarm: Swarm, folder: Path, *words: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", *words, "--json"],
        cwd=ROOT,
        env={**os.environ, **swarm.env, "SWARMLINE_BUILD": str(folder), **environ},
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def build(swarm: Swarm, folder: Path, *words: str, **environ: str) -> Built:
    code, out, err = command(swarm, folder, "scripts.image", "build", *words, **environ)
    assert code == 0, err
    return Built(swarm, folder, json.loads(out), err)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    bundles.write_bundle(folder / "bundles", bundles.YIELD, "1", linear=True)
    bundles.write_bundle(folder / "bundles", bundles.QUALITY, "1")
    return folder


@pytest.fixture(name="built", scope="module")
def _built(swarm: Swarm, folder: Path) -> Built:
    return build(swarm, folder, PIP_TRUSTED_HOST=MARK)


@contextmanager
def running(swarm: Swarm, image: str, *options: str) -> Iterator[str]:
    """A container with no network and no rights, ended whatever happens."""
    name = swarm.docker("run", "--detach", "--network", "none", *HARDENED, *options, image).strip()
    try:
        yield name
    finally:
        swarm.docker("rm", "--force", "--volumes", name)


def health(swarm: Swarm, container: str) -> str:
    return swarm.docker("inspect", "--format", "{{.State.Health.Status}}", container).strip()


def wait_for_health(swarm: Swarm, container: str, expected: str, seconds: float = 60) -> None:
    wait_until(lambda: health(swarm, container) == expected, f"{container} is {expected}", seconds)


def logs(swarm: Swarm, container: str) -> str:
    """Both of its outputs."""
    done = subprocess.run(
        ["docker", "-H", swarm.manager.socket, "logs", container],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    return done.stdout


def layers(built: Built) -> list[str]:
    found: list[str] = built.inspect()["RootFS"]["Layers"]
    return found


def test_what_is_built_is_not_built_again(built: Built):
    again = build(built.swarm, built.folder)
    assert again.told["built"] is False
    assert again.words.strip() == f"{built.tag}: unchanged"


def test_the_same_inputs_give_the_same_layers_without_any_cache(built: Built):
    before = layers(built)
    again = build(built.swarm, built.folder, "--no-cache")
    assert again.told["release"] == built.told["release"]
    assert layers(again) == before


def test_another_model_changes_the_layers_of_models_and_nothing_else(
    swarm: Swarm, built: Built, tmp_path: Path
):
    bundles.write_bundle(tmp_path / "bundles", bundles.YIELD, "2", linear=True, seed=5)
    other = build(swarm, tmp_path)
    assert other.told["release"] != built.told["release"]
    pairs = list(zip(layers(built), layers(other), strict=True))
    # Base, packages and code are the same; bundles and release.json are not; then comes WORKDIR.
    assert [one == two for one, two in pairs] == [True, True, True, False, False, True]


def test_it_is_small(built: Built):
    base = built.swarm.docker(
        "image", "inspect", "--format", "{{.Size}}", built.swarm.env["BASE_IMAGE"]
    )
    over = built.inspect()["Size"] - int(base)
    assert over == built.told["bytes_over_base"]
    assert over < MEGABYTES_OVER_BASE * 1e6
    assert "MB on top of its base, of which in MB: packages/onnxruntime" in built.words


def test_it_says_which_release_it_is(built: Built):
    release = built.written("release.json")
    inside = built.swarm.docker(
        "run", "--rm", "--entrypoint", "cat", built.tag, "/app/release.json"
    )
    assert json.loads(inside) == release
    config = built.inspect()["Config"]
    assert f"RELEASE={release['release']}" in config["Env"]
    assert config["Labels"]["swarmline.release"] == release["release"]
    assert config["Labels"]["org.opencontainers.image.revision"].startswith(release["commit"])
    assert json.loads(config["Labels"]["swarmline.models"]) == {
        "quality-classification": {"champion": "1"},
        "yield-prediction": {"champion": "1"},
    }


def test_it_predicts_without_rights_and_ends_in_good_order(built: Built):
    swarm = built.swarm
    golden = json.loads((built.folder / "bundles/yield-prediction/1/golden.json").read_text())
    with running(swarm, built.tag, "--env", "AUTH=off", "--env", "DRAIN_SECONDS=1") as name:
        wait_for_health(swarm, name, "healthy")
        call = CALL % (json.dumps(golden["rows"]), "yield-prediction")
        answer = json.loads(swarm.docker("exec", "--interactive", name, "python3", "-", given=call))
        assert answer["release"] == built.told["release"]
        expected = [one[0] if isinstance(one, list) else one for one in golden["predictions"]]
        assert answer["predictions"] == pytest.approx(expected, rel=1e-4, abs=1e-4)
        assert swarm.docker("exec", name, "id", "-u").strip() == "10001"
        rights = swarm.docker("exec", name, "grep", "CapEff", "/proc/1/status")
        assert set(rights.split()[1]) == {"0"}
        swarm.docker("stop", name)
        ended = json.loads(swarm.docker("inspect", name))[0]["State"]
        assert (ended["ExitCode"], ended["OOMKilled"]) == (0, False)


def test_it_calls_nobody(built: Built):
    with running(built.swarm, built.tag, "--env", "AUTH=off") as name:
        wait_for_health(built.swarm, name, "healthy")
        words = logs(built.swarm, name)
    # ONNX Runtime tells of its reports where it has no place for their sender's number.
    assert "telemetry" not in words.lower()


def test_it_says_what_it_lacks_and_ends(built: Built):
    with running(built.swarm, built.tag) as name:
        assert built.swarm.docker("wait", name).strip() == "1"
        words = logs(built.swarm, name)
    assert "there are no keys; give KEYS_FILE" in words


def test_its_health_is_that_of_its_workers(built: Built):
    swarm = built.swarm
    quick = ("--health-interval", "1s", "--health-timeout", "2s", "--health-retries", "2")
    options = ("--env", "AUTH=off", "--env", "WORKERS=1", *quick)
    with running(swarm, built.tag, *options) as name:
        wait_for_health(swarm, name, "healthy")
        swarm.docker("exec", name, "python3", "-c", SEND % "SIGSTOP")
        wait_for_health(swarm, name, "unhealthy")
        swarm.docker("exec", name, "python3", "-c", SEND % "SIGCONT")
        wait_for_health(swarm, name, "healthy")


def test_only_root_may_change_what_is_inside(built: Built):
    find = "find /app /etc/passwd ! -user root -o -perm /022 ! -type l | head"
    found = built.swarm.docker("run", "--rm", "--entrypoint", "sh", built.tag, "-c", find)
    assert found == ""


def test_no_secret_is_in_it(built: Built, tmp_path: Path):
    """A setting of the build stands for all of them; the key is one that the machine has."""
    swarm = built.swarm
    assert MARK not in swarm.docker("history", "--no-trunc", built.tag)
    assert MARK not in swarm.docker("image", "inspect", built.tag)
    swarm.docker("save", "--output", str(tmp_path / "image.tar"), built.tag)
    content = (tmp_path / "image.tar").read_bytes()
    assert b"release.json" in content
    assert MARK.encode() not in content


def test_its_bill_of_materials_is_valid_and_whole(built: Built):
    bill = built.written("sbom.cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    listed = {one.get("purl", one["name"]).partition("@")[0]: one for one in bill["components"]}
    lock = (ROOT / "requirements/serve.txt").read_text(encoding="utf-8")
    assert f"flask=={listed['pkg:pypi/flask']['version']} " in lock
    assert listed["pkg:pypi/flask"]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert listed["pkg:deb/debian/libc6"]["version"].startswith("2.")
    assert listed["pkg:deb/debian/libc6"]["licenses"]
    assert listed["yield-prediction"]["type"] == "machine-learning-model"
    wanted = {
        line.partition("==")[0]
        for line in lock.splitlines()
        if "==" in line and "win32" not in line
    }
    assert {f"pkg:pypi/{name}" for name in wanted if name[0].isalpha()} <= set(listed)


def test_it_is_published_by_digest_and_any_node_can_have_it(built: Built):
    swarm = built.swarm
    code, out, err = command(swarm, built.folder, "scripts.image", "publish")
    assert code == 0, err
    published = built.written("image.json")
    assert json.loads(out)["image"] == published["image"]
    assert published["image"] == (f"{swarm.env['REGISTRY']}/swarmline/model@{published['digest']}")
    node = swarm.nodes[-1]
    node.docker("pull", "--quiet", published["image"])
    inside = node.docker("image", "inspect", published["image"])
    assert json.loads(inside)[0]["Id"] == built.inspect()["Id"]


def test_a_registry_that_is_down_is_told_of(built: Built):
    host = built.swarm.env["REGISTRY"].rpartition(":")[0]
    code, out, err = command(
        built.swarm, built.folder, "scripts.image", "publish", REGISTRY=f"{host}:1"
    )
    assert code == json.loads(out)["code"] == 1
    assert "could not be published" in err
    assert "is the registry up" in err.splitlines()[-1]


def test_a_base_that_cannot_be_had_is_told_of(swarm: Swarm, folder: Path):
    base = f"{swarm.env['REGISTRY']}/no/such:image"
    code, _, err = command(swarm, folder, "scripts.image", "build", BASE_IMAGE=base)
    assert code == 1
    assert f"the base image {base} cannot be had" in err


def test_an_image_that_is_gone_is_told_of(swarm: Swarm, built: Built, tmp_path: Path):
    (tmp_path / "release").mkdir()
    release = built.written("release.json") | {"release": "20200101-gone"}
    (tmp_path / "release/release.json").write_text(json.dumps(release))
    code, _, err = command(swarm, tmp_path, "scripts.image", "publish")
    assert (code, err.strip()) == (
        1,
        "swarmline: the engine has no image swarmline/model:20200101-gone (any more); run `make image`",
    )


@pytest.mark.thorough
def test_a_model_that_needs_scikit_learn_is_served_too(swarm: Swarm, tmp_path: Path):
    bundles.write_bundle(tmp_path / "bundles", bundles.RECIPE, "1", engine="skops", linear=True)
    built = build(swarm, tmp_path)
    with running(swarm, built.tag, "--env", "AUTH=off") as name:
        # Its golden rows are proven before it listens.
        wait_for_health(swarm, name, "healthy")


@pytest.mark.thorough
def test_mlflow_answers_its_callers_by_name_or_is_ill(swarm: Swarm, tmp_path: Path):
    code, out, err = command(swarm, tmp_path, "scripts.mlflow_image")
    assert code == 0, err
    image = json.loads(out)["image"]
    assert image.startswith(f"{swarm.env['REGISTRY']}/swarmline/mlflow@sha256:")
    with running(swarm, image, "--tmpfs", "/tmp") as name:
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
