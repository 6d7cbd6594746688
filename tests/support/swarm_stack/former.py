"""A release of before there was monitoring: built and deployed by the code of then, from this repository's history."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import ROOT
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.releases import Release
from tests.support.swarm_stack.stack import Stack

COMMIT = "5c407fe3eb261ce42130bcc9ddc774f5c6d72c15"
BUNDLES = """
import json, sys
from pathlib import Path
from tests.service import bundles
place = Path(sys.argv[1])
bundles.write_bundle(place, bundles.YIELD, "1", linear=True, seed=1)
bundles.write_bundle(place, bundles.QUALITY, "1", linear=True)
"""


@dataclass(frozen=True)
class Former:
    """The checkout of then, in a folder of its own."""

    swarm: Swarm
    root: Path

    @classmethod
    def of(cls, swarm: Swarm, folder: Path) -> Former:
        root = folder / "code"
        subprocess.run(["git", "clone", "-q", "--no-checkout", ROOT, root], check=True)
        subprocess.run(["git", "checkout", "-q", COMMIT], cwd=root, check=True)
        return cls(swarm, root)

    def release(self, folder: Path) -> Release:
        environ = {**os.environ, **self.swarm.env, "SWARMLINE_BUILD": str(folder)}
        self._python(environ, "-c", BUNDLES, str(folder / "bundles"))
        for act in ("build", "publish"):
            self._python(environ, "-m", "scripts.image", act)
        image = json.loads((folder / "release/image.json").read_bytes())
        document = json.loads((folder / "release/release.json").read_bytes())
        return Release(image["release"], image["image"], document)

    def deploy(self, stack: Stack, release: Release) -> dict[str, Any]:
        """From nothing, as people did it then."""
        self._python(stack.environ, "-m", "scripts.secrets", "make", "--self-signed", "edge.test")
        words = ("--image", release.image, "--watch", "0", "--deadline", "240", "--json")
        document: dict[str, Any] = json.loads(
            self._python(stack.environ, "-m", "scripts.deploy", *words)
        )
        return document

    def _python(self, environ: dict[str, str], *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env={**environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout
