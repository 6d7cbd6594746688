"""What Jenkins binds as credentials reaches the docker command, and stays nowhere."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TELL = """
import json, os
from scripts.engine.login import environment
variables = dict(environment())
print(json.dumps({name: [value, sorted(os.listdir(value)) if os.path.isdir(value) else "", os.path.isdir(value) and os.stat(value).st_mode] for name, value in variables.items()}))
if "DOCKER_CONFIG" in variables:
    print(open(variables["DOCKER_CONFIG"] + "/config.json").read())
"""


def tell(**environ: str) -> list[dict[str, object]]:
    """In a process of its own, since what it makes lasts as long as that."""
    done = subprocess.run(
        [sys.executable, "-c", TELL], cwd=ROOT, env={**os.environ, **environ}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def zipped(folder: Path, *names: str) -> str:
    with zipfile.ZipFile(folder / "client.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "a certificate")
    return str(folder / "client.zip")


def test_without_credentials_docker_is_left_alone() -> None:
    assert tell() == [{}]


def test_certificates_are_unpacked_for_this_process_alone_and_removed(tmp_path: Path) -> None:
    (variables,) = tell(DOCKER_CLIENT=zipped(tmp_path, "ca.pem", "cert.pem", "key.pem", "note.txt"))
    folder, names, mode = variables["DOCKER_CERT_PATH"]  # type: ignore[misc]
    assert names == ["ca.pem", "cert.pem", "key.pem"] and stat.S_IMODE(mode) == 0o700
    assert variables["DOCKER_TLS_VERIFY"] == ["1", "", False] and not Path(folder).exists()


def test_a_zip_without_certificates_says_that_none_are_needed(tmp_path: Path) -> None:
    assert tell(DOCKER_CLIENT=zipped(tmp_path, "none-needed.txt")) == [{}]


@pytest.mark.parametrize("names", [["ca.pem"], ["cert.pem", "key.pem"]])
def test_half_of_them_are_refused(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(AssertionError, match=r"it needs \['ca.pem', 'cert.pem', 'key.pem'\]"):
        tell(DOCKER_CLIENT=zipped(tmp_path, *names))


def test_a_login_is_a_file_and_never_an_argument() -> None:
    made, config = tell(
        REGISTRY="house:5000/team", REGISTRY_LOGIN_USR="me", REGISTRY_LOGIN_PSW="secret"
    )
    assert config["auths"] == {"house:5000": {"auth": "bWU6c2VjcmV0"}}
    assert not Path(made["DOCKER_CONFIG"][0]).exists()  # type: ignore[index]


def test_a_registry_without_a_login_needs_none() -> None:
    assert tell(REGISTRY="house:5000", REGISTRY_LOGIN_USR="none", REGISTRY_LOGIN_PSW="") == [{}]
