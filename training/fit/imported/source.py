"""The place of a model from elsewhere, and the hash of what lies there, which is part of the key of its training."""

from __future__ import annotations

import hashlib
from pathlib import Path

from training.common import own_code, state
from training.fit.imported import file
from training.fit.imported.file import ImportRefused
from training.spec.values import Import, Spec

#: What an MLflow model is by its folder.
MLMODEL = "MLmodel"


def key_of_own(spec: Spec) -> str:
    """The hash of what a spec names of a person's own: code, and a model; empty where it names nothing."""
    own = own_code.digest(spec.own_functions)
    return own if spec.imported is None else f"{own} {content(spec)}"


def is_at_mlflow(imported: Import) -> bool:
    return ":/" in imported.model


def fetched(spec: Spec) -> Path:
    """The folder that a model of MLflow's is brought to."""
    return state.build() / "imported" / spec.name


def place(spec: Spec) -> Path:
    """A file, or the folder of an MLflow model."""
    imported = spec.imported
    assert imported is not None
    if imported.file:
        return Path(imported.file)
    folder = fetched(spec) if is_at_mlflow(imported) else Path(imported.model)
    if not (folder / MLMODEL).is_file():
        raise ImportRefused(
            f"import.model: given {imported.model!r}, and {folder} has no file {MLMODEL}; allowed: the folder of an"
            " MLflow model, or models:/NAME/VERSION"
        )
    return folder


def content(spec: Spec) -> str:
    where = place(spec)
    if where.is_file() or not where.exists():
        return file.content(where)
    digest = hashlib.sha256()
    for path in sorted(each for each in where.rglob("*") if each.is_file()):
        with path.open("rb") as opened:
            hashed = hashlib.file_digest(opened, "sha256").hexdigest()
        digest.update(f"{path.relative_to(where).as_posix()}\0{hashed}\0".encode())
    return digest.hexdigest()
