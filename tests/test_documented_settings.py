"""Every setting and every make target of a pipeline stands in the documents with its default; none is invented.

The service's own settings: tests/service/test_settings.py; the monitor's: tests/monitoring/test_settings.py.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.stack_file.settings import OUTSIDE
from tests.test_documents import CODE, FENCE, targets

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[A-Z][A-Z0-9_]+")
#: `${NAME}`, `${NAME:-default}`, `${NAME:?why}`, but not the shell's own `$${NAME}`.
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]+)(?::?([-?])([^}]*))?\}")
STACK = ("stack.yml", "stack/tls.yml", "stack/http.yml", "stack/monitoring.yml")
PLATFORM = ("jenkins/platform.yml",)
#: Each page with the files whose variables it lists.
PAGES = {"docs/swarm.md": STACK, "docs/platform.md": PLATFORM}
#: Made by `make platform` for its stack file, and no setting of anybody's.
MADE = re.compile(r"GATE_CONFIG|ENGINE_CONFIG|[A-Z0-9_]+_SECRET")
#: Of the operating system, the shell, or the program that is started.
FOREIGN = {"PATH", "USER", "HOME", "XDG_STATE_HOME", "DOCKER_CONFIG", "DOCKER_BUILDKIT"}
READERS = ("environ.get", "parameter", "Outside", "outside")
SH = re.compile(r"\bmake ((?:[a-z][a-z-]*|[A-Z_]+=\S+)(?: (?:[a-z][a-z-]*|[A-Z_]+=[^\s']+))*)")


class Row(NamedTuple):
    """One variable of a table in a document."""

    name: str
    default: str


def rows(page: str) -> list[Row]:
    """The variables in the first columns of a page's tables, each with the code in the second column."""
    listed: list[Row] = []
    for line in FENCE.sub("", page).splitlines():
        first, second = (*re.split(r" *(?<!\\)\| *", line.strip().strip("|").strip()), "")[:2]
        names = CODE.findall(first)
        if not line.startswith("|") or not all(map(NAME.fullmatch, names)):
            continue
        parts = second.split(", ")
        defaults = [(re.findall(r"^`([^`]+)`", part) or [""])[0] for part in parts]
        if len(defaults) < len(names):
            defaults = [defaults[0]] * len(names)
        listed += [Row(name, default) for name, default in zip(names, defaults)]
    return listed


def variables(root: Path, files: Iterable[str]) -> dict[str, set[str]]:
    """The variables of compose files, each with every default that it has; none where it has to be given."""
    defaults: dict[str, set[str]] = {}
    for file in files:
        for name, kind, words in VARIABLE.findall((root / file).read_text(encoding="utf-8")):
            if kind != "-" or words:
                defaults.setdefault(name, set()).add(words if kind == "-" else "")
            else:
                defaults.setdefault(name, set())
    return defaults


def stack_problems(root: Path) -> Iterator[str]:
    """Variables of the stacks that their page lacks or says another default of."""
    for page, files in PAGES.items():
        listed = {row.name: row.default for row in rows(_text(root, page))}
        for name, defaults in variables(root, files).items():
            if page == "docs/platform.md" and MADE.fullmatch(name):
                continue
            if name not in listed:
                yield f"{page} does not list {name}"
            elif listed[name] and listed[name] not in defaults:
                yield f"{page} says {listed[name]!r} of {name}, the stack {sorted(defaults)}"


def example_problems(root: Path) -> Iterator[str]:
    """Names in files of settings, comments included, that are no setting."""
    settings = variables(root, STACK).keys() | set(OUTSIDE)
    for file in sorted((root / "stack/settings").glob("*.env")):
        for name in re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", file.read_text(encoding="utf-8"), re.M):
            if name not in settings:
                yield f"{file.name}: {name} is no setting"


def read_from_outside(folder: Path) -> set[str]:
    """The variables that the modules below read from the environment by a name that stands there."""
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names |= {name for name in _names_read(node) if NAME.fullmatch(name)}
    return names


def _names_read(node: ast.AST) -> Iterator[str]:
    constants: list[ast.expr] = []
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(READERS):
        constants = node.args[:2]
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
        constants = [node.slice]
    for constant in constants:
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
            yield constant.value


def parameter_problems(root: Path) -> Iterator[str]:
    """What scripts and training take from outside, and neither a document nor a line of `make` names."""
    documented = _names_in_documents(root)
    for package in ("monitoring", "outside", "scoring", "scripts", "tables", "training"):
        for name in sorted(read_from_outside(root / package) - documented - FOREIGN):
            yield f"no document and no line of the Makefile names {name}, which {package} reads"


def _names_in_documents(root: Path) -> set[str]:
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    words = [span for page in pages for span in CODE.findall(page.read_text(encoding="utf-8"))]
    words += [text for page in pages for text in FENCE.findall(page.read_text(encoding="utf-8"))]
    words += re.findall(r"^(?:[a-z-]+:.*)?## (.*)$", _text(root, "Makefile"), re.M)
    return {name for text in words for name in NAME.findall(text)}


