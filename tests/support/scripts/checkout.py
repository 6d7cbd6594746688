"""A small checkout with bundles, as an image is made from."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from scripts.engine.images import Base
from scripts.image import context
from scripts.image.release import describe

BASE = Base("python:3.11-slim-bookworm", "sha256:" + "0" * 64)
FILES = {
    "service/__main__.py": "print('serves')\n",
    "service/openapi/pages/docs.css": "body {}\n",
    "service/Dockerfile": "FROM base\n",
    "requirements/serve.txt": "flask==3.1.3\n",
    "requirements/skops.txt": "flask==3.1.3\nskops==0.13\n",
    ".gitignore": ".env\n*.pyc\n",
}


def checkout(root: Path) -> Path:
    for name, text in FILES.items():
        write(root / name, text)
    git(root, "init", "--quiet")
    commit(root)
    bundle(root, "yield", "3")
    aliases(root, **{"yield": {"champion": "3"}})
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def bundle(root: Path, model: str, version: str, **more: Any) -> Path:
    folder = root / "build/bundles" / model / version
    files = {"model.onnx": f"{model} {version}", "golden.json": "{}", "card.html": "<p>"}
    for name, text in files.items():
        write(folder / name, text)
    manifest = {
        "model": model,
        "version": version,
        "run_id": "r1",
        "data_fingerprint": "d1",
        "git_commit": "c1",
        "created": "2030-01-02T03:04:05+00:00",
        "engine": "onnx",
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()},
    }
    write(folder / "manifest.json", json.dumps(manifest | more))
    return folder


def aliases(root: Path, **arms: dict[str, str]) -> None:
    write(root / "build/bundles/aliases.json", json.dumps(arms))


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(root), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all", "--", "service", "requirements", ".gitignore")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "a change")


def inputs(root: Path) -> context.ImageInputs:
    return context.gather(root, root / "build/bundles")


def release(root: Path, base: Base = BASE) -> dict[str, Any]:
    return describe(inputs(root), base)
