"""The undocumented names of Gunicorn that the poller relies on: all there, all listed, in one module."""

from __future__ import annotations

import ast
import inspect
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gunicorn
import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from service.process import worker
from service.process.worker import RELIED_ON
from tests.support.service.server import ROOT

#: What is documented of it, or says its own name alone.
DOCUMENTED = {"BaseApplication"}


@pytest.fixture(name="objects")
def _objects() -> Iterator[dict[str, Any]]:
    """One of each class, as Gunicorn makes it."""
    ours, theirs = socket.socketpair()
    config, app = Config(), SimpleNamespace(wsgi=None)
    thread_worker = ThreadWorker(
        1, os.getpid(), [], app, 30, config, logging.getLogger("gunicorn.error")
    )
    connection = TConn(config, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
    parser = RequestParser(config, iter([b"GET / HTTP/1.1\r\n\r\n"]), ("127.0.0.1", 1))
    request = next(parser, None)
    yield {
        "ThreadWorker": thread_worker,
        "TConn": connection,
        "RequestParser": parser,
        "Request": request,
    }
    thread_worker.tmp.close()
    ours.close()
    theirs.close()


def complaint(objects: dict[str, Any], name: str, count: int | None) -> str:
    """What is to be said of a name that is not as the poller knows it; nothing if it is."""
    kind, *path = name.split(".")
    there = objects[kind]
    for part in path:
        if not hasattr(there, part):
            return (
                f"Gunicorn {gunicorn.__version__} has no {name}:"
                " read service/process/worker.py before the bound is raised"
            )
        there = getattr(there, part)
    if count is None:
        return ""
    # A bound method does not show the object that it is called on.
    actual = len(inspect.signature(there).parameters) + 1
    return (
        ""
        if actual == count
        else f"{name} of Gunicorn {gunicorn.__version__} takes {actual} parameters, not {count}"
    )


@pytest.mark.parametrize("name", RELIED_ON)
def test_each_name_is_there_with_its_parameters(objects: dict[str, Any], name: str) -> None:
    assert not complaint(objects, name, RELIED_ON[name][0])


def test_a_name_that_is_gone_is_named(objects: dict[str, Any]) -> None:
    assert "has no ThreadWorker.murder_nobody: read service/process/worker.py" in complaint(
        objects, "ThreadWorker.murder_nobody", 1
    )
    assert "takes 1 parameters, not 2" in complaint(objects, "ThreadWorker.murder_pending", 2)


def test_all_that_is_overridden_or_touched_is_listed(objects: dict[str, Any]) -> None:
    source = ast.parse(Path(worker.__file__).read_text(encoding="utf-8"))
    touched = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "conn", "req")
    }
    defined = {
        node.name
        for node in ast.walk(source)
        if isinstance(node, ast.FunctionDef) and node.name != "__init__"
    }
    listed = {part for name in RELIED_ON for part in name.split(".")}
    theirs = [objects[kind] for kind in ("ThreadWorker", "TConn", "Request")]
    assert {name for name in touched | defined if any(hasattr(it, name) for it in theirs)} <= listed


def test_no_other_module_touches_any_on_a_connection(objects: dict[str, Any]) -> None:
    folder = Path(worker.__file__).parent
    touched = {
        (file.name, node.attr)
        for file in folder.glob("*.py")
        if file.name != Path(worker.__file__).name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "conn"
    }
    assert ("request_reader.py", "arrival") in touched
    assert not [(file, name) for file, name in touched if hasattr(objects["TConn"], name)]


def test_one_module_imports_what_gunicorn_does_not_document() -> None:
    importers = {
        file.name
        for file in (ROOT / "service").rglob("*.py")
        if imported_of_gunicorn(file) - DOCUMENTED
    }
    assert importers == {Path(worker.__file__).name}


def imported_of_gunicorn(file: Path) -> set[str]:
    return {
        alias.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if "gunicorn" in f"{getattr(node, 'module', '')}.{alias.name}"
    }
