"""Own candidates: `search.candidates = ["mypackage.models:build"]`, by ONNX where it compiles, else by skops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.bundle.engines import UntrustedModel, open_engine, predict_with
from tests.support.own_code import OwnCode
from tests.support.plants import SpecOf, dataset_of
from training.common.errors import SpecError, TrainingError
from training.common.own_code import OwnCodeError
from training.fit.candidates.resolve import resolve_own_code
from training.fit.fit import Fitted, fit
from training.spec.values import Spec

#: A pipeline of scikit-learn's parts.
PIPELINE = """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def build():
        return make_pipeline(StandardScaler(), LogisticRegression())
"""
#: A class of one's own, which nothing converts.
OF_ITS_OWN = """
    import numpy as np
    from sklearn.base import BaseEstimator, RegressorMixin

    class Middle(RegressorMixin, BaseEstimator):
        def __init__(self, share=0.5, random_state=None):
            self.share, self.random_state = share, random_state

        def fit(self, rows, target):
            self.middle_ = np.quantile(target, self.share)
            self.slope_ = np.cov(rows[:, 0], target)[0, 1] / np.var(rows[:, 0])
            self.mean_ = rows[:, 0].mean()
            return self

        def predict(self, rows):
            return self.middle_ + self.slope_ * (rows[:, 0] - self.mean_)

    def build(seed, contract, more=3):
        assert contract.names == ("kind", "light", "leaves", "watered")
        return Middle()
"""
#: With a space, and no preprocessing of ours.
VARIED = """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.tree import DecisionTreeRegressor
    from training.fit.candidates.candidate import Candidate

    def build(spec, contract):
        return DecisionTreeRegressor()

    CANDIDATE = Candidate("a tree of mine", build, lambda contract: {"max_depth": [1, 6]}, "none")
