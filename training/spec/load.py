"""Loads the spec `training/models/<name>.toml`, with all its problems at once: msgspec alone stops at the first."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

import msgspec

import training
from training.common import own_code
from training.common.errors import SpecError
from training.spec.rules import contradictions
from training.spec.values import Spec

T = TypeVar("T")
FOLDER = Path(training.__path__[0]) / "models"


def load(path: Path) -> Spec:
    """The spec in a file; raises SpecError with everything that is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(
            str(path),
            [f"cannot be read: {error.strerror}; known models: {', '.join(names()) or 'none'}"],
        ) from error
    except UnicodeDecodeError as error:
        raise SpecError(str(path), ["is not UTF-8 text; save it as UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SpecError(str(path), [f"is not TOML: {error}"]) from error
    return parse(raw, str(path), path.stem)


def parse(raw: dict[str, Any], file: str, stem: str) -> Spec:
    problems: list[str] = []
    spec = build(Spec, raw, problems)
    unread = {problem.partition(":")[0] for problem in problems}
    if not unread & {"columns", "task"}:
        problems += [
            problem for problem in contradictions(spec, stem) if not _follows(problem, unread)
        ]
    if problems:
        raise SpecError(file, problems)
    return spec


def _follows(problem: str, unread: set[str]) -> bool:
    """Whether it is about what could not be read: such a column or ingredient is wrong as a whole."""
    path = problem.partition(":")[0]
    parts = {
        key.rpartition(".")[0] if key.startswith(("columns.", "recipe.")) else key for key in unread
    }
    return any(path == part or path.startswith((f"{part}.", f"{part}/")) for part in parts)


def names(folder: Path = FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))


def find(name: str, folder: Path = FOLDER) -> Spec:
    """A spec by model name, or by path where it ends in .toml: then own code may lie beside it."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    spec = load(path)
    if name.endswith(".toml") and spec.own_functions:
        own_code.look_in(path.parent)
    return spec


def build(shape: type[T], data: Any, problems: list[str], path: str = "") -> T:
    """`data` as the struct `shape`; what is wrong goes to `problems` as sentences, and something stands in for it."""
    if not isinstance(data, Mapping):
        problems.append(f"{path or 'the file'}: given {data!r}; allowed: a table")
        data, problems = {}, []
    hints = typing.get_type_hints(shape, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}  # type: ignore[arg-type]
    for key in data.keys() - fields.keys():
        problems.append(f"{_join(path, key)}: unknown key; allowed: {', '.join(fields)}")
    values = {}
    for name, field in fields.items():
        hint = hints[field.name]
        if name in data:
            try:
                values[field.name] = _value(hint, data[name], problems, _join(path, name))
                continue
            except msgspec.ValidationError as error:
                problems.append(
                    f"{_join(path, name)}: given {data[name]!r}; allowed: {describe(hint)} ({error})"
                )
        elif field.required:
            problems.append(f"{_join(path, name)}: missing; {describe(hint)} is needed")
        if field.required:
            values[field.name] = _stand_in(hint)
    return shape(**values)


def _value(hint: Any, data: Any, problems: list[str], path: str) -> Any:
    options = typing.get_args(hint)
    if len(options) == 2 and options[1] is NoneType and data is not None:
        hint = options[0]
    if _is_struct(hint):
        return build(hint, data, problems, path)
    if (
        typing.get_origin(hint) is dict
        and _is_struct(typing.get_args(hint)[1])
        and isinstance(data, Mapping)
    ):
        shape = typing.get_args(hint)[1]
        return {
            key: build(shape, item, problems, _join(path, str(key))) for key, item in data.items()
        }
    return msgspec.convert(data, hint)


def _stand_in(hint: Any) -> Any:
    """A value of the type, so that the rules can look at everything else."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if _is_struct(hint):
        return build(hint, {}, [])
    if origin is typing.Annotated:
        return _stand_in(arguments[0])
    return arguments[0] if origin is typing.Literal else (origin or hint)()


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else str(key)


def describe(hint: Any) -> str:
    """A type in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(repr, arguments))
    if origin is typing.Annotated:
        return describe(arguments[0]) + _limits(arguments[1])
    if origin is tuple:
        return f"a list, each item {describe(arguments[0])}"
    if origin is dict or _is_struct(hint):
        return "a table"
    if arguments:
        return " or ".join(describe(argument) for argument in arguments if argument is not NoneType)
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(hint, "a value")


def _limits(meta: msgspec.Meta) -> str:
    limits = {"above": meta.gt, "of at least": meta.ge, "below": meta.lt, "of at most": meta.le}
    text = " and ".join(f"{word} {limit}" for word, limit in limits.items() if limit is not None)
    pattern = f" matching {meta.pattern}" if meta.pattern else ""
    return (f" {text}" if text else "") + pattern
