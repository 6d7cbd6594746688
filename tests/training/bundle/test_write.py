"""A bundle: what it holds, and what is refused of one that was changed."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from service.bundle.engines import predict_with
from service.bundle.exported import check_golden, load_bundle, load_models
from service.bundle.manifest import BundleError, DamagedBundle, Manifest
from service.bundle.monitor_rules import read_monitor_rules
from service.bundle.reference import open_loss_model, read_reference
from service.bundle.rows.encoder import Encoder
from tests.support.plants import ResultOf, SpecOf, plants
from training.bundle.write import golden_rows, write_bundle
from training.common.files import pretty
from training.judge.result import TrainingResult


def written(result: TrainingResult, folder: Path) -> Path:
    """Version 7 of it."""
    return write_bundle(result._replace(version="7"), "a card", folder / "plants" / "7")


def test_a_bundle_holds_all_that_serving_needs(regression: TrainingResult, tmp_path: Path) -> None:
    bundle = load_bundle(written(regression._replace(run_id="abc"), tmp_path))
    assert (bundle.manifest.model, bundle.manifest.version, bundle.manifest.run_id) == (
        "plants",
        "7",
        "abc",
    )
    assert check_golden(bundle) == []
    reference = read_reference(bundle.folder)
    assert reference is not None and reference.rows == len(regression.dataset.frame)
    (tmp_path / "aliases.json").write_text('{"plants": {"champion": "7"}}', encoding="utf-8")
    assert load_models(tmp_path)["plants"].champion.manifest == bundle.manifest


def test_a_model_of_numbers_brings_the_models_of_its_loss(
    spec_of: SpecOf, result_of: ResultOf, tmp_path: Path
) -> None:
    folder = written(result_of(spec_of(), plants(600)), tmp_path)
    reference = read_reference(folder)
    assert reference is not None and reference.calibration.rows == 120
    assert "loss.onnx" in load_bundle(folder).manifest.files
    assert open_loss_model(folder) is not None


def test_rules_of_the_monitor_lie_beside_and_may_change_or_go(
    regression: TrainingResult, tmp_path: Path
) -> None:
    folder = written(regression, tmp_path)
    assert read_monitor_rules(folder) == regression.spec.monitor_rules
    assert "monitor.json" not in load_bundle(folder).manifest.files
    (folder / "monitor.json").write_text("{}", encoding="utf-8")
    assert load_bundle(folder).contract and read_monitor_rules(folder).bounds == {}
    (folder / "monitor.json").unlink()
    assert load_bundle(folder).contract


@pytest.mark.parametrize(
    "name", ["model.onnx", "contract.json", "reference.json", "golden.json", "card.html"]
)
def test_a_bundle_with_a_changed_or_missing_file_is_refused(
    regression: TrainingResult, tmp_path: Path, name: str
) -> None:
    folder = written(regression, tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(DamagedBundle, match=f"{name} is not the file that was exported"):
        load_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(DamagedBundle, match=f"{name} is missing; export the bundle again"):
        load_bundle(folder)


def test_a_manifest_that_vouches_for_less_than_is_needed_is_refused(
    regression: TrainingResult, tmp_path: Path
) -> None:
    folder = written(regression, tmp_path)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    files = {name: digest for name, digest in manifest.files.items() if name != "model.onnx"}
    (folder / "manifest.json").write_bytes(pretty(msgspec.structs.replace(manifest, files=files)))
    with pytest.raises(BundleError, match=r"vouches for no model\.onnx"):
        load_bundle(folder)


def test_no_sensitive_value_of_the_data_reaches_the_bundle(
    result_of: ResultOf, spec_of: SpecOf
) -> None:
    sensitive = spec_of(columns={"light": {"sensitive": True, "example": 4.5}})
    result = result_of(sensitive)
    rows = golden_rows(result)
    assert {row["light"] for row in rows} == {4.5}


def test_golden_rows_are_spread_over_the_truth(regression: TrainingResult) -> None:
    encoder = Encoder(regression.dataset.contract)
    answers = predict_with(
        regression.fitted.chosen.pipeline, encoder.encode_rows(golden_rows(regression))
    ).values
    truth = regression.dataset.target
    assert np.ptp(answers) > 0.3 * np.ptp(truth)
