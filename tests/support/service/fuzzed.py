"""All that a fuzzer sends: each route's requests, with what is long, deep, repeated or many at each of their places."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from tests.support.service import bundles

ROW = bundles.QUALITY.example
MODEL = "quality-classification"
HOLE = "\x00hole"
TENSORS: list[dict[str, Any]] = [
    {"name": "light", "shape": [1], "datatype": "FP32", "data": [20.0]},
    {"name": "crop", "shape": [1], "datatype": "BYTES", "data": ["mint"]},
]
BINARY = {"name": "a", "shape": [1], "datatype": "UINT8", "parameters": {"binary_data_size": 1}}
MATRIX = {"name": "x", "shape": [1, 6], "datatype": "FP64", "data": [[1, 2, 3, 0, 1, 5]]}
ENTRY = {"request_id": "a", "row": 0, "value": "A"}
COLUMNS = {name: [value] for name, value in ROW.items()}
SPLIT = {"columns": list(ROW), "data": [list(ROW.values())]}
#: What can be asked: a route's path, and a request that it takes.
SEEDS: list[tuple[str, Any]] = [
    (f"/v1/models/{MODEL}/predict", {"rows": [ROW]}),
    (f"/v1/models/{MODEL}:predict", {"instances": [list(ROW.values())]}),
    (f"/v1/models/{MODEL}/predict", {"columns": COLUMNS, "ignore_unknown": True}),
    (f"/v1/models/{MODEL}/invocations", {"dataframe_split": SPLIT}),
    (f"/v1/models/{MODEL}/invocations", {"dataframe_records": [ROW]}),
    (f"/v1/models/{MODEL}/invocations", {"inputs": COLUMNS}),
    (f"/v2/models/{MODEL}/infer", {"id": "a", "inputs": TENSORS, "outputs": [{"name": "x"}]}),
    (f"/v2/models/{MODEL}/infer", {"inputs": [MATRIX], "parameters": {"a": 1}}),
    (f"/v2/models/{MODEL}/infer bytes", {"inputs": [BINARY]}),
    (f"/v1/models/{MODEL}/truth", ENTRY),
    (f"/v1/models/{MODEL}/truth", {"entries": [ENTRY]}),
    (f"/v1/models/{MODEL}/retrain", {}),
    (f"/v1/models/{MODEL}/stream", ROW),
]


#: Requests as they come over the wire, with what may stand there many times.
WIRE = {
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n": (
        "1\r\nx\r\n",
        "1;a=b\r\nx\r\n",
    ),
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}\r\n": ("a: b\r\n", "\r"),
    "POST / HTTP/1.1\r\n{}\r\n": ("a: b\r\n", "\r", "a"),
    "{}": ("GET / HTTP/1.1\r\n\r\n", "\r\n", "\r"),
    "POST / HTTP/1.1\r\nContent-Length: 999999\r\n\r\n{}": ("a",),
}
#: Tables as CSV, likewise.
TABLES = {
    "{}\n1": ("light,", ",", "a", '""'),
    ",".join(ROW) + "\n{}": (",".join(map(str, ROW.values())) + "\n", ",", "\n", "9", '"'),
}


class Case(NamedTuple):
    """One kind of body: a request with a hole, and what fills it."""

    path: str
    text: str
    filler: str

    def body(self, size: int) -> bytes:
        return self.text.replace(json.dumps(HOLE), FILLERS[self.filler](size)).encode()


def _many(item: Callable[[int], str], left: str = "[", right: str = "]") -> Callable[[int], str]:
    """As many items as take so many bytes."""

    def fill(size: int) -> str:
        items, length = [], 0
        while length < size:
            items.append(item(len(items)))
            length += len(items[-1]) + 1
        return left + ",".join(items) + right

    return fill


FILLERS: dict[str, Callable[[int], str]] = {
    "digits": lambda size: "1" * size,
    "a fraction's digits": lambda size: "0." + "1" * size,
    "a power's digits": lambda size: "1e" + "1" * size,
    "letters": lambda size: '"' + "a" * size + '"',
    "escapes": lambda size: '"' + "\\u00e9" * (size // 6) + '"',
    "quotation marks": lambda size: '"' + '\\"' * (size // 2) + '"',
    "half surrogates": lambda size: '"' + "\\ud800" * (size // 6) + '"',
    "space": lambda size: " " * size + "1",
    "depth": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "depth of objects": lambda size: '{"a":' * (size // 6) + "1" + "}" * (size // 6),
    "numbers": _many(lambda _: "3"),
    "long numbers": _many(lambda _: "9" * 4000),
    "negative numbers": _many(lambda _: "-1.5"),
    "nulls": _many(lambda _: "null"),
    "strings": _many(lambda _: '"mint"'),
    "times": _many(lambda _: '"2026-03-01"'),
    "lists": _many(lambda _: "[1]"),
    "empty lists": _many(lambda _: "[]"),
    "objects": _many(lambda _: "{}"),
    "other names": _many(lambda number: f'"n{number}":0', "{", "}"),
    "the same name": _many(lambda _: '"n":0', "{", "}"),
}


def cases() -> Iterator[Case]:
    """All that the fuzzer tries."""
    texts = [("wire", WIRE), (f"/v1/models/{MODEL}/invocations csv", TABLES)]
    for path, text, fillers in ((path, *item) for path, kind in texts for item in kind.items()):
        for filler in fillers:
            FILLERS.setdefault(repr(filler), partial(_filled, filler))
            yield Case(path, text.replace("{}", json.dumps(HOLE)), repr(filler))
    for path, seed in SEEDS:
        for text, repeated in _with_holes(seed):
            if repeated is None:
                for filler in FILLERS:
                    yield Case(path, text, filler)
                continue
            for name, item in _repeats(repeated):
                FILLERS.setdefault(name, _many(item, "", ""))
                yield Case(path, text, name)


def _filled(text: str, size: int) -> str:
    return text * (size // len(text))


def _repeats(item: Any) -> Iterator[tuple[str, Callable[[int], str]]]:
    """The same element again and again, and with names of its own."""
    written = json.dumps(item)
    yield f"again {written}", lambda _: written
    if isinstance(item, dict):
        numbered = json.dumps({name: _numbered(value) for name, value in item.items()})
        yield f"numbered {written}", lambda number: numbered.replace("\\u0000", str(number))


def _numbered(value: Any) -> Any:
    return f"{value}\x00" if isinstance(value, str) and value not in ("UINT8", "FP32") else value


def _with_holes(document: Any) -> Iterator[tuple[str, Any]]:
    """The document with a hole at each place; and where a list was, with its element to fill it."""
    for place in _places(document):
        yield json.dumps(_replaced(document, place, HOLE)), None
        there = _at(document, place)
        if isinstance(there, list) and there:
            yield json.dumps(_replaced(document, place, [HOLE])), there[0]


def _places(document: Any) -> Iterator[tuple[Any, ...]]:
    yield ()
    if isinstance(document, dict):
        keys: Any = list(document)[:3]
    elif isinstance(document, list):
        keys = range(min(len(document), 2))
    else:
        return
    for key in keys:
        for place in _places(document[key]):
            yield (key, *place)


def _at(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


def _replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy = document.copy()
    copy[place[0]] = _replaced(document[place[0]], place[1:], value)
    return copy