"""


@pytest.fixture(autouse=True)
def build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr("training.fit.compile.compile.LATENCY_CALLS", 5)


def spec_of_own(make: SpecOf, own: OwnCode, code: str, name: str = "build", **search: Any) -> Spec:
    own_name = f"{own.write(code)}:{name}"
    return make(search={"candidates": [own_name, *search.pop("beside", [])], **search})


def fitted(spec: Spec, searching: bool = False) -> Fitted:
    resolve_own_code(spec)
    return fit(spec, dataset_of(spec), searching=searching)


def test_a_pipeline_of_scikit_learns_is_compiled(classes_of: SpecOf, own: OwnCode) -> None:
    spec = spec_of_own(classes_of, own, PIPELINE)
    done = fitted(spec)
    assert done.compiled is not None and done.compiled.engine_name == "onnx"
    assert done.compiled.equality.proven and done.chosen.candidate == spec.search.candidates[0]
    assert done.compiled.packages == ()


def test_a_class_of_ones_own_is_served_by_skops_with_its_package_named(
    spec_of: SpecOf, own: OwnCode, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = spec_of_own(spec_of, own, OF_ITS_OWN, engine="any")
    done = fitted(spec)
    assert done.compiled is not None and done.compiled.engine_name == "skops"
    assert done.compiled.packages == (own.package,)
    assert "TRUSTED_PACKAGES names them" in capsys.readouterr().err
    rows = dataset_of(spec).held_out
    assert (done.predict(rows).values == predict_with(done.chosen.pipeline, rows).values).all()
    # What is left to chance is not: the same key has to give the same model.
    assert done.chosen.pipeline["model"].random_state == spec.search.seed


def test_whoever_does_not_trust_the_package_does_not_load_it(spec_of: SpecOf, own: OwnCode) -> None:
    compiled = fitted(spec_of_own(spec_of, own, OF_ITS_OWN, engine="any")).compiled
    assert compiled is not None
    for trusted in ((), ("other",), (own.package[:-1],)):
        with pytest.raises(UntrustedModel, match=f"holds {own.package}.models.Middle; allowed are"):
            open_engine("skops", compiled.folder, trusted)
    assert open_engine("skops", compiled.folder, [own.package])


def test_a_class_of_ones_own_is_passed_over_where_only_onnx_may_serve(
    spec_of: SpecOf, own: OwnCode
) -> None:
    with pytest.raises(TrainingError, match="no candidate compiles to ONNX; set search.engine"):
        fitted(spec_of_own(spec_of, own, OF_ITS_OWN))


def test_a_candidate_of_ones_own_has_a_space_and_takes_the_matrix_as_it_is(
    spec_of: SpecOf, own: OwnCode
) -> None:
    spec = spec_of_own(spec_of, own, VARIED, "CANDIDATE", budget=7)
    first, *drawn = fitted(spec, searching=True).search.trials
    assert first.parameters == {}
    assert {trial.parameters["max_depth"] for trial in drawn} == {1, 6}
    done = fitted(spec)
    assert [name for name, _ in done.chosen.pipeline.steps] == ["model"]


@pytest.mark.parametrize(
    ("drawn_from", "reason"),
    [
        ('{"max_depth": 3}', "its space has 3 for 'max_depth'; allowed is a list of"),
        ('{"max_depth": []}', "its space has .* for 'max_depth'"),
        ('{"max_depth": [build]}', "its space has .* for 'max_depth'"),
        ("1 / 0", "CANDIDATE raises in its space: ZeroDivisionError: .*models.py, line"),
    ],
)
def test_a_space_that_nothing_can_be_drawn_from_is_said_before_the_search(
    spec_of: SpecOf, own: OwnCode, drawn_from: str, reason: str
) -> None:
    code = VARIED.replace('{"max_depth": [1, 6]}', drawn_from)
    with pytest.raises(OwnCodeError, match=reason):
        fitted(spec_of_own(spec_of, own, code, "CANDIDATE"))


def test_what_no_file_can_keep_is_refused_in_a_sentence(
    spec_of: SpecOf, own: OwnCode, capsys: pytest.CaptureFixture[str]
) -> None:
    code = """
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        def build():
            return make_pipeline(FunctionTransformer(lambda rows: rows * 2), Ridge())
    """
    with pytest.raises(TrainingError, match="no candidate compiles to ONNX"):
        fitted(spec_of_own(spec_of, own, code, engine="any"))
    assert "needs what is not installed here" in capsys.readouterr().err


def test_it_competes_with_ours(spec_of: SpecOf, own: OwnCode) -> None:
    done = fitted(
        spec_of_own(spec_of, own, OF_ITS_OWN, engine="any", beside=["linear"]), searching=True
    )
    assert done.chosen.candidate == "linear" and len(done.search.ranking) == 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("build = 3", "a int; allowed is a function that returns an estimator, or a Candidate"),
        ("def build(rows, seed): ...", r"takes \(rows, seed\); allowed are parameters called seed, contract"),
        ("import absent_package", "cannot be imported: ModuleNotFoundError"),
        ("from sklearn.svm import SVC as build", "a .*; allowed is a function"),
    ],
)  # fmt: skip
def test_what_cannot_build_is_said_before_data_is_read(
    spec_of: SpecOf, own: OwnCode, code: str, reason: str
) -> None:
    with pytest.raises(SpecError, match=f"plants: search.candidates: .*{own.package}.*{reason}"):
        resolve_own_code(spec_of_own(spec_of, own, code))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("return 7", "build returned a value of type int; allowed is an estimator of scikit-learn"),
        ("return SVC", "build returned the class SVC of type .*; allowed is an estimator"),
        ("return SVC()", "returned a SVC, which is no classifier with predict_proba"),
        ("return Ridge()", "returned a Ridge, which is no classifier with predict_proba"),
        ("return LogisticRegression(penalties=3)", "build raises TypeError: .*models.py, line 5"),
    ],
)
def test_what_is_no_estimator_of_the_task_is_refused_before_the_search(
    classes_of: SpecOf, own: OwnCode, code: str, reason: str
) -> None:
    source = (
        "from sklearn.svm import SVC\nfrom sklearn.linear_model import LogisticRegression, Ridge\n"
        f"\ndef build():\n    {code}\n"
    )
    with pytest.raises(OwnCodeError, match=reason):
        fitted(spec_of_own(classes_of, own, source))


def test_a_classifier_predicts_no_number(spec_of: SpecOf, own: OwnCode) -> None:
    with pytest.raises(OwnCodeError, match="returned a classifier, and the task is regression"):
        fitted(spec_of_own(spec_of, own, PIPELINE))


@pytest.mark.slow
def test_what_raises_in_fit_is_named_with_its_line(
    spec_of: SpecOf, own: OwnCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In processes that find the code and hand back the failure.
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    code = OF_ITS_OWN.replace("self.mean_ = ", "self.mean_ = 1 / 0 * ")
    with pytest.raises(OwnCodeError, match=r"build raises in fit: ZeroDivisionError.*line \d+"):
        fitted(spec_of_own(spec_of, own, code), searching=True)


@pytest.mark.parametrize("name", ["foo", "my package:build", "models", "a.b:c:d"])
def test_a_name_of_no_candidate_is_refused(spec_of: SpecOf, name: str) -> None:
    with pytest.raises(SpecError, match="search.candidates: given .*; allowed: 'linear'.*or own"):
        spec_of(search={"candidates": [name]})
