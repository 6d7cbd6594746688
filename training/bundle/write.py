"""Writes a bundle: model, contract, reference, golden rows, card, and the manifest that vouches for them.

Beside them lie the monitor's rules, for which it does not vouch: an export writes them anew.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from service.bundle.contract import Contract
from service.bundle.engines import MODEL_FILES, Engine
from service.bundle.manifest import MANIFEST, Golden, Manifest, sha256
from service.bundle.monitor_rules import MONITOR_RULES
from service.bundle.reference import LOSS_MODEL, REFERENCE
from service.bundle.rows.encoder import Encoder
from training.bundle.calibration import calibrate
from training.bundle.reference import make_reference
from training.common.files import pretty, replace_folder
from training.judge.result import TrainingResult

GOLDEN_ROWS = 5


def write_bundle(result: TrainingResult, card: str, folder: Path) -> Path:
    """A whole bundle or none."""
    compiled, dataset, evaluation = result.fitted.compiled, result.dataset, result.evaluation
    assert compiled is not None  # nothing is registered that was not compiled
    contract, model_file = dataset.contract, MODEL_FILES[compiled.engine_name]
    manifest = Manifest(
        model=result.spec.name,
        version=result.version,
        run_id=result.run_id,
        task=result.spec.task,
        engine=compiled.engine_name,
        classes=contract.classes,
        metrics=evaluation.metrics if evaluation else {},
        gates=result.verdict.decisions if result.verdict else (),
        git_commit=result.provenance.git_commit,
        trained_by=os.environ.get("BUILD_TAG") or getpass.getuser(),
        data_fingerprint=dataset.fingerprint,
        key=result.key,
        created=result.created,
        files={},
        packages=compiled.packages,
    )
    files = {
        "contract.json": pretty(contract),
        **_reference_files(result, compiled.engine),
        "golden.json": pretty(_golden(contract, compiled.engine, golden_rows(result))),
        "card.html": card.encode(),
        model_file: (compiled.folder / model_file).read_bytes(),
    }

    def fill(aside: Path) -> None:
        for name, content in files.items():
            (aside / name).write_bytes(content)
        hashes = {path.name: sha256(path) for path in sorted(aside.iterdir())}
        (aside / MANIFEST).write_bytes(pretty(msgspec.structs.replace(manifest, files=hashes)))
        (aside / MONITOR_RULES).write_bytes(pretty(result.spec.monitor_rules))

    replace_folder(folder, fill)
    return folder


def _reference_files(result: TrainingResult, engine: Engine) -> dict[str, bytes]:
    """What the monitor compares with, and what it estimates losses by where it needs models for that."""
    dataset, seed = result.dataset, result.spec.search.seed
    answer = result.fitted.answer_held_out(dataset.held_out)
    truth = dataset.target[dataset.split.held_out]
    calibration, loss_models = calibrate(dataset.contract, dataset.held_out, truth, answer, seed)
    reference = make_reference(result, engine, calibration)
    # On one line: it is numbers by the thousand, which nobody reads.
    files = {REFERENCE: msgspec.json.encode(reference)}
    return {**files, LOSS_MODEL: loss_models} if loss_models else files


def _golden(contract: Contract, engine: Engine, rows: list[dict[str, Any]]) -> Golden:
    """These rows with what the engine answers to just these."""
    answer = engine.predict(Encoder(contract).encode_rows(rows))
    if answer.probabilities is None:
        # As the service answers: a number a row, or a list of numbers where there are several outputs.
        single = len(contract.outputs) == 1
        return Golden(rows, answer.values[:, 0].tolist() if single else answer.values.tolist())
    labels = [contract.classes[code] for code in answer.values.tolist()]
    return Golden(rows, labels, answer.probabilities.tolist())


def golden_rows(result: TrainingResult) -> list[dict[str, Any]]:
    """A few held-out rows as callers send them, spread over the range of the truth."""
    dataset = result.dataset
    held_out = dataset.split.held_out
    truth = dataset.target[held_out]
    order = (truth if truth.ndim == 1 else truth[:, 0]).argsort(kind="stable")
    spread = held_out[order[:: max(1, len(order) // GOLDEN_ROWS)][:GOLDEN_ROWS]]
    return [_as_sent(dataset.contract, row) for _, row in dataset.frame.iloc[spread].iterrows()]


def _as_sent(contract: Contract, row: pd.Series[Any]) -> dict[str, Any]:
    """A bundle travels further than the data, so it holds no sensitive value."""
    return {
        column.name: column.sample if column.sensitive else _plain(column.type, row[column.name])
        for column in contract.columns
    }


def _plain(kind: str, value: Any) -> Any:
    if pd.isna(value):
        return None
    if kind == "timestamp":
        return pd.Timestamp(value).isoformat()
    return {"integer": int, "number": float, "boolean": bool, "category": str}[kind](value)
