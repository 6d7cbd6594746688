"""The exported set: `<root>/<model>/<version>/`, each all that the service needs for one version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from service.bundle.contract import Contract
from service.bundle.engines import Answer, Engine, UntrustedModel, open_engine
from service.bundle.manifest import (
    MANIFEST,
    BundleError,
    DamagedBundle,
    Golden,
    Manifest,
    NoBundles,
    NotExported,
    UntrustedBundle,
    decode_file,
    read_manifest,
)
from service.bundle.rows.encoder import Encoder

ALIASES = "aliases.json"
ARMS = ("champion", "challenger")
#: Of each model, which version plays which part.
Aliases = dict[str, dict[str, str]]


class Bundle(NamedTuple):
    folder: Path
    manifest: Manifest
    contract: Contract
    golden: Golden
    encoder: Encoder
    engine: Engine

    def predict(self, matrix: np.ndarray[Any, Any]) -> Answer:
        return self.engine.predict(matrix)


class ExportedModel(NamedTuple):
    """What one model serves with: the versions that the aliases point at."""

    champion: Bundle
    challenger: Bundle | None = None


def load_bundle(folder: Path, trusted: Sequence[str] = ()) -> Bundle:
    """`trusted` are packages besides the usual whose types its model may hold."""
    manifest = read_manifest(folder)
    contract = decode_file(folder / "contract.json", Contract)
    golden = decode_file(folder / "golden.json", Golden)
    _check_identity(folder, manifest, contract)
    try:
        engine = open_engine(manifest.engine, folder, trusted)
    except UntrustedModel as error:
        raise UntrustedBundle(str(error)) from error
    return Bundle(folder, manifest, contract, golden, Encoder(contract), engine)


def _check_identity(folder: Path, manifest: Manifest, contract: Contract) -> None:
    """Headers, metrics and the journal each take the name from another of these places."""
    names = (manifest.model, manifest.classes, manifest.task)
    if names != (contract.model, contract.classes, contract.task):
        raise DamagedBundle(
            f"{folder}: {MANIFEST} is of another model than contract.json; export the bundle again"
        )


def read_aliases(root: Path) -> Aliases:
    """What `aliases.json` says: the champion of each model, and a challenger where that is another version."""
    aliases = decode_file(root / ALIASES, Aliases)
    for model, arms in aliases.items():
        if "champion" not in arms or not arms.keys() <= {*ARMS}:
            raise NotExported(
                f"{root / ALIASES}: {model} has {' and '.join(arms) or 'no alias'}; it needs a champion, and may have"
                " a challenger; `make promote` makes one, `make export` writes it here"
            )
        if arms.get("challenger") == arms["champion"]:
            del arms["challenger"]
    return aliases


def exported(root: Path) -> Aliases:
    """The exported set: the bundles that aliases name, if these and no others lie below `root`.

    Nothing stands in for an alias: what nobody promoted is not served. `scripts/image/exported.py` reads the same
    set by itself, as those do who look at a service from outside.
    """
    folders = [path.parent for path in root.glob(f"[!.]*/[!.]*/{MANIFEST}")]
    on_disk = {f"{folder.parent.name}/{folder.name}" for folder in folders}
    aliases = read_aliases(root) if (root / ALIASES).is_file() else {}
    named = {f"{model}/{version}" for model, arms in aliases.items() for version in arms.values()}
    if not on_disk | named:
        raise NoBundles(
            f"{root}: there is no bundle; `make train`, `make promote` and `make export` make them,"
            " `make run` does it all for the sample models"
        )
    if on_disk - named:
        raise NotExported(
            f"{root}: no alias in {ALIASES} names {', '.join(sorted(on_disk - named))}, so nobody promoted it;"
            " `make export` writes what somebody did"
        )
    if named - on_disk:
        raise NotExported(
            f"{root}: {ALIASES} names {', '.join(sorted(named - on_disk))}, which is not there;"
            " `make export` brings it"
        )
    return aliases


def load_models(root: Path, trusted: Sequence[str] = ()) -> dict[str, ExportedModel]:
    """Every model of the exported set below `root`."""
    return {
        model: _load_arms(root / model, arms, trusted)
        for model, arms in sorted(exported(root).items())
    }


def _load_arms(folder: Path, aliases: dict[str, str], trusted: Sequence[str]) -> ExportedModel:
    challenger = aliases.get("challenger")
    model = ExportedModel(
        _load_in_place(folder / aliases["champion"], trusted),
        _load_in_place(folder / challenger, trusted) if challenger else None,
    )
    if model.challenger is not None and _encoding(model.champion) != _encoding(model.challenger):
        raise BundleError(
            f"{folder}: version {challenger} takes or gives other columns or classes than the"
            f" champion, version {aliases['champion']}, and both are fed the same rows; promote it, or export"
            " without it"
        )
    return model


def _load_in_place(folder: Path, trusted: Sequence[str]) -> Bundle:
    bundle = load_bundle(folder, trusted)
    named = (folder.parent.name, folder.name)
    if named != (bundle.manifest.model, bundle.manifest.version):
        raise DamagedBundle(
            f"{folder}: {MANIFEST} is of {bundle.manifest.model}, version"
            f" {bundle.manifest.version}; export the bundle again"
        )
    return bundle


def _encoding(bundle: Bundle) -> Any:
    """All that says how rows become a matrix, and answers names."""
    contract = bundle.contract
    columns = [
        (column.name, column.type, column.categories, column.time_parts, column.other)
        for column in contract.columns
    ]
    return columns, [output.name for output in contract.outputs], contract.classes


def check_golden(bundle: Bundle) -> list[str]:
    """What differs from the golden rows, as sentences; empty when the engine reproduces them."""
    golden = bundle.golden
    answer = bundle.predict(bundle.encoder.encode_rows(golden.rows))
    if bundle.contract.classes:
        predictions: list[Any] = [bundle.contract.classes[int(number)] for number in answer.values]
    else:
        predictions = answer.values.tolist()
    differences = [
        f"golden row {row}: predicted {got}, expected {expected}"
        for row, (got, expected) in enumerate(zip(predictions, golden.predictions, strict=True))
        if not _same(got, expected, golden.tolerance)
    ]
    if golden.probabilities is not None and answer.probabilities is not None:
        differences += [
            f"golden row {row}: probabilities {got}, expected {expected}"
            for row, (got, expected) in enumerate(
                zip(answer.probabilities.tolist(), golden.probabilities, strict=True)
            )
            if not _same(got, expected, golden.tolerance)
        ]
    return differences


def _same(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        return bool(got == expected)
    return bool(np.allclose(got, expected, rtol=tolerance, atol=tolerance))
