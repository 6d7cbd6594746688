"""Own code: functions that a spec names as `package.module:function`, their import, and the hash of their sources.

They are found in the repository's root, or beside a spec that lies elsewhere, and nowhere else: a spec names no
function of an installed package.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.metadata
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from training.common.errors import TrainingError
from training.common.provenance import ROOT, packages

#: A module by its path from the repository's root, and a name in it.
PATTERN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
#: Where it is looked for: the repository's root, and folders of specs that lie elsewhere.
_folders: list[Path] = [ROOT]


class OwnCodeError(TrainingError):
    """Own code that cannot be found, cannot be imported, or raises."""


def look_in(folder: Path) -> None:
    """Own code may stand in this folder, too."""
    folder = folder.resolve()
    if folder not in _folders:
        _folders.append(folder)


def is_own(name: str) -> bool:
    """Whether it is a function by its path; a short name of ours has no colon."""
    return ":" in name


def package_of(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]


def locate(name: str) -> Path:
    """The folder of a package, or the file of a module, that has this function; in one place, not in two."""
    package = package_of(name)
    places = [place for folder in _folders if (place := _in_folder(folder, package))]
    if not places:
        looked = " or ".join(map(str, _folders))
        raise OwnCodeError(
            f"given {name!r}, and there is no package {package} in {looked}; allowed is a package or module there"
        )
    if len(places) > 1:
        raise OwnCodeError(
            f"given {name!r}, and {package} stands in {' and in '.join(map(str, places))}; rename one of them"
        )
    return places[0]


def _in_folder(folder: Path, package: str) -> Path | None:
    """Folders without modules, such as `docs`, are none."""
    module = folder / f"{package}.py"
    if module.is_file():
        return module.resolve()
    tree = folder / package
    return tree.resolve() if any(tree.rglob("*.py")) else None


def load(name: str) -> Any:
    """The function, or whatever stands under this name, imported."""
    place = locate(name)
    module_name, _, attribute = name.partition(":")
    import_from([str(place.parent)])
    with calling(name, "cannot be imported:"):
        module = importlib.import_module(module_name)
    file = Path(inspect.getsourcefile(module) or "").resolve()
    if not file.is_relative_to(place):
        raise OwnCodeError(
            f"given {name!r}, and Python imports {module_name} from {file}, not from {place}; rename the package"
        )
    if not hasattr(module, attribute):
        names = ", ".join(name for name in vars(module) if not name.startswith("_"))
        raise OwnCodeError(f"given {name!r}, and {file} has no {attribute}; it has {names}")
    return getattr(module, attribute)


def import_from(folders: Sequence[str]) -> None:
    """Python imports from these folders, too: last, so that what is there takes no other package's place."""
    sys.path += [folder for folder in folders if folder not in sys.path]
    importlib.invalidate_caches()


def imported_from() -> tuple[str, ...]:
    """The folders from which own code may have been imported."""
    return tuple(str(folder) for folder in _folders if str(folder) in sys.path)


@contextlib.contextmanager
def calling(name: str, failure: str = "raises") -> Iterator[None]:
    """What own code raises becomes an error that names the function, and the line in it."""
    try:
        yield
    except TrainingError:
        raise
    # Own code may raise whatever it likes, and end the process.
    except (Exception, SystemExit) as error:  # pylint: disable=broad-exception-caught
        reason = str(error).strip().splitlines() or ["no reason given"]
        raise OwnCodeError(
            f"{name} {failure} {type(error).__name__}: {reason[0][:300]}{_line(name, error)}"
        ) from error


def _line(name: str, error: BaseException) -> str:
    """The innermost line of own code that an error came through, here or in another process."""
    place = locate(name)
    lines = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    # The traceback of another process comes as text.
    lines += re.findall(r'File "([^"]+)", line (\d+)', str(error.__cause__ or ""))
    for filename, number in reversed(lines):
        if Path(filename).is_relative_to(place):
            return f" ({Path(filename).relative_to(place.parent)}, line {number})"
    return ""


def takes(function: Callable[..., Any], *arguments: str) -> bool:
    """Whether it can be called with so many values; what cannot be looked at is tried."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def signature(function: Any) -> str:
    """How it is called, for people; nothing of what cannot be called, or not be looked at."""
    try:
        return f" {inspect.signature(function)}"
    except (TypeError, ValueError):
        return ""


def digest(names: Iterable[str]) -> str:
    """Of the sources behind these functions, of own packages that they import, and of the versions of installed ones.

    Nothing is imported for it. Empty where no function is named.
    """
    places, installed = _reached(names)
    if not places:
        return ""
    hashed = hashlib.sha256("\n".join(_versions(installed)).encode())
    for package, place in sorted(places.items()):
        for file in _files(place):
            content = file.read_bytes()
            name = file.relative_to(place.parent).as_posix()
            hashed.update(f"\0{package}\0{name}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()


def places_of(names: Iterable[str]) -> list[Path]:
    """The packages of these functions, and own packages that they import."""
    return sorted(_reached(names)[0].values())


def _reached(names: Iterable[str]) -> tuple[dict[str, Path], set[str]]:
    """Own packages with their places, from one import to the next; and the installed packages that they import."""
    waiting = sorted({package_of(name) for name in names})
    places: dict[str, Path] = {}
    installed: set[str] = set()
    while waiting:
        package = waiting.pop()
        place = places[package] = locate(package)
        for imported in _imports(place) - places.keys():
            own = any(_in_folder(folder, imported) for folder in _folders)
            (waiting.append if own else installed.add)(imported)
    return places, installed


def _files(place: Path) -> list[Path]:
    """All files of a package, since it may read tables or weights of its own; not what Python or an editor leaves."""
    if place.is_file():
        return [place]
    inside = [path for path in place.rglob("*") if path.is_file()]
    left = ("__pycache__", ".")
    return sorted(
        path
        for path in inside
        if not any(part.startswith(left) for part in path.relative_to(place).parts)
    )


def _imports(place: Path) -> set[str]:
    """The packages that a package imports, but for the standard library's and ours, which have a hash of their own."""
    names: set[str] = set()
    for file in _files(place):
        if file.suffix != ".py":
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            # Its import says so, if it is imported at all.
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - packages(ROOT).keys()


def _versions(installed: set[str]) -> list[str]:
    """The names and versions of these installed packages."""
    distributions = importlib.metadata.packages_distributions() if installed else {}
    return sorted(
        f"{name}=={importlib.metadata.version(name)}"
        for package in installed
        for name in set(distributions.get(package, ()))
    )
