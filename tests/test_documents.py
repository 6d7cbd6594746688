"""What the documents point at exists: files behind links and names, commands of the Makefile, modules to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

#: Made by commands, or another project's.
SKIPPED = (".venv", ".venv-uv", "build", ".pytest_cache", ".git")
SOURCES = (".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".txt", ".sql", ".cfg")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.M | re.S)
MAKE = re.compile(r"(?:^|[\s;&|(])make((?: +[\w./=:'-]+)+)")
MODULE = re.compile(r"\bpython3? -m ([\w.]+)")


def documents(root: Path) -> list[Path]:
    folders = [path for path in root.iterdir() if path.is_dir() and path.name not in SKIPPED]
    return sorted([*root.glob("*.md"), *(file for path in folders for file in path.rglob("*.md"))])


def targets(root: Path) -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.M))


def problems(root: Path) -> list[str]:
    existing = targets(root)
    return [
        f"{document.relative_to(root)}: {problem}"
        for document in documents(root)
        for problem in _problems_of(root, document, existing)
    ]


def _problems_of(root: Path, document: Path, existing: set[str]) -> Iterator[str]:
    text = document.read_text(encoding="utf-8")
    fenced, prose = "\n".join(FENCE.findall(text)), FENCE.sub("", text)
    spans = CODE.findall(prose)
    for link in LINK.findall(CODE.sub("", prose)):
        if not re.match(r"[a-z]+:", link) and not _leads_somewhere(document, link):
            yield f"dead link {link}"
    for target in targets_named_in("\n".join([fenced, *spans])):
        if target not in existing:
            yield f"make {target} is no target"
    for module in MODULE.findall("\n".join([fenced, *spans])):
        if (root / module.split(".")[0]).is_dir() and not _is_module(root, module):
            yield f"python -m {module} is no module"
    for span in spans:
        if _is_path_of_ours(root, span) and not _exists(root, document, span):
            yield f"{span} does not exist"


def targets_named_in(text: str) -> list[str]:
    """The targets of every `make` in commands: `make A=b run` makes run."""
    words = [word for arguments in MAKE.findall(text) for word in arguments.split()]
    return [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]


def _leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors(target)


def _anchors(document: Path) -> set[str]:
    """Headings as code hosts make anchors of them."""
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+?) *$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def _is_module(root: Path, module: str) -> bool:
    """Whether `python -m` does something with it: a module without a `__main__` in it ends well and does nothing."""
    base = root.joinpath(*module.split("."))
    file = base.with_suffix(".py")
    return (base / "__main__.py").is_file() or (
        file.is_file() and "__main__" in file.read_text(encoding="utf-8")
    )


def _is_path_of_ours(root: Path, span: str) -> bool:
    if not re.fullmatch(r"[\w.][\w./*<>-]*/[\w./*<>-]*", span):
        return False
    first = span.split("/")[0]
    return first not in SKIPPED and ((root / first).is_dir() or span.endswith(SOURCES))


def _exists(root: Path, document: Path, span: str) -> bool:
    """A placeholder such as `<name>` stands for anything that is there."""
    pattern = re.sub(r"<[\w-]+>", "*", span).rstrip("/")
    return any(any(base.glob(pattern)) for base in (root, document.parent))


def test_the_documents_point_at_what_exists():
    assert problems(ROOT) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[x](docs/gone.md)", "dead link docs/gone.md"),
        ("[x](#no-such-heading)", "dead link #no-such-heading"),
        ("[x](docs/a.md#nothing)", "dead link docs/a.md#nothing"),
        ("say `make bake`", "make bake is no target"),
        ("say `make MODEL=x bake ONCE=1`", "make bake is no target"),
        ("```\nmake run\nmake bake\n```", "make bake is no target"),
        ("```sh\ncd x && make bake\n```", "make bake is no target"),
        ("say `python -m training.gone`", "python -m training.gone is no module"),
        ("say `python -m training.x`", "python -m training.x is no module"),
        ("see `training/gone.py`", "training/gone.py does not exist"),
        ("see `nowhere/gone.md`", "nowhere/gone.md does not exist"),
        ("see `training/models/<name>.toml`", "training/models/<name>.toml does not exist"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, text: str, problem: str):
    assert problems(_tree(tmp_path, text)) == [f"README.md: {problem}"]


@pytest.mark.parametrize(
    "text",
    [
        "# One thing\n[x](docs/a.md) [y](docs/a.md#a-b) [z](#one-thing) [w](https://example.org/gone)",
        "`make run ONCE=1`, ```make``` and a make of cars",
        "`python -m training train`, `python -m http.server`",
        "`training/x.py`, `training/`, `training/*.py`, `build/reports/gone.xml`, `text/html`, `GET /v1/models`",
    ],
)
def test_what_is_there_is_let_pass(tmp_path: Path, text: str):
    assert not problems(_tree(tmp_path, text))


def _tree(root: Path, text: str) -> Path:
    files = {
        "README.md": text,
        "docs/a.md": "# A\n## A, b\n",
        "Makefile": "run: ## run\n\ttrue\n",
        "training/__main__.py": "",
        "training/x.py": "",
    }
    for name, content in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


def test_every_module_that_the_makefile_runs_does_something():
    modules = re.findall(r"\$\(PY\) -m ([\w.]+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    ours = {name for name in modules if (ROOT / name.split(".")[0]).is_dir()}
    assert {name for name in ours if not _is_module(ROOT, name)} == set()


#: Of each package: what docs/architecture.md need not list.
UNLISTED = {"__init__", "__main__", "__pycache__", "models"}


@pytest.mark.parametrize("package", ["training", "service", "scoring", "scripts"])
def test_the_map_of_the_packages_lists_every_room_and_no_other(package: str):
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (part,) = re.findall(rf"^### {package}\b.*?(?=^##)", page, re.M | re.S)
    entries = [*(ROOT / package).glob("*.py"), *(ROOT / package).glob("*/__init__.py")]
    rooms = {path.parent.name if path.name == "__init__.py" else path.stem for path in entries}
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.M)) == rooms - UNLISTED - {package}
