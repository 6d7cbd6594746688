"""The rules of what is a person's own: candidates by name or as own code, and `[import]` in place of a search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from training.common import own_code
from training.spec.values import CandidateName, Search, Spec

#: What MLflow is asked for: a version or an alias of a registered model, or the model of a run.
AT_MLFLOW = r"(models|runs):/[\w][\w. /@-]*"
#: What a spec of an earlier Swarmline may name, and what took its place.
RENAMED = {"histogram-gradient-boosting": "gradient-boosting"}
#: What a search alone goes by.
OF_A_SEARCH = ("candidates", "budget", "budget_seconds", "folds", "rows", "engine")


def own_problems(spec: Spec) -> Iterator[str]:
    imported = spec.imported
    for name in spec.search.candidates:
        if name not in get_args(CandidateName) and not re.fullmatch(own_code.PATTERN, name):
            allowed = ", ".join(map(repr, get_args(CandidateName)))
            instead = f"write {RENAMED[name]!r} instead; " if name in RENAMED else ""
            yield (
                f"search.candidates: given {name!r}; {instead}allowed: {allowed}, or own code, such as"
                " 'mypackage.models:build'"
            )
    if imported is None:
        if not spec.search.candidates:
            yield "search.candidates: missing; at least one is needed, or [import] with a model from elsewhere"
        return
    if spec.task == "optimization":
        yield "import: given for optimization; allowed: only for classification and regression"
    if bool(imported.file) == bool(imported.model):
        yield (
            f"import: given file = {imported.file!r} and model = {imported.model!r}; allowed: one of them, an ONNX"
            " file or an MLflow model"
        )
    if ":/" in imported.model and not re.fullmatch(AT_MLFLOW, imported.model):
        yield (
            f"import.model: given {imported.model!r}; allowed: a folder, 'models:/NAME/VERSION', 'models:/NAME@ALIAS'"
            " or 'runs:/RUN/PATH'"
        )
    usual = Search(())
    for name in OF_A_SEARCH:
        if getattr(spec.search, name) != getattr(usual, name):
            yield f"search.{name}: given, and [import] names a model that is not searched; leave one of them out"