def invention_problems(root: Path) -> Iterator[str]:
    """Variables in tables of the documents that nothing reads: no file but the documents has the word."""
    used = set(NAME.findall("\n".join(_sources(root))))
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for row in rows(page.read_text(encoding="utf-8")):
            if row.name not in used:
                yield f"{page.name}: nothing reads {row.name}"


def _sources(root: Path) -> Iterator[str]:
    # PIP_INDEX_URL and its like are read by pip, by way of the Dockerfiles, which take no name from a document.
    kinds = ("*.py", "*.yml", "*.yaml", "*.groovy", "*.sh", "Dockerfile", "*.Dockerfile")
    for folder in (
        *("monitoring", "outside", "scoring", "scripts", "service", "tables", "training"),
        *("stack", "jenkins"),
    ):
        for kind in kinds:
            for file in sorted((root / folder).rglob(kind)):
                yield file.read_text(encoding="utf-8")
    for name in ("Makefile", "Jenkinsfile", "stack.yml"):
        yield _text(root, name)


def target_problems(root: Path) -> Iterator[str]:
    """Targets that a pipeline makes and that are none, or stand neither in `make`'s list nor in a document."""
    listed = set(re.findall(r"^([a-z][a-z-]*):.*## ", _text(root, "Makefile"), re.M))
    pages = "\n".join(_text(root, f"docs/{page.name}") for page in (root / "docs").glob("*.md"))
    documented = listed | {word for span in CODE.findall(pages) for word in span.split()}
    for pipeline in (root / "Jenkinsfile", *sorted((root / "jenkins/pipelines").iterdir())):
        for target in sorted(_made_by(pipeline)):
            if target not in targets(root):
                yield f"{pipeline.name}: make {target} is no target"
            elif target not in documented:
                yield f"{pipeline.name}: no document names make {target}"


def _made_by(pipeline: Path) -> set[str]:
    lines = re.sub(r"//.*", "", pipeline.read_text(encoding="utf-8"))
    words = [word for made in SH.findall(lines) for word in made.split()]
    return {word for word in words if "=" not in word}


def _text(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


Rule = Callable[[Path], Iterator[str]]
RULES: tuple[Rule, ...] = (
    stack_problems,
    example_problems,
    parameter_problems,
    invention_problems,
    target_problems,
)


@pytest.mark.parametrize("rule", RULES)
def test_settings_and_targets_of_pipelines_are_documented(rule: Rule):
    assert not list(rule(ROOT))


class Mutation(NamedTuple):
    rule: Rule
    file: str
    old: str
    new: str
    problem: str


MUTATIONS = (
    Mutation(
        stack_problems,
        "docs/swarm.md",
        "| `EDGE_UID` |",
        "| `EDGE_USER` |",
        "docs/swarm.md does not list EDGE_UID",
    ),
    Mutation(
        stack_problems,
        "docs/swarm.md",
        "| `EDGE_THREADS` | `2` |",
        "| `EDGE_THREADS` | `3` |",
        "docs/swarm.md says '3' of EDGE_THREADS, the stack ['2']",
    ),
    Mutation(
        stack_problems,
        "stack.yml",
        "${EDGE_STOP:-35s}",
        "${EDGE_NEW:-35s}${EDGE_STOP:-35s}",
        "docs/swarm.md does not list EDGE_NEW",
    ),
    Mutation(
        stack_problems,
        "jenkins/platform.yml",
        "${SMTP_HOST:-localhost}",
        "${SMTP_NEW:-localhost}",
        "docs/platform.md does not list SMTP_NEW",
    ),
    Mutation(
        example_problems,
        "stack/settings/swarmline.env",
        "# EDGE_PORT=",
        "# EDGE_POTR=",
        "swarmline.env: EDGE_POTR is no setting",
    ),
    Mutation(
        invention_problems,
        "docs/serving.md",
        "| `BIND` |",
        "| `BINDS` | | |\n| `BIND` |",
        "serving.md: nothing reads BINDS",
    ),
    Mutation(
        target_problems,
        "docs/pipelines.md",
        "`reject-unreleased`",
        "",
        "Jenkinsfile: no document names make reject-unreleased",
    ),
    Mutation(
        target_problems,
        "Jenkinsfile",
        "'make publish'",
        "'make publishing'",
        "Jenkinsfile: make publishing is no target",
    ),
    Mutation(
        parameter_problems,
        "scripts/__init__.py",
        "",
        'import os\nos.environ.get("SWARMLINE_NEW")\n',
        "no document and no line of the Makefile names SWARMLINE_NEW, which scripts reads",
    ),
)


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    for folder in (
        "docs",
        "stack",
        "jenkins",
        "monitoring",
        "outside",
        "scoring",
        "scripts",
        "tables",
        "training",
        "service",
    ):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("README.md", "Makefile", "Jenkinsfile", "stack.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.problem)
def test_one_that_is_missing_or_invented_is_named(copy: Path, mutation: Mutation):
    text = _text(copy, mutation.file)
    assert mutation.old in text
    changed = text.replace(mutation.old, mutation.new) if mutation.old else mutation.new
    (copy / mutation.file).write_text(changed, encoding="utf-8")
    assert mutation.problem in list(mutation.rule(copy))
