"""Docker's engine, unpacked from Debian's packages into the cache, without installing it on the machine.

The engine of this Debian release is too old; the next release's needs nothing of that release but itself. Only its
`runc` does, so this release's own is used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.machine import cache
from tests.support.swarm.shell import SwarmError, remove, run

RELEASE = "trixie"
PACKAGES = ("docker.io", "docker-cli", "containerd", "docker-buildx", "tini")
TOOLS = ("mmdebstrap", "runc", "iptables", "ip", "unshare", "nsenter")


def why_not() -> str | None:
    """Why no engine can be had here, or None."""
    if os.geteuid() != 0:
        return "not root: engines in namespaces of their own need it"
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        return f"{', '.join(missing)} missing: .ci/install brings them"
    tried = ["unshare", "--net", "--mount", "--pid", "--fork", "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        return "the kernel gives this user no namespaces: a container without privileges?"
    return None


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """One process at a time; the others wait, and then find done what they came for."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpacked() -> Path:
    """The folder of the engine."""
    place = fetched("engine", RELEASE, PACKAGES)
    for folder in ("sbin", "bin"):
        (place / "usr" / folder / "runc").unlink(missing_ok=True)
    return place


def fetched(name: str, release: str, packages: tuple[str, ...]) -> Path:
    """The folder of unpacked packages in the cache, fetched when it is not there."""
    key = hashlib.sha256(" ".join((release, *packages)).encode()).hexdigest()[:12]
    place = cache() / f"{name}-{key}"
    with alone(cache(), name):
        if not place.exists():
            _fetch(place, release, packages)
    return place


def _fetch(place: Path, release: str, packages: tuple[str, ...]) -> None:
    if not shutil.which("mmdebstrap"):
        raise SwarmError("mmdebstrap is missing: .ci/install brings it")
    new = Path(tempfile.mkdtemp(prefix="new.", dir=place.parent))
    try:
        include = f"--include={','.join(packages)}"
        run("mmdebstrap", "--quiet", "--variant=extract", include, release, new, seconds=600)
        new.chmod(0o755)
        new.rename(place)
    finally:
        remove(new)


def search_path(engine: Path) -> str:
    """The engine's own programs first."""
    folders = [str(engine / "usr" / folder) for folder in ("sbin", "bin", "libexec/docker")]
    return ":".join([*folders, os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def docker_command(engine: Path) -> str:
    """The machine's own docker command, or the one that came with the engine."""
    return shutil.which("docker") or str(engine / "usr/bin/docker")


def docker_config(engine: Path, folder: Path) -> None:
    """A configuration of its own, with buildx, that touches no user's."""
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(engine / "usr/libexec/docker/cli-plugins/docker-buildx")
