"""Stand-ins for public images, built from Debian's packages and kept in the cache, keyed by all that goes into them.

Each behaves as the image it stands for, as far as stack files and Dockerfiles rely on it: programs, entry point,
users and their numbers, folders.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.machine import cache
from tests.support.swarm.engine import alone
from tests.support.swarm.shell import SwarmError, remove

STAND_IN = Path(__file__).parent / "stand_in"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
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
class Recipe:
    """`variable` names the image to the stack; `files` go in, then `commands` run inside, as root."""

    name: str
    variable: str
    packages: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    before: str = "true"
    commands: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        contents = {place: file.read_bytes().hex() for place, file in self.files.items()}
        parts = [self.name, self.packages, contents, self.before, self.commands, self.config]
        return hashlib.sha256(json.dumps([RELEASE, OPTIONS, *parts]).encode()).hexdigest()[:12]


PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TRUST = f"/usr/local/share/{CERTIFICATES.name}"
CERTIFICATE_SETTINGS = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
ENTRY = "/usr/local/bin/docker-entrypoint.sh"
#: The official images have BusyBox, by which their health is asked.
WGET = "ln -s /bin/busybox /usr/local/bin/wget"

RECIPES = (
    Recipe(
        name="python",
        variable="BASE_IMAGE",
        packages=("python3", "python3-venv", "python3-pip", "ca-certificates"),
        # The machine's own authorities: where its traffic is inspected, builds need them.
        files={TRUST: CERTIFICATES},
        commands=(
            f"cat {TRUST} > {CERTIFICATES}",
            "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
            "for name in python python3; do ln -s /usr/bin/python3 /usr/local/bin/$name; done",
        ),
        config={
            "Env": [
                PATH,
                "LANG=C.UTF-8",
                *(f"{name}={CERTIFICATES}" for name in CERTIFICATE_SETTINGS),
                "UV_SYSTEM_CERTS=1",
                "UV_NATIVE_TLS=1",
            ],
            "Cmd": ["python3"],
        },
    ),
    Recipe(
        name="haproxy",
        variable="EDGE_IMAGE",
        packages=("haproxy",),
        files={ENTRY: STAND_IN / "haproxy.sh"},
        commands=(
            "groupmod -g 99 haproxy && usermod -u 99 -g 99 haproxy",
            "mkdir -p /usr/local/etc/haproxy /var/lib/haproxy",
            "chown haproxy:haproxy /var/lib/haproxy",
            "ln -s /usr/sbin/haproxy /usr/local/sbin/haproxy",
        ),
        config={
            "Env": [PATH],
            "User": "haproxy",
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
            "WorkingDir": "/var/lib/haproxy",
            "StopSignal": "SIGUSR1",
        },
    ),
    Recipe(
        name="postgres",
        variable="DB_IMAGE",
        packages=("postgresql-15",),
        files={ENTRY: STAND_IN / "postgres.sh"},
        # Else the package makes a cluster of its own.
        before="mkdir -p $1/etc/postgresql-common"
        " && echo create_main_cluster = false > $1/etc/postgresql-common/createcluster.conf",
        commands=(
            "groupmod -g 999 postgres && usermod -u 999 -g 999 postgres",
            "install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data",
            "install -d -o postgres -g postgres -m 3777 /var/run/postgresql",
            "mkdir -p /docker-entrypoint-initdb.d",
            "rm -rf /var/log/postgresql/*",
            "chown postgres:postgres /var/lib/postgresql",
            "sed -i \"s/^#listen_addresses.*/listen_addresses = '*'/\""
            " /usr/share/postgresql/15/postgresql.conf.sample",
        ),
        config={
            "Env": [
                PATH.replace("=", "=/usr/lib/postgresql/15/bin:"),
                "LANG=C.UTF-8",
                "PG_MAJOR=15",
                "PGDATA=/var/lib/postgresql/data",
            ],
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["postgres"],
            "Volumes": {"/var/lib/postgresql/data": {}},
            "ExposedPorts": {"5432/tcp": {}},
            "StopSignal": "SIGINT",
        },
    ),
    Recipe(
        name="prometheus",
        variable="PROMETHEUS_IMAGE",
        packages=("prometheus", "busybox"),
        commands=(WGET, "install -d -o 65534 -g 65534 /prometheus"),
        config={
            "Env": [PATH],
            "User": "nobody",
            "Entrypoint": ["/bin/prometheus"],
            "WorkingDir": "/prometheus",
            "Volumes": {"/prometheus": {}},
            "ExposedPorts": {"9090/tcp": {}},
        },
    ),
    Recipe(
        name="alertmanager",
        variable="ALERTMANAGER_IMAGE",
        packages=("prometheus-alertmanager", "busybox"),
        commands=(
            WGET,
            "ln -s /usr/bin/prometheus-alertmanager /bin/alertmanager",
            "install -d -o 65534 -g 65534 /etc/alertmanager /alertmanager",
        ),
        config={
            "Env": [PATH],
            "User": "nobody",
            "Entrypoint": ["/bin/alertmanager"],
            "WorkingDir": "/alertmanager",
            "Volumes": {"/alertmanager": {}},
            "ExposedPorts": {"9093/tcp": {}},
        },
    ),
    Recipe(
        name="node-exporter",
        variable="NODE_EXPORTER_IMAGE",
        packages=("prometheus-node-exporter", "busybox"),
        commands=(WGET, "ln -s /usr/bin/prometheus-node-exporter /bin/node_exporter"),
        config={
            "Env": [PATH],
            "User": "nobody",
            "Entrypoint": ["/bin/node_exporter"],
            "ExposedPorts": {"9100/tcp": {}},
        },
    ),
    Recipe(
        name="registry",
        variable="REGISTRY_IMAGE",
        packages=("docker-registry", "ca-certificates"),
        files={"/entrypoint.sh": STAND_IN / "registry.sh"},
        commands=(
            "ln -s /usr/bin/docker-registry /usr/local/bin/registry",
            "mkdir -p /var/lib/registry /etc/docker/registry",
            "[ -e /etc/docker/registry/config.yml ] || printf '%s\\n' 'version: 0.1'"
            " 'storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}'"
            " 'http: {addr: \":5000\"}' > /etc/docker/registry/config.yml",
            "sed -i 's#rootdirectory:.*#rootdirectory: /var/lib/registry#;/^auth:/,$d'"
            " /etc/docker/registry/config.yml",
        ),
        config={
            "Env": [PATH],
            "Entrypoint": ["/entrypoint.sh"],
            "Cmd": ["/etc/docker/registry/config.yml"],
            "Volumes": {"/var/lib/registry": {}},
            "ExposedPorts": {"5000/tcp": {}},
        },
    ),
)


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


def built() -> list[Image]:
    """All of them; what is not in the cache is built, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_built, RECIPES))


def _built(recipe: Recipe) -> Image:
    folder = cache() / "images" / f"{recipe.name}-{recipe.key}"
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
