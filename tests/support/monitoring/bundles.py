"""Bundles with a reference of version 2, as training writes them but in no time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from service.bundle.contract import Contract
from service.bundle.manifest import Manifest
from service.bundle.monitor_rules import MONITOR_RULES, MonitorRules
from service.bundle.reference import CategoryProfile, Noise, NumberProfile, Profile, Reference
from service.bundle.rows.encoder import Encoder
from tests.support.service.bundles import rows_for, write_bundle

NOISE = Noise(500, 0.04, 0.015)


def reference_of(contract: Contract, rows: int = 2000) -> Reference:
    """Of the rows that `rows_for` makes."""
    matrix = Encoder(contract).encode_rows(rows_for(contract, rows, seed=3))
    columns: dict[str, Profile] = {}
    for place, column in enumerate(contract.columns):
        cells = matrix[:, place].astype(float)
        names = column.categories or (("false", "true") if column.type == "boolean" else ())
        if names:
            counts = {name: int((cells == number).sum()) for number, name in enumerate(names)}
            columns[column.name] = CategoryProfile(rows, 0, counts, NOISE)
        else:
            columns[column.name] = _number(cells)
    outputs: dict[str, Profile] = {
        output.name: _number(matrix[:, 0]) for output in contract.outputs
    }
    if contract.classes:
        share = rows // len(contract.classes)
        outputs = {
            contract.outputs[0].name: CategoryProfile(
                rows, 0, {name: share for name in contract.classes}, NOISE
            )
        }
    sample = tuple(tuple(row) for row in matrix[:1000].tolist())
    return Reference(rows=rows, columns=columns, predictions=outputs, sample=sample)


def _number(cells: Any) -> NumberProfile:
    quantiles = tuple(np.quantile(cells, np.linspace(0, 1, 1001)).tolist())
    return NumberProfile(len(cells), 0, float(cells.mean()), float(cells.std()), quantiles, NOISE)


def write_monitored(
    root: Path,
    contract: Contract,
    version: str = "1",
    rules: MonitorRules | None = None,
    run_id: str = "",
    **how: Any,
) -> Path:
    """A bundle below `root` as `write_bundle` makes it, with reference and rules; its folder."""
    write_bundle(root, contract, version, linear=True, **how)
    folder = root / contract.model / version
    (folder / "reference.json").write_bytes(msgspec.json.encode(reference_of(contract)))
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    files = manifest.files | {
        "reference.json": hashlib.sha256((folder / "reference.json").read_bytes()).hexdigest()
    }
    changed = msgspec.structs.replace(manifest, files=files, run_id=run_id or manifest.run_id)
    (folder / "manifest.json").write_bytes(msgspec.json.encode(changed))
    (folder / MONITOR_RULES).write_bytes(msgspec.json.encode(rules or MonitorRules()))
    return folder
