"""A value from outside is text: no target, no recipe and no pipeline runs what stands in it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outside.values import IMAGE, LINE, NAME, NAMES, NUMBER, PATH, NotAllowed, parameter
from tests.support.jenkins.pipelines import FILES, evaluate
from tests.support.outside import outside_names
from tests.test_documents import targets

ROOT = Path(__file__).parents[1]
OUTSIDE = outside_names()
PLANT = "touch PLANTED"
HOSTILE = f"""x'"; {PLANT}; $(shell {PLANT}) $$({PLANT}) `{PLANT}` && {PLANT} # \\
{PLANT}"""
#: In place of each program of .venv: notes that it ran and what it was given, and says what a pipeline reads.
PROGRAM = r"""#!/bin/sh
printf '%s\n' "$*" >>"$NOTED/ran"
env -0 >"$NOTED/env"
case $* in
*scope) echo release ;;
*"training models") echo one ;;
*"release plan") echo deploy ;;
*"ci offer") echo 'r-2: one 1' ;;
*scripts.ramp) echo 6 ;;
*releases) echo r-1 ;;
*audit) echo clean ;;
*"ci notify")
    mkdir -p build/report
    for name in subject mail name description recipients; do echo x >build/report/$name.txt; done ;;
esac
"""
FIRST = "run mlflow train promote up deploy rollback status check test".split()
FOR_PIPELINES = {"offer", "promote-released", "reject-unreleased"}
PROGRAMS = ("python", "black", "bandit", "mypy", "mlflow", "uv")


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    """A checkout whose programs only note that they ran."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "requirements", tree / "requirements")
    shutil.copytree(ROOT / "jenkins/pipelines", tree / "jenkins/pipelines")
    for name in ("Makefile", "Jenkinsfile"):
        shutil.copy(ROOT / name, tree)
    (tree / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/logged.sh", tree / "scripts")
    (tree / ".venv/bin").mkdir(parents=True)
    (tmp_path / "noted").mkdir()
    for name in PROGRAMS:
        (tree / ".venv/bin" / name).write_text(PROGRAM, encoding="utf-8")
        (tree / ".venv/bin" / name).chmod(0o755)
    (tree / ".venv/.ready").touch()
    return tree


def make(tree: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "NOTED": str(tree.with_name("noted"))}
    command = ["make", "--keep-going", "--silent", *words]
    return subprocess.run(
        command, cwd=tree, env=base | environ, text=True, capture_output=True, check=False
    )


def planted(tree: Path) -> list[Path]:
    return [path for path in tree.parent.rglob("*PLANTED*") if path.name == "PLANTED"]


def noted(tree: Path) -> dict[str, str]:
    text = (tree.with_name("noted") / "env").read_bytes().decode()
    return dict(line.split("=", 1) for line in text.split("\0") if line)


# `clean` would remove the programs; it has a test of its own.
ALL = sorted(targets(ROOT) - {"clean"})


@pytest.mark.parametrize("logged", [{}, {"SWARMLINE_LOG": "build/log"}], ids=["sh", "logged"])
def test_no_target_runs_what_stands_in_a_value(tree: Path, logged: dict[str, str]) -> None:
    values = dict.fromkeys(OUTSIDE, HOSTILE)
    del values["SWARMLINE_LOG"]
    make(tree, *ALL, **values, **logged)
    make(tree, *ALL, *(f"{name}={value}" for name, value in values.items()), **logged)
    ran = (tree.with_name("noted") / "ran").read_text(encoding="utf-8")
    assert planted(tree) == []
    assert all(
        f" {word}" in ran
        for word in ("scripts.release deploy", "training train", "scripts.operate trace")
    )


def test_no_default_that_follows_from_a_value_runs_it_either(tree: Path) -> None:
    make(tree, *ALL, SWARMLINE_BUILD=HOSTILE)
    make(tree, *ALL, f"SWARMLINE_BUILD={HOSTILE}")
    make(tree, "serve", SWARMLINE_BUILD=HOSTILE)
    assert planted(tree) == []
    assert noted(tree)["JOURNAL_URL"] == f"sqlite:///{HOSTILE}/journal.db"


def test_nothing_runs_where_make_only_says_what_it_would_do(tree: Path) -> None:
    make(tree, "--dry-run", *ALL, **dict.fromkeys(OUTSIDE, HOSTILE))
    make(tree, "--dry-run", *ALL, *(f"{name}={HOSTILE}" for name in [*OUTSIDE, "EDGE_PORT"]))
    assert planted(tree) == []


@pytest.mark.parametrize("target", ["clean", "env"])
def test_what_removes_and_installs_does_not_either(tree: Path, target: str) -> None:
    (tree / ".venv/.ready").unlink()
    make(tree, target, **dict.fromkeys(OUTSIDE, HOSTILE))
    assert planted(tree) == []


def test_a_value_arrives_as_it_was_given(tree: Path) -> None:
    values = {name: HOSTILE for name in OUTSIDE if name not in ("SWARMLINE_LOG", "MAKEFLAGS")}
    make(tree, "models", **values)
    assert {name: noted(tree).get(name) for name in values} == values
    make(tree, "models", *(f"{name}={value}" for name, value in values.items()))
    assert {name: noted(tree).get(name) for name in values} == values


def test_what_is_not_given_is_not_set(tree: Path) -> None:
    make(tree, "models")
    values = noted(tree)
    assert values["BUNDLES"] == "build/bundles"
    assert not {"MODEL", "WHY", "JOURNAL_URL", "ARGS", "STACK"} & values.keys()
    make(tree, "serve")
    assert noted(tree)["JOURNAL_URL"] == "sqlite:///build/journal.db"


def test_programs_keep_what_they_have_compiled_whatever_the_machine_says(tree: Path) -> None:
    make(tree, "models", PYTHONDONTWRITEBYTECODE="1")
    assert "PYTHONDONTWRITEBYTECODE" not in noted(tree)


def test_bare_make_lists_ten_targets_and_the_groups_of_all_others(tree: Path) -> None:
    first = make(tree).stdout.splitlines()
    assert [line.split()[0] for line in first[:10]] == FIRST
    groups = first[-1].removeprefix("more: make ").split()
    listed = {
        line.split()[0] for line in make(tree, *groups).stdout.splitlines() if line.startswith("  ")
    }
    inner = {name for name in targets(ROOT) if name.startswith("check-") and name != "check-stack"}
    assert listed == targets(ROOT) - inner - FOR_PIPELINES - {"help"}


def declared(path: Path) -> Iterator[tuple[str, str]]:
    """The parameters of a pipeline: type and name."""
    block = path.read_text("utf-8").partition("\n  parameters {\n")[2].partition("\n  }\n")[0]
    yield from re.findall(r"^    (\w+)\(name: '(\w+)'", block, re.M)


@pytest.mark.slow
def test_no_pipeline_runs_what_stands_in_a_parameter(tree: Path) -> None:
    def case(path: Path) -> dict[str, Any]:
        file = path.relative_to(ROOT)
        texts = [name for kind, name in declared(path) if kind == "string"]
        return {
            "act": "run",
            "file": str(tree / file),
            "source": str(tree),
            "workspace": str(tree.parent / "work" / file.stem),
            "machines": 1,
            "params": {name: HOSTILE for name in texts},
            "input": {"submitter": "operator", "COMMENT": HOSTILE},
            "credentials": {
                name: {"user": "u", "password": HOSTILE}
                for name in ("mlflow", "registry")
            } | dict.fromkeys(
                ("docker-client", "api-key", "edge-key", "journal", "webhook"), "none"
            ),
            "env": {"PATH": os.environ["PATH"], "NOTED": str(tree.with_name("noted"))},
        }  # fmt: skip

    outcomes = evaluate([case(path) for path in FILES])
    assert planted(tree) == []
    assert {(one["result"], one["problem"]) for one in outcomes} == {("SUCCESS", None)}


def test_no_recipe_names_a_value_but_as_a_quoted_variable_of_the_shell() -> None:
    names = "|".join(OUTSIDE)
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines():
        if line.startswith("\t"):
            assert not re.search(rf"\$[({{]({names})\b", line), line
            bare = re.sub(r'"[^"]*"', "", line)
            assert not re.search(rf"\$\$\{{?({names})\b", bare), line
        elif re.search(rf"\$[({{]({names})\b", line):
            assert re.match(r"\$\(call default,|run [a-z ]*: export \w+ := ", line), line


def asked_for(package: str) -> Iterator[tuple[Path, str]]:
    """Each name that `parameter` or `Outside` looks up."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
                "parameter",
                "Outside",
            ):
                if node.args and isinstance(node.args[0], ast.Constant):
                    yield path, str(node.args[0].value)


def test_the_makefile_knows_every_value_that_a_program_or_a_pipeline_takes() -> None:
    packages = ("monitoring", "outside", "scoring", "scripts", "training")
    programs = [asked for package in packages for asked in asked_for(package)]
    parameters = [(path, name) for path in FILES for _, name in declared(path)]
    assert len(programs) > 20 and len(parameters) > 10
    unknown = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in programs + parameters
        if name not in OUTSIDE
    ]
    assert unknown == []


@pytest.mark.parametrize("allowed", [NAME, NAMES, NUMBER, IMAGE], ids=lambda one: one.words[:9])
@pytest.mark.parametrize(
    "text", ["$(shell x)", "x; y", "`x`", "--force", "x\ny", "x'y", "a/../b c|d", "x" * 600]
)
def test_what_is_no_word_is_refused_in_a_sentence(
    allowed: Any, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", text)
    with pytest.raises(NotAllowed, match=r"MODEL is ['\"].*; allowed is "):
        parameter("MODEL", allowed)


@pytest.mark.parametrize(("allowed", "text"), [(LINE, "a\nb"), (LINE, "a\x1b[2J"), (PATH, "-rf")])
def test_a_line_has_no_control_characters_and_a_path_is_no_option(
    allowed: Any, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHY", text)
    with pytest.raises(NotAllowed, match="WHY is '.*; allowed is "):
        parameter("WHY", allowed)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("models", "error: MODEL is "),
        ("traffic", "swarmline: MODEL is "),
        ("trace", "swarmline: ID is "),
        ("deploy", "swarmline: IMAGE is "),
        ("draft", "error: SOURCE is "),
        ("score", "error: MODEL is "),
    ],
)
def test_a_program_refuses_a_hostile_value_in_one_sentence(target: str, said: str) -> None:
    values = {"SOURCE": "--x", "MODEL": "x; y", "ID": "$(x)", "IMAGE": "x`y`"}
    environ = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    done = subprocess.run(
        ["make", "--silent", "--old-file=.venv/.ready", target],
        cwd=ROOT, env=environ | values, text=True, capture_output=True, check=False,
    )  # fmt: skip
    sentence, rest = done.stderr.split("\n", 1)
    assert sentence.startswith(said) and "; allowed is " in sentence
    assert rest.startswith("make: *** ")
