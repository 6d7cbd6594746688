"""Stand-ins for public images, built from Debian's packages and kept in the cache, keyed by all that goes into them."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.machine import cache
from tests.support.swarm.engine import alone
from tests.support.swarm.monitoring_recipes import MONITORING_RECIPES
from tests.support.swarm.recipe import Recipe
from tests.support.swarm.service_recipes import SERVICE_RECIPES
from tests.support.swarm.shell import SwarmError, remove

RELEASE = "bookworm"
CHUNK = 1 << 20
OPTIONS = (
    *("--quiet", "--variant=minbase", "--format=tar"),
    # Folders of sockets and locks belong to an image.
    "--skip=cleanup/run",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """As a registry wants it: one layer, its configuration, and the manifest that names both."""

    recipe: Recipe
    folder: Path

    @property
    def layer(self) -> Path:
        return self.folder / "layer.tar.gz"

    @property
    def config(self) -> bytes:
        return (self.folder / "config.json").read_bytes()

    @property
    def manifest(self) -> bytes:
        return (self.folder / "manifest.json").read_bytes()


def key_of(recipe: Recipe) -> str:
    """Another for each recipe, and for each way to build it."""
    contents = {place: file.read_bytes().hex() for place, file in recipe.files.items()}
    parts = [recipe.name, recipe.packages, contents, recipe.before, recipe.commands, recipe.config]
    return hashlib.sha256(json.dumps([RELEASE, OPTIONS, *parts]).encode()).hexdigest()[:12]


def built() -> list[Image]:
    """All of them; what is not in the cache is built, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_built, (*SERVICE_RECIPES, *MONITORING_RECIPES)))


def _built(recipe: Recipe) -> Image:
    folder = cache() / "images" / f"{recipe.name}-{key_of(recipe)}"
    with alone(cache(), recipe.name):
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(prefix="new.", dir=folder.parent))
            try:
                _build(recipe, new)
                new.rename(folder)
            finally:
                remove(new)
    return Image(recipe, folder)


def _build(recipe: Recipe, folder: Path) -> None:
    layer = folder / "layer.tar.gz"
    content = _pack(_bootstrap(recipe), layer)
    config = {
        "architecture": ARCHITECTURE[platform.machine()],
        "os": "linux",
        "config": dict(recipe.config),
        "rootfs": {"type": "layers", "diff_ids": [content]},
        "history": [{"created_by": f"stand-in for {recipe.name}, from Debian's packages"}],
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    kind = "application/vnd.docker"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.distribution.manifest.v2+json",
        "config": asdict(_described(folder / "config.json", f"{kind}.container.image.v1+json")),
        "layers": [asdict(_described(layer, f"{kind}.image.rootfs.diff.tar.gzip"))],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@dataclass(frozen=True)
class Described:
    """What a manifest says of a file; the names are the format's."""

    mediaType: str  # pylint: disable=invalid-name
    size: int
    digest: str


def _described(file: Path, kind: str) -> Described:
    return Described(kind, file.stat().st_size, digest_of(file.read_bytes()))


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _bootstrap(recipe: Recipe) -> list[str]:
    uploads = [f"upload {source} {place}" for place, source in recipe.files.items()]
    modes = [f"chmod 755 $1{place}" for place in recipe.files]
    inside = [f"chroot $1 sh -ec '{_quoted(command)}'" for command in recipe.commands]
    return [
        *("mmdebstrap", *OPTIONS),
        f"--include={','.join(recipe.packages)}",
        f"--essential-hook={recipe.before}",
        *(f"--customize-hook={hook}" for hook in (*uploads, *modes, *inside)),
        *(RELEASE, "-"),
    ]


def _quoted(command: str) -> str:
    return command.replace("'", "'\\''")


def _pack(command: list[str], layer: Path) -> str:
    """Compresses what the command writes; the digest of what it was before."""
    content = hashlib.sha256()
    with tempfile.TemporaryFile() as words, layer.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as packed:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words) as process:
                assert process.stdout is not None
                while chunk := process.stdout.read(CHUNK):
                    content.update(chunk)
                    packed.write(chunk)
        if process.returncode:
            words.seek(0)
            raise SwarmError(f"mmdebstrap failed: {words.read().decode()[-2000:]}")
    return f"sha256:{content.hexdigest()}"
