"""The folder of a deploy that runs by itself: all that it needs is its own, whatever becomes of the build's workspace.

    work/        code, environment, settings and the image's name, where it runs; removed at its end
    private/     credentials and temporary files, for its user alone; removed at its end
    log          what it says
    shown        how much of that somebody has read
    process      which process it is
    alive        locked as long as it runs
    deploy.json  how it ended

Folders lie below SWARMLINE_DEPLOYS, or else ~/.local/state/swarmline/deploys, and are named by the build.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command import files
from scripts.command.checkout import ROOT
from scripts.ledger import tracking

#: Seconds for which people may want to read the log of a deploy that has ended.
KEEP_SECONDS = 7 * 86400.0
#: By these Jenkins finds the processes of a build to end them; make's own would reach a make that has gone.
MARKS = re.compile(r"(JENKINS|HUDSON|BUILD|JOB)_.*|.*_COOKIE|WORKSPACE.*|MAKE(FLAGS|LEVEL)|MFLAGS")
#: Variables that name a file, and those that name a folder, with what counts in it. Jenkins removes what it has bound
#: when a step ends.
FILES = (
    "DOCKER_CLIENT",
    "SWARMLINE_KEY_FILE",
    "SWARMLINE_EDGE_KEY_FILE",
    "SWARMLINE_CA",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
FOLDERS = {
    "DOCKER_CONFIG": ("config.json", "contexts"),
    "DOCKER_CERT_PATH": ("ca.pem", "cert.pem", "key.pem"),
    "SWARMLINE_SETTINGS": ("*.env",),
}


class Folder(NamedTuple):
    """One deploy's folder. `alive` is the file that is locked until whoever inherits it has ended, however it ends."""

    path: Path
    alive: int = -1

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def private(self) -> Path:
        return self.path / "private"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def process(self) -> Path:
        return self.path / "process"

    def runs(self) -> bool:
        with (self.path / "alive").open("a", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def verdict(self) -> dict[str, Any] | None:
        """How it ended, once it tells."""
        with suppress(FileNotFoundError):
            return dict(json.loads((self.path / "deploy.json").read_bytes()))
        return None

    def unread(self, whole: bool) -> str:
        """What the log has beyond what was read; of a deploy that goes on, whole lines."""
        shown = self.path / "shown"
        start = int(shown.read_text(encoding="ascii")) if shown.exists() else 0
        with self.log.open("a+b") as log:
            log.seek(start)
            words = log.read()
        words = words if whole else words[: words.rfind(b"\n") + 1]
        shown.write_text(str(start + len(words)), encoding="ascii")
        return words.decode("utf-8", "replace")

    def close(self) -> None:
        """At the end, whatever the end: no credential stays, and then how it went can be read."""
        for credentials in (self.private, self.work / "build/secrets"):
            shutil.rmtree(credentials, ignore_errors=True)
        with suppress(FileNotFoundError):
            (self.work / "build/release/deploy.json").rename(self.path / "deploy.json")
        shutil.rmtree(self.work, ignore_errors=True)


def root() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(os.environ.get("SWARMLINE_DEPLOYS") or Path(state, "swarmline/deploys"))


def _name(build_tag: str) -> str:
    """A build may begin a deploy of staging and one of production: their outcomes have names of their own."""
    outcome = files.deploy_outcome().stem
    tag = build_tag if outcome == "deploy" else f"{build_tag}-{outcome}"
    return re.sub(r"[^\w.-]", "-", tag)[-150:]


def of_build(build_tag: str) -> Folder | None:
    """The deploy that a build began last, if it began one on this machine."""
    own = [each for each in _all() if each.path.name.rpartition("+")[0] == _name(build_tag)]
    return max(own, key=lambda folder: folder.path.stat().st_mtime, default=None)


def _all() -> Iterator[Folder]:
    if root().is_dir():
        yield from (Folder(path) for path in root().iterdir() if path.is_dir())


def sweep() -> None:
    """A deploy that was killed could not clear up; and nobody reads the old ones any more."""
    for folder in _all():
        began = folder.path.stat().st_mtime
        if folder.runs():
            continue
        folder.close()
        if time.time() - began > KEEP_SECONDS:
            shutil.rmtree(folder.path, ignore_errors=True)


def new(build_tag: str) -> Folder:
    root().mkdir(parents=True, exist_ok=True, mode=0o700)
    path = Path(tempfile.mkdtemp(prefix=f"{_name(build_tag)}+", dir=root()))
    alive = os.open(path / "alive", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    return Folder(path, alive)


def pack(folder: Folder) -> tuple[str, dict[str, str]]:
    """Puts all that a deploy needs into its folder: the Python to run there, and its environment."""
    folder.private.mkdir(mode=0o700)
    (folder.private / "tmp").mkdir()
    _copy_code(folder.work)
    _copy_build(folder.work / "build")
    return _python(folder.work), _environment(folder, os.environ)


def _copy_code(work: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("outside", "scripts", "stack"):
        shutil.copytree(ROOT / name, work / name, ignore=ignored)
    shutil.copy(ROOT / "stack.yml", work)


def _copy_build(own: Path) -> None:
    """What was published last, and the keys where no credential names others."""
    for name in ("release", "secrets"):
        if (files.build() / name).is_dir():
            shutil.copytree(files.build() / name, own / name)
    # How it ends is for this deploy to say.
    (own / "release/deploy.json").unlink(missing_ok=True)


def _python(work: Path) -> str:
    """The environment goes on to be read, MLflow's client above all: links, so that it takes no space and outlives
    the workspace that it is in."""
    environment = Path(sys.prefix).resolve()
    if environment.is_relative_to(ROOT.resolve()):
        own = work / ".venv"
        shutil.copytree(environment, own, symlinks=True, copy_function=_link)
        environment = own
    return str(environment / "bin" / Path(sys.executable).name)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # on another file system, or on one that has no links
        shutil.copy2(source, target, follow_symlinks=False)


def _environment(folder: Folder, environ: Mapping[str, str]) -> dict[str, str]:
    own = {name: text for name, text in environ.items() if not MARKS.fullmatch(name)}
    for name in FILES:
        if (source := Path(own.get(name) or os.devnull)).is_file():
            own[name] = str(shutil.copyfile(source, folder.private / name))
            (folder.private / name).chmod(0o600)
    for name, parts in FOLDERS.items():
        if own.get(name):
            _copy_parts(Path(own[name]), folder.private / name, parts)
            own[name] = str(folder.private / name)
    return own | {
        # Its own folder's is named by itself; the name is for the build's.
        "SWARMLINE_OUTCOME": "",
        "SWARMLINE_BUILD": str(folder.work / "build"),
        "MLFLOW_TRACKING_URI": _absolute(tracking.uri()),
        "TMPDIR": str(folder.private / "tmp"),
    }


def _copy_parts(source: Path, own: Path, parts: Iterable[str]) -> None:
    own.mkdir(mode=0o700)
    for path in (path for part in parts for path in source.glob(part)):
        if path.is_dir():
            shutil.copytree(path, own / path.name)
        else:
            shutil.copy2(path, own / path.name)


def _absolute(uri: str) -> str:
    """A database in a file is named from here, and not from where the deploy runs."""
    scheme, slashes, path = uri.partition(":///")
    return f"{scheme}{slashes}{Path(path).resolve()}" if scheme == "sqlite" and path else uri
