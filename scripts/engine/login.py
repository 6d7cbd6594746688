"""What Jenkins binds as credentials, as the docker command takes it: a login without `docker login`, certificates.

DOCKER_CLIENT       path of a zip with ca.pem, cert.pem and key.pem; without these files in it no certificate is needed
REGISTRY_LOGIN_USR  user of REGISTRY, with REGISTRY_LOGIN_PSW; `none` where it asks for no login

Both go to a folder of this process alone, mode 0700, that is removed when it ends.
"""

from __future__ import annotations

import atexit
import base64
import functools
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from scripts.command.outcome import Refused

CERTIFICATES = {"ca.pem", "cert.pem", "key.pem"}


@functools.cache
def environment() -> Mapping[str, str]:
    """Environment variables to add to each call of docker."""
    variables: dict[str, str] = {}
    if os.environ.get("DOCKER_CLIENT"):
        variables |= _certificates(Path(os.environ["DOCKER_CLIENT"]))
    if os.environ.get("REGISTRY_LOGIN_USR", "none") != "none":
        variables["DOCKER_CONFIG"] = str(_login(os.environ.get("REGISTRY", "")))
    return variables


def _private(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"swarmline-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _certificates(path: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = CERTIFICATES & set(archive.namelist())
            if not names:
                return {}
            if names != CERTIFICATES:
                raise Refused(
                    f"the credential docker-client has {sorted(names)}; it needs {sorted(CERTIFICATES)}"
                )
            folder = _private("certificates")
            archive.extractall(folder, sorted(names))
    except (OSError, zipfile.BadZipFile) as error:
        raise Refused(
            f"the credential docker-client is no zip of {sorted(CERTIFICATES)}: {error}"
        ) from error
    return {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": "1"}


def _login(registry: str) -> Path:
    if not registry:
        raise Refused("the credential registry is bound, and REGISTRY does not say for which one")
    pair = f"{os.environ['REGISTRY_LOGIN_USR']}:{os.environ.get('REGISTRY_LOGIN_PSW', '')}"
    folder = _private("docker")
    own = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker"))
    config = {
        "auths": {registry.split("/")[0]: {"auth": base64.b64encode(pair.encode()).decode()}},
        # Buildx may be installed for this user alone.
        "cliPluginsExtraDirs": [str(own / "cli-plugins")],
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
