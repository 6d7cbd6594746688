"""Releases to deploy: real images, built by the project's own commands from small bundles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import ROOT
from tests.support.service import bundles
from tests.support.swarm.cluster import Swarm

BAD = Path(__file__).parent / "bad"
MODEL, OTHER = bundles.YIELD.model, bundles.QUALITY.model


class Release(NamedTuple):
    """A release in the registry, by digest."""

    name: str
    image: str
    document: dict[str, Any]
    #: Empty where none was built.
    monitor: str = ""


@dataclass(frozen=True)
class Workshop:
    """Builds on the first node of the Swarm, in a folder of its own."""

    swarm: Swarm
    folder: Path

    def _fresh(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def environ(self, place: Path) -> dict[str, str]:
        return {**os.environ, **self.swarm.env, "SWARMLINE_BUILD": str(place)}

    def release(
        self, name: str, version: str, root: Path = ROOT, monitoring: str = "off"
    ) -> Release:
        """Models of this version, and the code of `root`. Two files of a run may make one of the same name."""
        place = self._fresh(name)
        seed = int(version)
        shipped = place / "bundles"
        bundles.write_bundle(shipped, bundles.YIELD, version, linear=True, seed=seed)
        bundles.write_bundle(shipped, bundles.QUALITY, "1", linear=True)
        bundles.write_bundle(shipped, bundles.QUALITY, "2", arm="challenger", linear=True, seed=7)
        return self.release_of(place, root, monitoring)

    def release_of(self, place: Path, root: Path = ROOT, monitoring: str = "off") -> Release:
        """The exported set of this state folder, and the code of `root`."""
        # The environment is there; a copy of the checkout is newer than it, and no other.
        command = ["make", "-o", ".venv/.ready", "image", "publish"]
        _run(command, root, {**self.environ(place), "MONITORING": monitoring})
        folder = place / "release"
        image = json.loads((folder / "image.json").read_bytes())
        document = json.loads((folder / "release.json").read_bytes())
        return Release(image["release"], image["image"], document, image.get("monitor", ""))

    def changed_code(self, name: str, version: str) -> Release:
        """The same models, and a service whose code has changed."""
        copy = self.checkout(f"{name}-code")
        with (copy / "service/views/health.py").open("a", encoding="utf-8") as code:
            code.write("\n# Another line of code.\n")
        commit(copy, "Another line")
        return self.release(name, version, copy)

    def checkout(self, name: str) -> Path:
        """A copy of this one, to be changed."""
        copy = self._fresh(name)
        _run(["git", "clone", "-q", "--no-checkout", ROOT, copy], ROOT)
        for file in _run(["git", "ls-files"], ROOT).splitlines():
            if (ROOT / file).is_file():
                (copy / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, copy / file)
        (copy / ".venv").symlink_to(ROOT / ".venv")
        return copy

    def altered(self, name: str, *changes: tuple[str, str, str]) -> Path:
        """A checkout in which texts are other ones: each change is a file, a text in it, and what that becomes."""
        root = self.checkout(name)
        for file, usual, other in changes:
            text = (root / file).read_text(encoding="utf-8")
            assert usual in text, f"{file} has no {usual!r}"
            (root / file).write_text(text.replace(usual, other), encoding="utf-8")
        commit(root, f"Altered for {name}")
        return root

    def bad(self, fault: str, good: Release) -> Release:
        """The good release with one of the faults in bad/."""
        place = self._fresh(f"bad-{fault}")
        name = f"{good.name}-{fault.replace('_', '-')}"
        document = {**good.document, "release": name}
        (place / "release.json").write_text(json.dumps(document), encoding="utf-8")
        shutil.copy(BAD / f"{fault}.py", place / "fault.py")
        shutil.copy(BAD / "Dockerfile", place)
        tag = f"{self.swarm.registry.address}/swarmline/bad:{fault}"
        arguments = ["--build-arg", f"GOOD={good.image}", "--build-arg", f"RELEASE={name}"]
        docker = ["docker", "buildx", "build", "--quiet", *arguments, "--tag", tag, place]
        _run(docker, place, self.environ(place))
        self.swarm.docker("push", "--quiet", tag)
        digest = self.swarm.docker("image", "inspect", "--format", "{{json .RepoDigests}}", tag)
        image = next(name for name in json.loads(digest) if "/swarmline/bad@" in name)
        return Release(name, image, document)


def commit(checkout: Path, words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    _run(["git", "add", "-A"], checkout)
    _run(["git", *who, "commit", "-q", "--no-verify", "-m", words], checkout)


def _run(command: list[Any], where: Path, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=where, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout
